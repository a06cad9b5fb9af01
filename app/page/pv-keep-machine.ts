/** How a machine is kept over a reload: with copies of its files, and as it is now. */
import { html, nothing, type TemplateResult } from "lit";
import type { MachineConfig } from "../guest/machine-config.ts";
import { machineFiles } from "../guest/machine-description.ts";
import { inBytes } from "../hub/rate.ts";
import { DialogElement } from "./dialog-element.ts";

export interface KeepAnswer {
  readonly copyFiles: boolean;
  readonly withState: boolean;
}

export class PvKeepMachine extends DialogElement<KeepAnswer> {
  static override properties = { config: { state: true } };
  declare private config: MachineConfig | undefined;
  #runs = false;

  /** A machine that does not run has no state to keep. */
  ask(config: MachineConfig, runs: boolean): Promise<KeepAnswer | undefined> {
    this.config = config;
    this.#runs = runs;
    return this.show();
  }

  protected override render(): TemplateResult | typeof nothing {
    const { config } = this;
    if (!config || !this.isShown) return html`<dialog></dialog>`;
    const files = [...machineFiles(config).values()].filter(({ handle }) => !handle);
    const size = files.reduce((sum, { blob }) => sum + blob.size, 0);
    return html`
      <dialog class="keep-machine" aria-labelledby="keep-machine-title" @close=${this.closed}>
        <form @submit=${this.#submit}>
          <h2 id="keep-machine-title">Keep ${config.name}</h2>
          <p class="form-note">It is kept in this browser, and on this page's start after a reload.</p>
          ${
            this.#runs
              ? html`<label class="choice">
                  <input type="checkbox" name="state" checked /> <span>As it is now</span>
                  <span class="small">its memory, what it has written to its disk, and what is plugged</span>
                </label>`
              : nothing
          }
          ${
            files.length > 0
              ? html`<label class="choice">
                  <input type="checkbox" name="copies" checked /> <span>With copies of its files, ${inBytes(size)}</span>
                  <span class="small">${files.map(({ name }) => name).join(", ")}; otherwise you are asked for them again</span>
                </label>`
              : nothing
          }
          <div class="form-buttons">
            <button type="submit" class="submit">Keep</button>
            <button type="button" class="quiet" @click=${() => this.answer(undefined)}>Cancel</button>
          </div>
        </form>
      </dialog>
    `;
  }

  #submit = (event: Event): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    this.answer({ copyFiles: form.has("copies"), withState: form.has("state") });
  };
}

customElements.define("pv-keep-machine", PvKeepMachine);
declare global {
  interface HTMLElementTagNameMap {
    "pv-keep-machine": PvKeepMachine;
  }
}
