/** Makes a blank drive: of a chosen size, in memory or kept in the browser under a name. */
import { html, nothing, type TemplateResult } from "lit";
import { BLANK_DRIVE_SIZE, BLANK_SIZES } from "../sources/blank-drive.ts";
import { BrowserDrives } from "../sources/browser-drives.ts";
import { DeskElement } from "./desk-element.ts";
import { glyph } from "./icons.ts";
import { inBytes } from "./rate.ts";

export class PvNewDrive extends DeskElement {
  static override properties = {
    ...DeskElement.properties,
    isOpen: { state: true },
    isKept: { state: true },
    room: { state: true },
    trouble: { state: true },
  };
  declare isOpen: boolean;
  /** In the browser, and not only in memory. */
  declare isKept: boolean;
  /** What the browser grants, in words. */
  declare room: string;
  declare trouble: string;

  constructor() {
    super();
    this.isOpen = false;
    this.isKept = false;
    this.room = "";
    this.trouble = "";
  }

  protected override render(): TemplateResult {
    return html`
      <button type="button" class="new-drive" aria-expanded=${String(this.isOpen)} @click=${this.#toggle}>
        ${glyph("drive")} New drive…
      </button>
      ${this.isOpen ? this.#form() : nothing}
    `;
  }

  #form(): TemplateResult {
    return html`
      <form class="new-drive-form" aria-label="New drive" @submit=${this.#make}>
        <label>
          Size
          <select name="size">
            ${BLANK_SIZES.map((size) => {
              return html`<option value=${size} ?selected=${size === BLANK_DRIVE_SIZE}>${inBytes(size)}</option>`;
            })}
          </select>
        </label>
        ${
          BrowserDrives.areSupported
            ? html`<label class="new-drive-kept">
                <input
                  type="checkbox"
                  name="kept"
                  .checked=${this.isKept}
                  @change=${(event: Event) => {
                    this.isKept = (event.currentTarget as HTMLInputElement).checked;
                  }}
                />
                Keep it in this browser, over reloads
              </label>`
            : nothing
        }
        ${
          this.isKept
            ? html`<label>Name <input name="name" required maxlength="60" autocomplete="off" /></label>
                ${this.room ? html`<p class="pane-note">${this.room}</p>` : nothing}`
            : nothing
        }
        ${this.trouble ? html`<p class="card-warning" role="alert">${this.trouble}</p>` : nothing}
        <button type="submit">Make it</button>
      </form>
    `;
  }

  #toggle = async (): Promise<void> => {
    this.isOpen = !this.isOpen;
    this.trouble = "";
    if (!this.isOpen) return;
    const room = await this.desk.disks.kept.room();
    this.room = room
      ? `Of the ${inBytes(room.quota)} that the browser grants this page, ${inBytes(room.free)} are free.`
      : "";
  };

  #make = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const size = Number(data.get("size"));
    const { disks } = this.desk;
    try {
      const card = this.isKept ? await disks.addKept(String(data.get("name")), size) : disks.addBlank(size);
      this.isOpen = false;
      this.trouble = "";
      this.desk.announce(`${card.short} is in the list now.`);
    } catch (error) {
      this.trouble = error instanceof Error ? error.message : String(error);
    }
  };
}

customElements.define("pv-new-drive", PvNewDrive);
declare global {
  interface HTMLElementTagNameMap {
    "pv-new-drive": PvNewDrive;
  }
}
