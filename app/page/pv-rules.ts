/**
 * The hotplug rules as a list: each is edited where it stands, and a part that is wrong has a sentence beside it and changes
 * nothing. They come from files and go to files as text, with nothing lost.
 */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import type { Rule, RulePart } from "../rules/rule.ts";
import type { Rules } from "../rules/rules.ts";
import { draftOf, EMPTY_DRAFT, type RuleDraft, ruleOf, sentencesOf, type Wrong, wrongOf } from "./rule-draft.ts";

/** A device that rules may be made for. */
export interface KnownDevice {
  /** For a person. */
  readonly name: string;
  /** As rules call it. */
  readonly device: string;
  /** Where it is plugged, as in "1:0:3". */
  readonly place: string | undefined;
}

const PARTS: readonly (readonly [part: RulePart, label: string])[] = [
  ["device", "Device"],
  ["guest", "Guest"],
  ["controller", "Controller"],
  ["port", "Port"],
];

/** Of the new rule. No device is called so. */
const NEW = "";

export class PvRules extends LitElement {
  static override properties = { rules: { attribute: false }, known: { attribute: false } };
  declare rules: Rules;
  declare known: readonly KnownDevice[];
  /** By the device of the rule: what is being written. */
  readonly #drafts = new Map<string, RuleDraft>();
  readonly #wrong = new Map<string, Wrong>();
  /** All rules as text, while a person edits that. */
  #text: string | undefined;
  #sentences: readonly string[] = [];
  #leave: (() => void) | undefined;

  constructor() {
    super();
    this.known = [];
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#leave?.();
    this.#leave = undefined;
  }

  protected override willUpdate(): void {
    this.#leave ??= this.rules.follow(() => this.requestUpdate());
  }

  protected override render(): TemplateResult {
    const { list } = this.rules;
    return html`
      <p class="pane-note">
        ${
          list.length === 0
            ? "A device with a rule plugs itself into its port. There is no rule yet."
            : "These devices plug themselves into their ports."
        }
      </p>
      <table class="rules">
        <thead>
          <tr>${PARTS.map(([, label]) => html`<th scope="col">${label}</th>`)}<th scope="col"><span class="visually-hidden">What to do</span></th></tr>
        </thead>
        <tbody>
          ${list.map((rule) => this.#row(rule))} ${this.#newRow()}
        </tbody>
      </table>
      <datalist id="rule-devices">${this.known.map(({ device, name }) => html`<option value=${device}>${name}</option>`)}</datalist>
      <div class="pane-tools">
        <label>New rule for
          <select @change=${this.#chooseDevice}>
            <option value="" selected>a device…</option>
            ${this.known.map(({ name, place }, index) => html`<option value=${index}>${name}${place ? `, in ${place}` : ""}</option>`)}
          </select>
        </label>
        <label class="button">Import a file… <input type="file" class="visually-hidden" accept=".txt,text/plain" @change=${this.#importFile} /></label>
        <button type="button" aria-expanded=${this.#text !== undefined} @click=${this.#editText}>Edit as text</button>
        <button type="button" ?disabled=${list.length === 0} @click=${this.#download}>Download rules.txt</button>
        <button type="button" ?disabled=${list.length === 0} @click=${this.#copy}>Copy</button>
      </div>
      ${this.#text === undefined ? this.#mistakes() : this.#textForm(this.#text)}
    `;
  }

  #row(rule: Rule): TemplateResult {
    const { device } = rule;
    const draft = this.#drafts.get(device) ?? draftOf(rule);
    return html`<tr>
        ${this.#cells(device, draft)}
        <td>
          <button type="button" class="quiet" aria-label=${`Delete the rule for ${device}`} @click=${() => this.#delete(device)}>Delete</button>
        </td>
      </tr>
      ${this.#wrongRow(device)}`;
  }

  #newRow(): TemplateResult {
    const draft = this.#drafts.get(NEW) ?? EMPTY_DRAFT;
    return html`<tr class="new-rule">
        ${this.#cells(NEW, draft)}
        <td><button type="button" @click=${this.#add}>Add rule</button></td>
      </tr>
      ${this.#wrongRow(NEW)}`;
  }

  /** A sentence below the rule. */
  #wrongRow(key: string): TemplateResult | typeof nothing {
    const wrong = this.#wrong.get(key);
    if (!wrong) return nothing;
    return html`<tr><td colspan=${PARTS.length + 1}><p class="field-wrong" id=${this.#wrongId(key)} role="alert">${wrong.sentence}</p></td></tr>`;
  }

  #wrongId(key: string): string {
    return `rule-wrong-${key === NEW ? "new" : this.rules.list.findIndex(({ device }) => device === key)}`;
  }

  #cells(key: string, draft: RuleDraft): TemplateResult[] {
    const wrong = this.#wrong.get(key);
    return PARTS.map(([part, label]) => {
      const isWrong = wrong?.part === part;
      const of = key === NEW ? "of the new rule" : `of the rule for ${key}`;
      return html`<td data-part=${part}>
        <input
          type="text"
          autocomplete="off"
          spellcheck="false"
          aria-label=${`${label} ${of}`}
          aria-invalid=${isWrong}
          aria-describedby=${isWrong ? this.#wrongId(key) : nothing}
          list=${part === "device" ? "rule-devices" : nothing}
          .value=${live(draft[part])}
          @input=${(event: Event) => this.#write(key, part, event)}
          @change=${() => this.#commit(key)}
          @keydown=${(event: KeyboardEvent) => this.#key(key, event)}
        />
      </td>`;
    });
  }

  #textForm(text: string): TemplateResult {
    return html`
      <form class="rules-text" @submit=${this.#applyText}>
        <label>Rules as text, one a line: DEVICE:GUEST:CONTROLLER:PORT
          <textarea rows="6" spellcheck="false" .value=${text} @input=${this.#writeText}></textarea>
        </label>
        ${this.#mistakes()}
        <div class="pane-tools">
          <button type="submit">Have these rules</button>
          <button type="button" class="quiet" @click=${this.#closeText}>Cancel</button>
        </div>
      </form>
    `;
  }

  #mistakes(): TemplateResult | typeof nothing {
    if (this.#sentences.length === 0) return nothing;
    return html`<div class="field-wrong" role="alert">
      <p>Nothing has changed, because of ${this.#sentences.length === 1 ? "a mistake" : "mistakes"}:</p>
      <ul>${this.#sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>
    </div>`;
  }

  // ------------------------------------------------------------------ one rule

  #write(key: string, part: RulePart, event: Event): void {
    const draft = this.#drafts.get(key) ?? this.#saved(key);
    this.#drafts.set(key, { ...draft, [part]: (event.target as HTMLInputElement).value });
  }

  #saved(key: string): RuleDraft {
    const rule = this.rules.list.find(({ device }) => device === key);
    return rule ? draftOf(rule) : EMPTY_DRAFT;
  }

  /** A rule that is right is the rule from now on; the new one waits until it is added. */
  #commit(key: string): boolean {
    const draft = this.#drafts.get(key);
    if (!draft) return true;
    const wrong = wrongOf(draft, this.rules, key);
    if (wrong) this.#wrong.set(key, wrong);
    else this.#wrong.delete(key);
    this.requestUpdate();
    if (wrong || key === NEW) return !wrong;
    this.#drafts.delete(key);
    const rule = ruleOf(draft);
    this.rules.change(key, rule);
    this.#say(`${rule.device} goes to ${rule.place} from now on.`);
    return true;
  }

  #key(key: string, event: KeyboardEvent): void {
    if (event.key === "Enter") {
      event.preventDefault();
      if (key === NEW) this.#add();
      else this.#commit(key);
    } else if (event.key === "Escape" && this.#drafts.has(key)) {
      event.preventDefault();
      this.#drafts.delete(key);
      this.#wrong.delete(key);
      this.requestUpdate();
    }
  }

  #add = (): void => {
    const draft = this.#drafts.get(NEW) ?? EMPTY_DRAFT;
    this.#drafts.set(NEW, draft);
    if (!this.#commit(NEW)) {
      void this.#focus(NEW, this.#wrong.get(NEW)?.part ?? "device");
      return;
    }
    this.#drafts.delete(NEW);
    const { device, place } = ruleOf(draft);
    this.rules.set(device, place);
    this.#say(`${device} goes to ${place} from now on.`);
    void this.#focus(NEW, "device");
  };

  #delete(device: string): void {
    this.#drafts.delete(device);
    this.#wrong.delete(device);
    this.rules.delete(device);
    this.#say(`The rule for ${device} is gone.`);
    void this.#focus(NEW, "device");
  }

  #chooseDevice = (event: Event): void => {
    const select = event.target as HTMLSelectElement;
    const known = this.known[Number(select.value)];
    const isChosen = select.value !== "";
    select.value = "";
    if (!known || !isChosen) return;
    const { device, place } = known;
    this.#drafts.set(NEW, place === undefined ? { ...EMPTY_DRAFT, device } : draftOf({ device, place }));
    this.#wrong.delete(NEW);
    this.requestUpdate();
    void this.#focus(NEW, "port");
  };

  async #focus(key: string, part: RulePart): Promise<void> {
    await this.updateComplete;
    const row = key === NEW ? this.querySelector(".new-rule") : undefined;
    row?.querySelector<HTMLInputElement>(`[data-part="${part}"] input`)?.focus();
  }

  // ------------------------------------------------------------------ all rules as text

  #importFile = async (event: Event): Promise<void> => {
    const input = event.target as HTMLInputElement;
    const [file] = input.files ?? [];
    input.value = "";
    if (!file) return;
    const text = await file.text();
    try {
      const count = this.rules.add(text);
      this.#text = undefined;
      this.#sentences = [];
      this.#say(`${count} ${count === 1 ? "rule" : "rules"} imported from ${file.name}.`);
    } catch (error) {
      this.#sentences = sentencesOf(error).map((sentence) => `${file.name}, ${sentence}`);
    }
    this.requestUpdate();
  };

  #editText = (): void => {
    this.#text = this.#text === undefined ? this.rules.text : undefined;
    this.#sentences = [];
    this.requestUpdate();
  };

  #closeText = (): void => {
    this.#text = undefined;
    this.#sentences = [];
    this.requestUpdate();
  };

  #writeText = (event: Event): void => {
    this.#text = (event.target as HTMLTextAreaElement).value;
  };

  #applyText = (event: Event): void => {
    event.preventDefault();
    try {
      this.rules.read(this.#text ?? "");
      this.#closeText();
      this.#drafts.clear();
      this.#wrong.clear();
      this.#say(`There ${this.rules.size === 1 ? "is 1 rule" : `are ${this.rules.size} rules`} now.`);
    } catch (error) {
      this.#sentences = sentencesOf(error);
      this.requestUpdate();
    }
  };

  #download = (): void => {
    const url = URL.createObjectURL(new Blob([this.rules.text], { type: "text/plain" }));
    Object.assign(document.createElement("a"), { href: url, download: "rules.txt" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 0);
  };

  #copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(this.rules.text);
      this.#say("The rules are copied.");
    } catch {
      // No permission: as text, ready for the person's own copy.
      this.#text = this.rules.text;
      this.requestUpdate();
      await this.updateComplete;
      this.querySelector("textarea")?.select();
    }
  };

  /** To be read out. */
  #say(words: string): void {
    this.dispatchEvent(new CustomEvent("pv-said", { detail: words, bubbles: true, composed: true }));
  }
}

customElements.define("pv-rules", PvRules);
declare global {
  interface HTMLElementTagNameMap {
    "pv-rules": PvRules;
  }
}
