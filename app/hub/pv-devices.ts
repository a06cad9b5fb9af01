/** The devices that can be plugged in, and where more come from: a file, or the browser's chooser. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { canPickFiles } from "../sources/disk-file.ts";
import type { CardGroup } from "./card.ts";
import { DeskElement } from "./desk-element.ts";
import { carriedBy } from "./drag.ts";
import { glyph } from "./icons.ts";
import "./pv-device-card.ts";
import "./pv-new-drive.ts";
import { wordsBlock } from "./words-block.ts";

const GROUPS: readonly (readonly [CardGroup, string])[] = [
  ["real", "Your USB devices"],
  ["disks", "Disks"],
  ["input", "Keyboard, mouse, game"],
  ["media", "Picture and sound"],
  ["lines", "Network, serial, MIDI"],
  ["more", "Hubs, and for tests"],
];

export class PvDevices extends DeskElement {
  static override properties = {
    ...DeskElement.properties,
    groups: { attribute: false },
    over: { state: true },
    wanted: { state: true },
  };
  /** The groups of cards that are shown; all unless it is said. */
  declare groups: readonly CardGroup[] | undefined;
  declare over: boolean;
  /** What a person looks for among the cards. */
  declare wanted: string | undefined;

  protected override render(): TemplateResult {
    const { desk } = this;
    const { usbTrouble } = desk;
    return html`
      <section
        class="devices" part="devices"
        aria-labelledby="devices-title"
        ?data-wanted=${desk.carried?.is === "device"}
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
            ${desk.carried?.is === "device" ? "Drop it here to unplug it." : "Plug in, or drag a card to a port."}
          </p>
        </header>
        <div class="more-devices">
          ${
            this.#shows("disks")
              ? html`<label class="button file-button">
                    ${glyph("file")} Disk or CD from a file…
                    <input type="file" multiple class="visually-hidden" @click=${this.#pick} @change=${this.#choose} />
                  </label>
                  <pv-new-drive .desk=${desk}></pv-new-drive>`
              : nothing
          }
          ${
            usbTrouble || !this.#shows("real")
              ? nothing
              : html`<button type="button" class="grant" @click=${() => desk.grant()}>
                  ${glyph("device")} Grant a USB device…
                </button>`
          }
          ${
            desk.hasHid && this.#shows("real")
              ? html`<button type="button" class="grant" @click=${() => desk.grantHid()}>
                  ${glyph("gamepad")} Grant a HID device…
                </button>`
              : nothing
          }
        </div>
        <input
          type="search"
          class="find"
          aria-label="Find a device"
          placeholder="Find a device: drive, mouse, camera, serial…"
          @input=${(event: Event) => {
            this.wanted = (event.currentTarget as HTMLInputElement).value;
          }}
        />
        ${usbTrouble && this.#shows("real") ? html`<div class="advice" role="note">${wordsBlock(usbTrouble)}</div>` : nothing}
        ${GROUPS.filter(([group]) => this.#shows(group)).map(([group, title]) => this.#group(group, title))}
      </section>
    `;
  }

  #shows(group: CardGroup): boolean {
    return this.groups?.includes(group) ?? true;
  }

  #group(group: CardGroup, title: string): TemplateResult | typeof nothing {
    const { desk } = this;
    const words = (this.wanted ?? "").toLowerCase().split(/\s+/);
    const cards = desk.cards.filter((card) => {
      const text = `${card.name} ${card.detail} ${title}`.toLowerCase();
      return card.group === group && words.every((word) => text.includes(word));
    });
    if (cards.length === 0) return nothing;
    return html`
      <h3 class="cards-title" id=${`cards-${group}`}>${title}</h3>
      <ul class="cards" aria-labelledby=${`cards-${group}`}>
        ${repeat(
          cards,
          ({ id }) => id,
          (card) => html`<li><pv-device-card .desk=${desk} .card=${card}></pv-device-card></li>`,
        )}
      </ul>
    `;
  }

  /** With the picker whose files can be written back, where the browser has it. */
  #pick = (event: Event): void => {
    if (!canPickFiles()) return;
    event.preventDefault();
    void this.desk.pickFiles();
  };

  #choose = (event: Event): void => {
    const input = event.currentTarget as HTMLInputElement;
    const files = [...(input.files ?? [])];
    input.value = "";
    void this.desk.addFiles(files);
  };

  #dragOver = (event: DragEvent): void => {
    if (carriedBy(event, this.desk)?.is !== "device") return;
    event.preventDefault();
    this.over = true;
  };

  #drop = (event: DragEvent): void => {
    this.over = false;
    const carried = carriedBy(event, this.desk);
    if (carried?.is !== "device") return;
    event.preventDefault();
    void carried.hub.unplug(carried.path);
  };
}

customElements.define("pv-devices", PvDevices);
