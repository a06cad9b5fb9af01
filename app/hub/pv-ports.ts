/** The virtual hub of one guest as a picture: its sockets and what is plugged into them. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { DeskElement } from "./desk-element.ts";
import { carriedBy, dropInto } from "./drag.ts";
import type { Hub } from "./hub.ts";
import type { PvPort } from "./pv-port.ts";
import "./pv-port.ts";

export class PvPorts extends DeskElement {
  static override properties = {
    ...DeskElement.properties,
    hub: { attribute: false },
    compact: { attribute: false },
    current: { state: true },
  };
  declare hub: Hub;
  /** Shows the ports that have a device, and one that has none. */
  declare compact: boolean;
  /** The port whose socket is in the tab order. */
  declare current: string;

  constructor() {
    super();
    this.current = "1";
  }

  /** The keyboard goes to a port, by default the one a card would be plugged into. Answers whether there is such a port. */
  async go(path = this.hub.freePath ?? this.current): Promise<boolean> {
    if (!this.#views.some((view) => view.path === path)) return false;
    this.current = path;
    await this.updateComplete;
    const port = [...this.querySelectorAll<PvPort>("pv-port")].find((each) => each.view.path === path);
    await port?.updateComplete;
    port?.focus();
    return true;
  }

  protected override render(): TemplateResult {
    const { hub, desk } = this;
    const views = this.#views;
    const { carried } = desk;
    const id = `hub-${desk.hubs.indexOf(hub) + 1}-title`;
    const isHeld = carried && carried.is !== "files";
    return html`
      <section
        class="hub" part="hub"
        aria-labelledby=${id}
        data-power=${hub.power ? "on" : "off"}
        @dragover=${this.#dragOver}
        @drop=${this.#drop}
      >
        <header class="pane-head">
          <h2 id=${id}>${desk.hubs.length > 1 ? `USB hub of ${hub.name}` : "USB hub"}</h2>
          <p class="pane-note">
            ${
              isHeld && hub.power
                ? html`Choose a port: click, or <kbd>1</kbd>–<kbd>9</kbd>. <kbd>Esc</kbd> cancels.`
                : hub.power
                  ? `xHCI root hub, ${hub.ports} ports for any speed`
                  : "Has power when its guest runs."
            }
          </p>
        </header>
        <ul class="ports" @keydown=${this.#keyDown} @focusin=${this.#focusIn}>
          ${repeat(
            views,
            ({ path }) => path,
            (
              view,
            ) => html`<li style=${view.path.includes(".") ? `--tier: ${view.path.split(".").length - 1}` : nothing}>
              <pv-port .desk=${desk} .hub=${hub} .view=${view} .isStop=${view.path === this.#stop(views)}></pv-port>
            </li>`,
          )}
        </ul>
      </section>
    `;
  }

  get #views(): Hub["views"] {
    const { views, freePath } = this.hub;
    return this.compact ? views.filter(({ card, path }) => card || path === freePath) : views;
  }

  /** One socket is in the tab order; the arrow keys reach the others. */
  #stop(views: Hub["views"]): string {
    return views.some(({ path }) => path === this.current) ? this.current : (views[0]?.path ?? "1");
  }

  #focusIn = (event: FocusEvent): void => {
    const port = (event.target as HTMLElement).closest<PvPort>("pv-port");
    if (port) this.current = port.view.path;
  };

  #keyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (!(event.target as HTMLElement).matches(".socket")) return;
    const to = this.#target(event.key);
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    void this.go(to);
  };

  #target(key: string): string | undefined {
    const paths = this.#views.map(({ path }) => path);
    const here = paths.indexOf(this.current);
    switch (key) {
      case "ArrowDown":
      case "ArrowRight":
        return paths[Math.min(paths.length - 1, here + 1)];
      case "ArrowUp":
      case "ArrowLeft":
        return paths[Math.max(0, here - 1)];
      case "Home":
        return paths[0];
      case "End":
        return paths.at(-1);
      default:
        return /^[1-9]$/.test(key) ? key : undefined;
    }
  }

  /** Between the ports: into the first free one. */
  #dragOver = (event: DragEvent): void => {
    const carried = carriedBy(event, this.desk);
    const isHere = carried?.is === "device" && carried.hub === this.hub;
    if (carried && !isHere && this.hub.power && this.hub.freePath) event.preventDefault();
  };

  #drop = (event: DragEvent): void => {
    const path = this.hub.freePath;
    if (event.defaultPrevented || path === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    void dropInto(event, this.desk, { hub: this.hub, path });
  };
}

customElements.define("pv-ports", PvPorts);
declare global {
  interface HTMLElementTagNameMap {
    "pv-ports": PvPorts;
  }
}
