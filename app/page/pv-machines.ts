/** The dialogs about machines, and what follows from their answers. Elements ask for one by a MachineWish. */
import { html, LitElement, type TemplateResult } from "lit";
import type { MachineConfig, MachineFile } from "../guest/machine-config.ts";
import type { Listed } from "./kept-machines.ts";
import type { Machine } from "./machine.ts";
import { draftFrom, draftOf, FILE_LABELS, type MachineDraft } from "./machine-draft.ts";
import type { FormWords, PvNewMachine } from "./pv-new-machine.ts";
import { saveDisk } from "./save-disk.ts";
import type { Session } from "./session.ts";
import "./pv-files-dropped.ts";
import "./pv-keep-machine.ts";
import "./pv-new-machine.ts";

export type Wish =
  /** Start the guest as another machine; a kept one when it is given. */
  | { readonly is: "new" }
  | { readonly is: "change" }
  | { readonly is: "keep" }
  | { readonly is: "open"; readonly kept: Listed }
  | { readonly is: "save-disk" };

/** Asked for by an element, for the guest that a person looks at. */
export class MachineWish extends CustomEvent<Wish> {
  constructor(wish: Wish) {
    super("pv-machine-wish", { bubbles: true, detail: wish });
  }
}

export class PvMachines extends LitElement {
  static override properties = { session: { attribute: false } };
  declare session: Session;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override render(): TemplateResult {
    return html`
      <pv-new-machine></pv-new-machine>
      <pv-keep-machine></pv-keep-machine>
      <pv-files-dropped></pv-files-dropped>
    `;
  }

  async fulfil(wish: Wish): Promise<void> {
    const { current, kept } = this.session;
    switch (wish.is) {
      case "new":
        return this.#start(current, draftOf(), { title: "What to start", submit: "Start" });
      case "change":
        return this.#start(current, draftOf(current.config), {
          title: `Change ${current.name}`,
          submit: current.state.is === "running" ? "Restart it" : "Start",
          ...(current.state.is === "running" && {
            note: "It starts from the beginning. What is in its ports stays there.",
          }),
        });
      case "keep": {
        const answer = await this.querySelector("pv-keep-machine")?.ask(current.config, current.state.is === "running");
        if (answer) await kept.keep(current, answer);
        return;
      }
      case "open":
        return this.#open(current, wish.kept);
      case "save-disk":
        return saveDisk(current, this.session.desk);
    }
  }

  /** Asks what to do with the files. */
  async dropped(files: readonly MachineFile[]): Promise<void> {
    if (files.length === 0) return;
    const action = await this.querySelector("pv-files-dropped")?.ask(files);
    if (action?.is === "plug") {
      await this.session.desk.addFiles(files, undefined, action.as);
    } else if (action) {
      const { current } = this.session;
      const isFree = current.state.is === "off" || current.state.is === "failed";
      await this.#start(isFree ? current : undefined, action.draft, { title: "A new machine", submit: "Start" });
    }
  }

  /** Without a guest, one is added once there is a machine. */
  async #start(machine: Machine | undefined, draft: MachineDraft, words: FormWords): Promise<void> {
    const config = await this.#form?.ask(draft, words);
    if (config) await this.#startAs(machine ?? this.session.add(), config);
  }

  async #startAs(machine: Machine, config: MachineConfig): Promise<void> {
    const { session } = this;
    // One that is changed stays the kept one that it was.
    session.become(machine, config, machine.keptAs);
    session.show(machine);
    // A guest that was just added has no place for its screen before it is drawn.
    await drawn();
    await machine.start();
  }

  async #open(machine: Machine, { id, hasState }: Listed): Promise<void> {
    const { desk, kept } = this.session;
    const loaded = await kept.load(id);
    if (!loaded) return;
    const { machine: description, files, missing, changed } = loaded;
    const config =
      loaded.config ??
      (await this.#form?.ask(draftFrom(description, files), {
        title: description.name,
        submit: "Start",
        note: `Choose again: ${missing.map((field) => `${FILE_LABELS[field]} (${description.files[field]})`).join(", ")}.`,
      }));
    if (!config) return;
    this.session.become(machine, config, id);
    const isWhole = loaded.config !== undefined && changed.length === 0;
    if (hasState && !isWhole) {
      desk.announce(`${config.name} starts from the beginning: its files are others than those of its state.`);
    }
    await machine.start(hasState && isWhole ? await kept.whole(id) : undefined);
  }

  get #form(): PvNewMachine | null {
    return this.querySelector("pv-new-machine");
  }
}

function drawn(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
}

customElements.define("pv-machines", PvMachines);
declare global {
  interface HTMLElementTagNameMap {
    "pv-machines": PvMachines;
  }
  interface HTMLElementEventMap {
    "pv-machine-wish": MachineWish;
  }
}
