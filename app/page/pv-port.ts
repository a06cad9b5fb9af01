/** One port of the root hub: its socket with a light, the cable, and the device that hangs at it. */
import { html, nothing, type TemplateResult } from "lit";
import { SPEED_FULL, SPEED_HIGH, SPEED_LOW, SPEED_SUPER } from "../../asm/layout.ts";
import { glyph, socket } from "../hub/icons.ts";
import { carriedBy, carryPort } from "./drag.ts";
import { inBytes } from "./rate.ts";
import { SessionElement } from "./session-element.ts";
import type { PortView } from "./views.ts";
import "./pv-type-here.ts";

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

export class PvPort extends SessionElement {
  static override properties = { ...SessionElement.properties, number: { type: Number }, over: { state: true } };
  declare number: number;
  /** Something is being dragged over this port. */
  declare over: boolean;

  /** The socket takes the focus. */
  override focus(): void {
    this.querySelector<HTMLElement>(".socket")?.focus();
  }

  protected override render(): TemplateResult {
    const view = this.session.port(this.number);
    const { carried, selected } = this.session;
    const open = !view.card && view.state !== "off";
    const wanted = open && (carried?.is === "card" || carried?.is === "files");
    const does = wanted ? "Plug in here" : open ? "Choose this port" : "";
    return html`
      <div
        class="port"
        data-state=${view.state}
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
          class="socket"
          aria-label=${`Port ${view.number}: ${label(view)}`}
          aria-pressed=${open ? String(selected === view.number) : nothing}
          title=${does}
          ?data-selected=${selected === view.number}
          tabindex=${this.#tabStop() ? 0 : -1}
          @click=${this.#press}
          @keydown=${this.#keyDown}
        >
          <span class="led port-led" aria-hidden="true"></span>
          <span class="port-number" aria-hidden="true">${view.number}</span>
          ${socket(view.card !== undefined)}
        </button>
        ${view.card ? this.#device(view, view.card) : this.#vacancy(view, wanted, selected === view.number)}
      </div>
    `;
  }

  #device(view: PortView, card: NonNullable<PortView["card"]>): TemplateResult {
    const busy = view.bytesPerSecond >= 1;
    const left = [STATES[view.state], SPEEDS[view.speed]].filter(Boolean).join(" · ");
    const right = [
      view.errors > 0 ? `${view.errors} ${view.errors === 1 ? "error" : "errors"}` : "",
      view.inFlight > 0 ? `${view.inFlight} in flight` : "",
    ].filter(Boolean);
    return html`
      <span class="cable" aria-hidden="true" ?data-busy=${busy}></span>
      <div class="plugged" draggable="true" @dragstart=${this.#dragStart} @dragend=${() => this.session.carry(undefined)}>
        ${glyph(card.glyph)}
        <div class="plugged-words">
          <div class="plugged-line">
            <span class="plugged-name" title=${view.name}>${view.name}</span>
            <span class="rate">${busy ? `${inBytes(view.bytesPerSecond)}/s` : ""}</span>
          </div>
          <div class="plugged-line plugged-facts"><span>${left}</span><span>${right.join(" · ")}</span></div>
          ${view.notes.map((note) => html`<span class="plugged-note">${note}</span>`)}
        </div>
        <div class="plugged-actions">
          ${
            card.glyph === "keyboard"
              ? html`<pv-type-here .session=${this.session} .number=${view.number}></pv-type-here>`
              : nothing
          }
          ${view.ruled === undefined ? nothing : this.#rule(view, view.ruled)}
          <button type="button" class="quiet unplug" aria-label=${`Unplug ${view.name} from port ${view.number}`} @click=${this.#unplug}>
            Unplug
          </button>
        </div>
      </div>
    `;
  }

  #rule({ name, number }: PortView, ruled: boolean): TemplateResult {
    const words = ruled ? "Forget rule" : "Always plug here";
    const title = ruled
      ? `Forget rule: ${name} is always plugged into port ${number}`
      : `Always plug here: ${name} in port ${number}`;
    return html`
      <button
        type="button"
        class="quiet rule"
        aria-label=${title}
        title=${title}
        @click=${() => this.session.setRule(number, !ruled)}
      >
        ${words}
      </button>
    `;
  }

  #vacancy(view: PortView, wanted: boolean, selected: boolean): TemplateResult {
    const words = wanted ? "Plug in here" : selected ? "Next device goes here" : STATES[view.state];
    return html`<span class="vacancy" aria-hidden="true">${words}</span>`;
  }

  /** One socket is in the tab order; the arrow keys reach the others. */
  #tabStop(): boolean {
    const hub = this.closest("pv-hub");
    return (hub?.current ?? 1) === this.number;
  }

  #press = (): void => {
    const { session, number } = this;
    const { carried } = session;
    const { card } = session.port(number);
    if (carried?.is === "card") void session.plug(carried.card, number);
    else if (!card && session.canPlug) session.select(session.selected === number ? undefined : number);
    else session.announce(`Port ${number}: ${label(session.port(number))}.`);
  };

  #keyDown = (event: KeyboardEvent): void => {
    if ((event.key === "Delete" || event.key === "Backspace") && this.session.port(this.number).card) {
      event.preventDefault();
      void this.session.unplug(this.number);
    }
  };

  #unplug = async (): Promise<void> => {
    this.focus();
    await this.session.unplug(this.number);
  };

  #dragStart = (event: DragEvent): void => {
    carryPort(event, this.number);
    // Redrawing during dragstart would cancel the drag.
    setTimeout(() => this.session.carry({ is: "port", port: this.number }));
  };

  #dragOver = (event: DragEvent): void => {
    const { card, state } = this.session.port(this.number);
    const carried = carriedBy(event, this.session);
    if (card || state === "off" || !carried || carried.is === "port") return;
    event.preventDefault();
    event.stopPropagation();
    this.over = true;
  };

  #drop = (event: DragEvent): void => {
    this.over = false;
    const carried = carriedBy(event, this.session);
    if (!carried || carried.is === "port" || this.session.port(this.number).card) return;
    event.preventDefault();
    event.stopPropagation();
    if (carried.is === "card") void this.session.plug(carried.card, this.number);
    else void this.session.addFiles(event.dataTransfer?.files ?? [], this.number);
    this.session.carry(undefined);
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
