/** What to do with files that were dropped on the page: boot them, or plug them in. */
import { html, nothing, type PropertyDeclarations, type TemplateResult } from "lit";
import type { MachineFile } from "../guest/machine-config.ts";
import { inBytes } from "../hub/rate.ts";
import { DialogElement } from "./dialog-element.ts";
import { type DropChoice, dropChoices } from "./dropped.ts";

export class PvFilesDropped extends DialogElement<DropChoice["action"]> {
  static override properties: PropertyDeclarations = {
    files: { state: true },
    choices: { state: true },
    note: { state: true },
  };
  declare private files: readonly MachineFile[];
  declare private choices: readonly DropChoice[];
  declare private note: string | undefined;

  constructor() {
    super();
    this.files = [];
    this.choices = [];
    this.note = undefined;
  }

  async ask(files: readonly MachineFile[]): Promise<DropChoice["action"] | undefined> {
    const { choices, note } = await dropChoices(files);
    this.files = files;
    this.choices = choices;
    this.note = note;
    return this.show();
  }

  protected override render(): TemplateResult {
    const { files, choices, note } = this;
    return html`
      <dialog class="files-dropped" aria-labelledby="files-dropped-title" @close=${this.closed}>
        <h2 id="files-dropped-title">${files.map(({ name }) => name).join(", ")}</h2>
        <p class="form-note">
          ${files.map(({ blob }) => inBytes(blob.size)).join(", ")}${note ? html`. ${note}` : nothing}
        </p>
        <div class="drop-choices">
          ${choices.map(
            ({ label, detail, action }) => html`<button type="button" @click=${() => this.answer(action)}>
              ${label}${detail ? html` <span class="small">${detail}</span>` : nothing}
            </button>`,
          )}
          <button type="button" class="quiet" @click=${() => this.answer(undefined)}>
            ${choices.length > 0 ? "Cancel" : "Close"}
          </button>
        </div>
      </dialog>
    `;
  }
}

customElements.define("pv-files-dropped", PvFilesDropped);
declare global {
  interface HTMLElementTagNameMap {
    "pv-files-dropped": PvFilesDropped;
  }
}
