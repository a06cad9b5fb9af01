/** Snapshots of the machine: saved under a name, restored, downloaded, deleted, and taken from files. */
import { html, nothing, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";
import type { KeptState } from "../guest/kept-states.ts";
import { DeskElement } from "../hub/desk-element.ts";
import { inBytes } from "../hub/rate.ts";
import type { Snapshots } from "./snapshots.ts";

export class PvSnapshots extends DeskElement {
  static override properties = { ...DeskElement.properties, snapshots: { attribute: false } };
  declare snapshots: Snapshots;
  /** What a person has written as the next one's name. */
  #name: string | undefined;

  protected override firstUpdated(): void {
    void this.snapshots.refresh();
  }

  protected override render(): TemplateResult {
    const { canSave, list, nextName, work } = this.snapshots;
    return html`
      <p class="pane-note">
        A snapshot is the whole machine with all that is plugged: memory, processor, disks in memory. It goes on from there.
      </p>
      <form class="pane-tools" @submit=${this.#save}>
        <label>Name
          <input type="text" maxlength="200" autocomplete="off" placeholder=${nextName} .value=${live(this.#name ?? "")} @input=${this.#write} />
        </label>
        <button type="submit" ?disabled=${!canSave}>Save snapshot</button>
        <label class="button">From a file…
          <input type="file" class="visually-hidden" ?disabled=${work !== undefined} @change=${this.#addFile} />
        </label>
      </form>
      ${
        work
          ? html`<p class="snapshot-work">
              <label for="snapshot-work">${work.does}…</label>
              <progress id="snapshot-work" max="1" value=${work.fraction ?? nothing}></progress>
            </p>`
          : nothing
      }
      <ul class="snapshots" aria-label="Snapshots">${list.map((each) => this.#item(each))}</ul>
      <p class="pane-note">
        A snapshot names the disks that it opens again. Restore files of other people only if you trust them, as with any program.
      </p>
    `;
  }

  #item(state: KeptState): TemplateResult {
    const { bytes, name, packed, plugged, savedAt } = state;
    const isBusy = this.snapshots.work !== undefined;
    const count = Object.keys(plugged).length;
    const devices = count === 0 ? "nothing plugged" : `${count} ${count === 1 ? "device" : "devices"}`;
    return html`<li>
      <div class="snapshot-words">
        <strong>${name}</strong>
        <span>${new Date(savedAt).toLocaleString()}, ${devices}, ${inBytes(packed.size)} (${inBytes(bytes)} when it runs)</span>
      </div>
      <div class="snapshot-actions">
        <button type="button" aria-label=${`Restore ${name}`} ?disabled=${isBusy} @click=${() => this.snapshots.restore(state)}>Restore</button>
        <button type="button" class="quiet" aria-label=${`Download ${name}`} ?disabled=${isBusy} @click=${() => this.#download(state)}>Download</button>
        <button type="button" class="quiet" aria-label=${`Delete ${name}`} ?disabled=${isBusy} @click=${() => this.snapshots.delete(state)}>Delete</button>
      </div>
    </li>`;
  }

  #write = (event: Event): void => {
    this.#name = (event.target as HTMLInputElement).value;
  };

  #save = async (event: Event): Promise<void> => {
    event.preventDefault();
    const name = this.#name ?? "";
    this.#name = undefined;
    await this.snapshots.save(name);
  };

  #addFile = async (event: Event): Promise<void> => {
    const input = event.target as HTMLInputElement;
    const [file] = input.files ?? [];
    input.value = "";
    if (file) await this.snapshots.addFile(file);
  };

  async #download(state: KeptState): Promise<void> {
    const made = await this.snapshots.toFile(state);
    if (!made) return;
    const url = URL.createObjectURL(made.file);
    Object.assign(document.createElement("a"), { href: url, download: made.name }).click();
    // The browser has begun to read it when the click is over; a large file takes it a while.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}

customElements.define("pv-snapshots", PvSnapshots);
declare global {
  interface HTMLElementTagNameMap {
    "pv-snapshots": PvSnapshots;
  }
}
