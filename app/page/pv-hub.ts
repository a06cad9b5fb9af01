/** The virtual root hub as a picture: eight sockets and what is plugged into them. */
import { html, type TemplateResult } from "lit";
import type { PvPort } from "./pv-port.ts";
import { SessionElement } from "./session-element.ts";
import { PORTS } from "./sockets.ts";
import "./pv-capture.ts";
import "./pv-port.ts";

export class PvHub extends SessionElement {
  static override properties = { ...SessionElement.properties, current: { state: true } };
  /** The port whose socket is in the tab order. */
  declare current: number;

  constructor() {
    super();
    this.current = 1;
  }

  /** The keyboard goes to a port, by default the one a card would be plugged into. */
  async go(number = this.session.freePort ?? this.current): Promise<void> {
    this.current = number;
    await this.updateComplete;
    const port = [...this.querySelectorAll<PvPort>("pv-port")].find((each) => each.number === number);
    port?.requestUpdate();
    await port?.updateComplete;
    port?.focus();
  }

  protected override render(): TemplateResult {
    const { guest, carried } = this.session;
    const ports = Array.from({ length: PORTS }, (_, index) => index + 1);
    return html`
      <section class="hub" aria-labelledby="hub-title" data-power=${this.session.canPlug ? "on" : "off"}>
        <header class="pane-head">
          <h2 id="hub-title">USB hub</h2>
          <p class="pane-note">
            ${
              carried?.is === "card"
                ? html`Choose a port: click, or <kbd>1</kbd>–<kbd>8</kbd>. <kbd>Esc</kbd> cancels.`
                : guest.is === "off" || guest.is === "failed"
                  ? "Has power when Linux runs."
                  : "xHCI root hub, 8 ports for any speed"
            }
          </p>
        </header>
        <ul class="ports" @keydown=${this.#keyDown} @focusin=${this.#focusIn}>
          ${ports.map((number) => html`<li><pv-port .session=${this.session} .number=${number}></pv-port></li>`)}
        </ul>
        <pv-capture .session=${this.session}></pv-capture>
      </section>
    `;
  }

  #focusIn = (event: FocusEvent): void => {
    const port = (event.target as HTMLElement).closest<PvPort>("pv-port");
    if (!port || port.number === this.current) return;
    this.current = port.number;
    for (const each of this.querySelectorAll<PvPort>("pv-port")) each.requestUpdate();
  };

  #keyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (!(event.target as HTMLElement).matches(".socket")) return;
    const to = this.#target(event.key);
    if (to === undefined) return;
    event.preventDefault();
    void this.go(to);
  };

  #target(key: string): number | undefined {
    switch (key) {
      case "ArrowDown":
      case "ArrowRight":
        return Math.min(PORTS, this.current + 1);
      case "ArrowUp":
      case "ArrowLeft":
        return Math.max(1, this.current - 1);
      case "Home":
        return 1;
      case "End":
        return PORTS;
      default:
        return /^[1-8]$/.test(key) ? Number(key) : undefined;
    }
  }
}

customElements.define("pv-hub", PvHub);
declare global {
  interface HTMLElementTagNameMap {
    "pv-hub": PvHub;
  }
}
