/** The devices that can be plugged in, and where more come from: a file, or the browser's chooser. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { glyph } from "../hub/icons.ts";
import { carriedBy } from "./drag.ts";
import { SessionElement } from "./session-element.ts";
import "./pv-device-card.ts";
import { wordsBlock } from "./words-block.ts";

export class PvDevices extends SessionElement {
  static override properties = { ...SessionElement.properties, over: { state: true } };
  declare over: boolean;

  protected override render(): TemplateResult {
    const { session } = this;
    const { usbTrouble } = session;
    return html`
      <section
        class="devices"
        aria-labelledby="devices-title"
        ?data-wanted=${session.carried?.is === "port"}
        ?data-over=${this.over}
        @dragover=${this.#dragOver}
        @dragleave=${() => {
          this.over = false;
        }}
        @drop=${this.#drop}
      >
        <header class="pane-head">
          <h2 id="devices-title">Devices</h2>
          <p class="pane-note">
            ${session.carried?.is === "port" ? "Drop it here to unplug it." : "Plug in, or drag a card to a port."}
          </p>
        </header>
        <div class="more-devices">
          <label class="button file-button">
            ${glyph("file")} Flash drive from a file…
            <input type="file" class="visually-hidden" @change=${this.#choose} />
          </label>
          ${
            usbTrouble
              ? nothing
              : html`<button type="button" class="grant" @click=${() => session.grant()}>
                  ${glyph("device")} Grant a USB device…
                </button>`
          }
        </div>
        ${usbTrouble ? html`<div class="advice" role="note">${wordsBlock(usbTrouble)}</div>` : nothing}
        <ul class="cards">
          ${repeat(
            session.cards,
            ({ id }) => id,
            (card) => html`<li><pv-device-card .session=${session} .card=${card}></pv-device-card></li>`,
          )}
        </ul>
      </section>
    `;
  }

  #choose = (event: Event): void => {
    const input = event.currentTarget as HTMLInputElement;
    const files = [...(input.files ?? [])];
    input.value = "";
    void this.session.addFiles(files);
  };

  #dragOver = (event: DragEvent): void => {
    if (carriedBy(event, this.session)?.is !== "port") return;
    event.preventDefault();
    this.over = true;
  };

  #drop = (event: DragEvent): void => {
    this.over = false;
    const carried = carriedBy(event, this.session);
    if (carried?.is !== "port") return;
    event.preventDefault();
    void this.session.unplug(carried.port);
  };
}

customElements.define("pv-devices", PvDevices);
