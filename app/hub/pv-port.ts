/** One port of a hub: its socket with a light, the cable, and the device that hangs at it. */
import { html, nothing, type TemplateResult } from "lit";
import { SPEED_FULL, SPEED_HIGH, SPEED_LOW, SPEED_SUPER } from "../../asm/layout.ts";
import type { FeedAction } from "../sources/feed.ts";
import { DeskElement } from "./desk-element.ts";
import { carriedBy, carryDevice, dropInto } from "./drag.ts";
import type { Hub } from "./hub.ts";
import { glyph, socket, traffic } from "./icons.ts";
import { inBytes } from "./rate.ts";
import type { PortView } from "./views.ts";

const SPEEDS: Readonly<Record<number, string>> = {
  [SPEED_LOW]: "1.5 Mbit/s",
  [SPEED_FULL]: "12 Mbit/s",
  [SPEED_HIGH]: "480 Mbit/s",
  [SPEED_SUPER]: "5 Gbit/s",
};

const STATES: Readonly<Record<PortView["state"], string>> = {
  off: "no power",
  empty: "empty",
  connecting: "connecting",
  ready: "ready",
  failed: "did not work",
};

export class PvPort extends DeskElement {
  static override properties = {
    ...DeskElement.properties,
    hub: { attribute: false },
    view: { attribute: false },
    isStop: { attribute: false },
    over: { state: true },
  };
  declare hub: Hub;
  declare view: PortView;
  /** Its socket is in the tab order. */
  declare isStop: boolean;
  /** Something is being dragged over this port. */
  declare over: boolean;

  /** The socket takes the focus. */
  override focus(): void {
    this.querySelector<HTMLElement>(".socket")?.focus();
  }

  protected override render(): TemplateResult {
    const { view, hub } = this;
    const { carried } = this.desk;
    const { path, state, card } = view;
    const selected = hub.selected === path;
    const open = !card && state !== "off";
    const held = carried?.is === "device" && carried.hub === hub && carried.path === path;
    const wanted = open && carried !== undefined;
    const does = wanted
      ? "Plug in here"
      : open
        ? "Choose this port"
        : held
          ? "Leave it here"
          : card
            ? "Pick it up"
            : "";
    return html`
      <div
        class="port" part="port"
        data-path=${path}
        data-state=${state}
        data-wanted=${wanted ? "yes" : nothing}
        data-over=${this.over && wanted ? "yes" : nothing}
        @dragover=${this.#dragOver}
        @dragleave=${() => {
          this.over = false;
        }}
        @drop=${this.#drop}
      >
        <button
          type="button"
          class="socket" part="socket"
          aria-label=${`Port ${path}: ${label(view)}`}
          aria-pressed=${open ? String(selected) : card ? String(held) : nothing}
          title=${does}
          ?data-selected=${selected || held}
          tabindex=${this.isStop ? 0 : -1}
          @click=${this.#press}
          @keydown=${this.#keyDown}
        >
          <span class="led port-led" aria-hidden="true"></span>
          <span class="port-number" aria-hidden="true">${path.split(".").at(-1)}</span>
          ${socket(card !== undefined)}
        </button>
        ${card ? this.#device(card) : this.#vacancy(wanted, selected)}
      </div>
    `;
  }

  #device(card: NonNullable<PortView["card"]>): TemplateResult {
    const { view } = this;
    const busy = view.bytesPerSecond >= 1;
    const left = [STATES[view.state], SPEEDS[view.speed]].filter(Boolean).join(" · ");
    const right = [
      view.errors > 0 ? `${view.errors} ${view.errors === 1 ? "error" : "errors"}` : "",
      view.inFlight > 0 ? `${view.inFlight} in flight` : "",
    ].filter(Boolean);
    return html`
      <span class="cable" aria-hidden="true" ?data-busy=${busy}></span>
      <div class="plugged" part="plugged" draggable="true" @dragstart=${this.#dragStart} @dragend=${() => this.desk.carry(undefined)}>
        ${glyph(card.glyph)}
        <div class="plugged-words">
          <div class="plugged-line">
            <span class="plugged-name" title=${view.name}>${view.name}</span>
            <span class="rate">${busy ? `${inBytes(view.bytesPerSecond)}/s` : ""}</span>
          </div>
          <div class="plugged-line plugged-facts"><span>${left}</span><span>${right.join(" · ")}</span></div>
          ${traffic(view.history)}
        </div>
        <div class="plugged-actions">
          ${view.actions.map((action) => this.#action(action))}
          ${view.ruled === undefined ? nothing : this.#rule(view.ruled)} ${this.#moves()}
          <button type="button" class="quiet unplug" aria-label=${`Unplug ${view.name} from port ${view.path}`} @click=${this.#unplug}>
            Unplug
          </button>
        </div>
        ${view.notes.map((note) => html`<p class="plugged-note">${note}</p>`)}
        ${view.view ? html`<div class="plugged-view">${view.view}</div>` : nothing}
      </div>
    `;
  }

  #action(action: FeedAction): TemplateResult {
    const { label, title, pressed } = action;
    return html`
      <button
        type="button"
        class="quiet action"
        aria-label=${`${label}: ${this.view.name} in port ${this.view.path}. ${title}`}
        aria-pressed=${pressed === undefined ? nothing : String(pressed)}
        title=${title}
        @click=${(event: Event) => {
          // Safari gives a pressed button no focus.
          (event.currentTarget as HTMLElement).focus();
          return this.desk.run(action);
        }}
      >
        ${label}
      </button>
    `;
  }

  /** To the first free port of each other guest. */
  #moves(): readonly TemplateResult[] {
    const { desk, view } = this;
    const others = desk.hubs.filter((hub) => hub !== this.hub && hub.power);
    return others.map((hub) => {
      const title = `Move ${view.name} to ${hub.name}`;
      return html`<button type="button" class="quiet move" aria-label=${title} title=${title} @click=${() => this.#moveTo(hub)}>
        → ${hub.name}
      </button>`;
    });
  }

  #rule(ruled: boolean): TemplateResult {
    const { name, path } = this.view;
    const words = ruled ? "Forget rule" : "Always plug here";
    const title = ruled
      ? `Forget rule: ${name} is always plugged into port ${path}`
      : `Always plug here: ${name} in port ${path}`;
    return html`
      <button type="button" class="quiet rule" aria-label=${title} title=${title} @click=${() => this.hub.setRule(path, !ruled)}>
        ${words}
      </button>
    `;
  }

  #vacancy(wanted: boolean, selected: boolean): TemplateResult {
    const words = wanted ? "Plug in here" : selected ? "Next device goes here" : STATES[this.view.state];
    return html`<span class="vacancy" aria-hidden="true">${words}</span>`;
  }

  #press = (event: MouseEvent): void => {
    const { desk, hub, view } = this;
    const { path, card } = view;
    const { carried } = desk;
    const spot = { hub, path };
    if (carried?.is === "card") void hub.plug(carried.card, path);
    else if (carried?.is === "device" && !card) void carried.hub.move(carried.path, spot);
    else if (carried?.is === "device") desk.carry(undefined);
    else if (card && hub.power) {
      desk.carry({ is: "device", ...spot });
      desk.announce(
        `${view.name} picked up. Choose another port, then Enter. Escape leaves it where it is, Delete unplugs.`,
      );
    } else if (hub.power) hub.select(hub.selected === path ? undefined : path);
    else desk.announce(`Port ${path}: ${label(view)}.`);
    // Where a press gives no focus, as in Safari.
    (event.currentTarget as HTMLElement).focus();
  };

  #keyDown = (event: KeyboardEvent): void => {
    if ((event.key === "Delete" || event.key === "Backspace") && this.view.card) {
      event.preventDefault();
      void this.hub.unplug(this.view.path);
    }
  };

  #unplug = async (): Promise<void> => {
    this.focus();
    await this.hub.unplug(this.view.path);
  };

  async #moveTo(hub: Hub): Promise<void> {
    this.focus();
    const path = hub.freePath;
    if (path === undefined) this.desk.refuse(`All ports of ${hub.name} are taken. Unplug something there first.`);
    else await this.hub.move(this.view.path, { hub, path });
  }

  #dragStart = (event: DragEvent): void => {
    const { hub, view } = this;
    carryDevice(event, view.path);
    // Redrawing during dragstart would cancel the drag.
    setTimeout(() => this.desk.carry({ is: "device", hub, path: view.path }));
  };

  #dragOver = (event: DragEvent): void => {
    const { card, state } = this.view;
    const carried = carriedBy(event, this.desk);
    if (card || state === "off" || !carried) return;
    event.preventDefault();
    event.stopPropagation();
    this.over = true;
  };

  #drop = (event: DragEvent): void => {
    this.over = false;
    if (this.view.card || !carriedBy(event, this.desk)) return;
    event.preventDefault();
    event.stopPropagation();
    void dropInto(event, this.desk, { hub: this.hub, path: this.view.path });
  };
}

function label(view: PortView): string {
  return view.card ? `${view.name}, ${STATES[view.state]}` : STATES[view.state];
}

customElements.define("pv-port", PvPort);
declare global {
  interface HTMLElementTagNameMap {
    "pv-port": PvPort;
  }
}
