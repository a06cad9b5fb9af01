/** The form of a machine: what it boots, its memory and ports. It takes and answers plain data, and starts nothing. */
import { html, nothing, type PropertyDeclarations, type TemplateResult } from "lit";
import type { Problem } from "../guest/machine-check.ts";
import { LIMITS, type MachineConfig, type MachineField } from "../guest/machine-config.ts";
import type { FileField } from "../guest/machine-description.ts";
import { inBytes } from "../hub/rate.ts";
import { DialogElement } from "./dialog-element.ts";
import { droppedFiles, machineFile } from "./dropped-items.ts";
import {
  aboutFile,
  BOOT_CHOICES,
  draftOf,
  FILE_LABELS,
  finish,
  type MachineDraft,
  mainFile,
  memoryOf,
  nameOf,
  otherDrives,
} from "./machine-draft.ts";

export interface FormWords {
  readonly title: string;
  /** What the button says that answers. */
  readonly submit: string;
  /** Said at the top. */
  readonly note?: string;
}

const NEW_MACHINE: FormWords = { title: "A new machine", submit: "Start" };

export class PvNewMachine extends DialogElement<MachineConfig> {
  static override properties: PropertyDeclarations = {
    draft: { state: true },
    problems: { state: true },
    about: { state: true },
  };
  declare private draft: MachineDraft;
  declare private problems: readonly Problem[];
  /** What the chosen files are. */
  declare private about: ReadonlyMap<FileField, string>;
  #words = NEW_MACHINE;
  /** Fields whose problem is shown: those that the person has filled in, and after a try to start all. */
  readonly #touched = new Set<MachineField>();
  #checks = 0;
  /** Drives, screen, network and BIOS are shown. */
  #more = false;

  constructor() {
    super();
    this.draft = draftOf();
    this.problems = [];
    this.about = new Map();
  }

  /** Shows the form until there is a machine that can be started. Undefined when it is closed. */
  ask(draft: MachineDraft = draftOf(), words: FormWords = NEW_MACHINE): Promise<MachineConfig | undefined> {
    this.#words = words;
    this.#touched.clear();
    this.#more = false;
    this.about = new Map();
    this.problems = [];
    for (const field of draft.files.keys()) this.#touched.add(field);
    this.#change(draft);
    return this.show();
  }

  protected override render(): TemplateResult {
    const { draft } = this;
    const { title, submit, note } = this.#words;
    if (!this.isShown) return html`<dialog></dialog>`;
    return html`
      <dialog class="machine-form" aria-labelledby="machine-form-title" @close=${this.closed}>
        <form novalidate @submit=${this.#submit}>
          <h2 id="machine-form-title">${title}</h2>
          ${note ? html`<p class="form-note">${note}</p>` : nothing}
          <fieldset class="choices">
            <legend>What it boots</legend>
            ${BOOT_CHOICES.map(
              ({ boots, label, detail }) => html`<label class="choice">
                <input
                  type="radio"
                  name="boots"
                  .value=${boots}
                  .checked=${draft.boots === boots}
                  @change=${() => this.#change({ ...this.draft, boots })}
                />
                <span>${label}</span> <span class="small">${detail}</span>
              </label>`,
            )}
          </fieldset>
          ${this.#mainFields()}
          ${draft.boots === "state" ? nothing : this.#number("memoryMiB", "Memory, in MiB", memoryOf(draft), (memory) => ({ memory }))}
          ${this.#number("ports", "USB ports", draft.ports, (ports) => ({ ports }))}
          ${this.#text("name", "Name", draft.name, nameOf({ ...draft, name: "" }), (name) => ({ name }))}
          <details .open=${this.#more} @toggle=${this.#toggled}>
            <summary>Drives, screen, network, BIOS</summary>
            ${otherDrives(draft.boots).map((drive) => [this.#file(drive, true), drive === "disk" ? this.#blankDisk() : nothing])}
            ${this.#number("vgaMemoryMiB", "Memory of the screen, in MiB", draft.vga, (vga) => ({ vga }))}
            <label class="field">
              <span class="field-name">USB controller</span>
              <select><option>xHCI (USB 3)</option></select>
            </label>
            <label class="field">
              <span class="field-name">Network card</span>
              <select @change=${this.#network}>
                <option value="none" ?selected=${draft.network === "none"}>none</option>
                <option value="fetch" ?selected=${draft.network === "fetch"}>NE2000, HTTP by this browser</option>
              </select>
            </label>
            ${this.#file("bios", true)} ${this.#file("vgaBios", true)}
          </details>
          <p class="small">v86 is a 32-bit PC: systems for 64 bits do not start. Files are never written; what a guest writes to its disk is in this tab.</p>
          <div class="form-buttons">
            <button type="submit" class="submit">${submit}</button>
            <button type="button" class="quiet" @click=${() => this.answer(undefined)}>Cancel</button>
          </div>
        </form>
      </dialog>
    `;
  }

  /** What is filled in or wrong is shown; and it stays shown when it is no longer. */
  protected override willUpdate(): void {
    const { draft } = this;
    const inside: readonly MachineField[] = [...otherDrives(draft.boots), "vgaMemoryMiB", "bios", "vgaBios"];
    this.#more ||= draft.blank !== "" || draft.network !== "none";
    this.#more ||= inside.some((field) => draft.files.has(field as FileField) || this.#problemOf(field) !== undefined);
  }

  #toggled = (event: Event): void => {
    this.#more = (event.currentTarget as HTMLDetailsElement).open;
  };

  #mainFields(): TemplateResult {
    const { draft } = this;
    const main = mainFile(draft.boots);
    if (!main) {
      return html`${draft.boots === "usb" ? html`<p class="form-note">Plug a flash drive before it starts: what is in the ports is there from the beginning.</p>` : nothing}`;
    }
    if (main !== "kernel") return this.#file(main, false);
    return html`
      ${this.#file("kernel", false)} ${this.#file("initrd", true)}
      ${this.#text("append", "Kernel's command line", draft.append, "", (append) => ({ append }))}
    `;
  }

  #file(field: FileField, optional: boolean): TemplateResult {
    const file = this.draft.files.get(field);
    const label = FILE_LABELS[field];
    return html`
      <div
        class="field"
        @dragover=${(event: DragEvent) => event.preventDefault()}
        @drop=${(event: DragEvent) => this.#drop(event, field)}
      >
        <span class="field-name">${label}${optional ? html` <span class="small">(if any)</span>` : nothing}</span>
        <span class="field-file">
          <label class="button">
            ${file ? "Choose another…" : "Choose a file…"}
            <input
              class="visually-hidden"
              type="file"
              aria-label=${label}
              aria-describedby=${`about-${field} problem-${field}`}
              aria-invalid=${String(this.#problemOf(field) !== undefined)}
              data-field=${field}
              @change=${(event: Event) => this.#pick(event, field)}
            />
          </label>
          ${
            file
              ? html`<button type="button" class="quiet" aria-label=${`Leave out ${file.name}`} @click=${() => this.#setFile(field, undefined)}>Leave out</button>`
              : nothing
          }
          <span id=${`about-${field}`} class="small">
            ${file ? html`<b>${file.name}</b>, ${inBytes(file.blob.size)}${this.about.has(field) ? `: ${this.about.get(field)}` : ""}` : "or drop it here"}
          </span>
        </span>
        ${this.#problem(field)}
      </div>
    `;
  }

  #blankDisk(): TemplateResult | typeof nothing {
    if (this.draft.files.has("disk")) return nothing;
    const { least, most } = LIMITS.blankMiB;
    return html`<label class="field">
      <span class="field-name">or a blank hard disk, in MiB</span>
      <input
        type="number"
        min=${least}
        max=${most}
        .value=${this.draft.blank}
        @change=${(event: Event) => this.#type(event, "disk", (blank) => ({ blank }))}
      />
    </label>`;
  }

  #number(
    field: "memoryMiB" | "vgaMemoryMiB" | "ports",
    label: string,
    value: string,
    change: (text: string) => Partial<MachineDraft>,
  ): TemplateResult {
    const { least, most } = LIMITS[field];
    return html`<div class="field">
      <label class="field-name" for=${`field-${field}`}>${label}</label>
      <input
        id=${`field-${field}`}
        type="number"
        required
        min=${least}
        max=${most}
        data-field=${field}
        aria-describedby=${`problem-${field}`}
        aria-invalid=${String(this.#problemOf(field) !== undefined)}
        .value=${value}
        @change=${(event: Event) => this.#type(event, field, change)}
      />
      ${this.#problem(field)}
    </div>`;
  }

  #text(
    field: "name" | "append",
    label: string,
    value: string,
    placeholder: string,
    change: (text: string) => Partial<MachineDraft>,
  ): TemplateResult {
    return html`<div class="field">
      <label class="field-name" for=${`field-${field}`}>${label}</label>
      <input
        id=${`field-${field}`}
        type="text"
        autocomplete="off"
        spellcheck="false"
        placeholder=${placeholder}
        data-field=${field}
        aria-describedby=${`problem-${field}`}
        aria-invalid=${String(this.#problemOf(field) !== undefined)}
        .value=${value}
        @change=${(event: Event) => this.#type(event, field, change)}
      />
      ${this.#problem(field)}
    </div>`;
  }

  #problem(field: MachineField): TemplateResult {
    return html`<p id=${`problem-${field}`} class="field-problem">${this.#problemOf(field) ?? ""}</p>`;
  }

  #problemOf(field: MachineField): string | undefined {
    return this.#touched.has(field) ? this.problems.find((each) => each.field === field)?.text : undefined;
  }

  #type(event: Event, field: MachineField, change: (text: string) => Partial<MachineDraft>): void {
    this.#touched.add(field);
    this.#change({ ...this.draft, ...change((event.currentTarget as HTMLInputElement).value) });
  }

  #network = (event: Event): void => {
    const network = (event.currentTarget as HTMLSelectElement).value === "fetch" ? "fetch" : "none";
    this.#change({ ...this.draft, network });
  };

  #pick(event: Event, field: FileField): void {
    const input = event.currentTarget as HTMLInputElement;
    const [file] = input.files ?? [];
    if (file) this.#setFile(field, machineFile(file));
    // So that the same file can be chosen again.
    input.value = "";
  }

  async #drop(event: DragEvent, field: FileField): Promise<void> {
    event.preventDefault();
    event.stopPropagation();
    const [file] = await droppedFiles(event.dataTransfer);
    if (file) this.#setFile(field, file);
  }

  #setFile(
    field: FileField,
    file: MachineDraft["files"] extends ReadonlyMap<FileField, infer F> ? F | undefined : never,
  ): void {
    const files = new Map(this.draft.files);
    if (file) files.set(field, file);
    else files.delete(field);
    this.#touched.add(field);
    this.about = new Map([...this.about].filter(([known]) => known !== field));
    this.#change({ ...this.draft, files, ...(field === "disk" && file && { blank: "" }) });
  }

  /** Checks what is there now; a check that was overtaken is forgotten. */
  #change(draft: MachineDraft): void {
    this.draft = draft;
    const check = ++this.#checks;
    void finish(draft).then((finished) => {
      if (check === this.#checks) this.problems = "problems" in finished ? finished.problems : [];
    });
    for (const [field, file] of draft.files) {
      if (this.about.has(field)) continue;
      void aboutFile(file).then((about) => {
        if (this.draft.files.get(field) === file) this.about = new Map([...this.about, [field, about]]);
      });
    }
  }

  #submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const finished = await finish(this.draft);
    if ("config" in finished) {
      this.answer(finished.config);
      return;
    }
    for (const { field } of finished.problems) this.#touched.add(field);
    this.problems = finished.problems;
    await this.updateComplete;
    this.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  };
}

customElements.define("pv-new-machine", PvNewMachine);
declare global {
  interface HTMLElementTagNameMap {
    "pv-new-machine": PvNewMachine;
  }
}
