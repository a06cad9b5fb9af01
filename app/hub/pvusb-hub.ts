/**
 * <pvusb-hub>: the hub of one guest, and the devices for it, in any page with an emulator. README.md has its attributes, events
 * and parts.
 *
 *     await document.querySelector("pvusb-hub").attach(emulator);
 *     await emulator.run();
 */
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import type { Machine } from "../guest/machine.ts";
import type { V86Like } from "../guest/v86-internals.ts";
import type { UsbController, UsbHost } from "../index.ts";
import type { CardGroup } from "./card.ts";
import { carryKey, takeFiles } from "./carried.ts";
import { Desk } from "./desk.ts";
import type { Hub } from "./hub.ts";
import { HubEvents, type PvusbNoticeEvent, type PvusbPortEvent } from "./hub-events.ts";
import type { PvPorts } from "./pv-ports.ts";
import { hubStyles } from "./styles.ts";
import { attachFailed, type Words } from "./words.ts";
import { wordsBlock } from "./words-block.ts";
import "./pv-devices.ts";
import "./pv-ports.ts";
import "./pv-problems.ts";
import "./pv-status.ts";

const PORTS = 8;
const PORTS_MAX = 15;

export class PvusbHub extends LitElement {
  static override styles = [
    hubStyles,
    css`
      :host([hidden]) { display: none; }
      .around { display: grid; grid-template-columns: minmax(0, 1fr); gap: var(--s3); }
    `,
  ];
  static override properties = {
    ports: { type: Number, reflect: true },
    devices: { type: String, reflect: true },
    guest: { type: String, reflect: true },
    trouble: { state: true },
  };
  /** Ports of its own, 1 to 15. Counts until attach(). */
  declare ports: number;
  /** Which cards are offered, as names of groups with spaces between; all unless it is said, none for "". */
  declare devices: string | null;
  /** What the guest is called, in words and in hotplug rules; its number unless it is said. */
  declare guest: string;
  /** Why it has no machine. */
  declare trouble: Words | undefined;
  /** Where the guest draws its screen, for devices that take the person's mouse and keys from there. */
  screen: HTMLElement | undefined;
  readonly #desk = Desk.ofPage;
  readonly #events = new HubEvents(this);
  #hub: Hub | undefined;
  #machine: object | undefined;
  #leave: (() => void) | undefined;

  constructor() {
    super();
    this.ports = PORTS;
    this.devices = null;
    this.guest = "";
  }

  /** What the guest sees. None until attach(). */
  get controller(): UsbController | undefined {
    return this.#hub?.controller;
  }

  /** What all hubs of the page share. None until the first attach(). */
  get host(): UsbHost | undefined {
    return this.#desk.running;
  }

  /**
   * Gives a machine this hub: a V86 instance that does not run yet, or another emulator's Machine. Then run it. Rejects with a
   * sentence, which the element shows as well.
   */
  async attach(emulator: V86Like | Machine): Promise<UsbController> {
    const hub = this.#hub;
    if (!hub) throw new Error("Put the <pvusb-hub> into the document first, then attach a machine to it.");
    if (this.#machine)
      throw new Error("This <pvusb-hub> has a machine already; another machine needs a <pvusb-hub> of its own.");
    this.#machine = emulator;
    this.trouble = undefined;
    try {
      const host = await this.#desk.host();
      const controller = await host.attach(emulator, { ports: hub.ports, ...(this.guest && { guest: this.guest }) });
      if (this.#hub !== hub) {
        await controller.close();
        throw new Error("The <pvusb-hub> was taken out of the document before it had its machine.");
      }
      hub.screen = this.screen;
      await hub.connect(controller);
      return controller;
    } catch (error) {
      if (this.#hub === hub) {
        this.#machine = undefined;
        this.trouble = attachFailed(error);
      }
      throw error;
    }
  }

  /** The machine has ended. What is in the ports stays there for the next one. */
  async detach(): Promise<void> {
    this.#machine = undefined;
    await this.#hub?.disconnect();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.#hub) return;
    const hub = this.#desk.addHub("", this.#portCount);
    this.#hub = hub;
    this.#leave = this.#desk.follow(() => {
      this.#events.look(hub, this.#isFirst ? this.#desk.said : undefined);
      this.requestUpdate();
    });
    void this.#desk.watch();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    // It may only be on its way to another place in the document.
    queueMicrotask(() => {
      if (!this.isConnected) void this.#giveBack();
    });
  }

  async #giveBack(): Promise<void> {
    const hub = this.#hub;
    const leave = this.#leave;
    if (!hub) return;
    this.#hub = undefined;
    this.#machine = undefined;
    // It may be in the document again before this is done.
    await this.#desk.removeHub(hub);
    leave?.();
    if (this.#desk.hubs.length === 0) await this.#desk.close();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const hub = this.#hub;
    if (!hub) return;
    if (!hub.power) hub.ports = this.#portCount;
    hub.name = this.guest || `guest ${hub.controller?.guest.name ?? this.#desk.hubs.indexOf(hub) + 1}`;
    if (changed.has("ports") || changed.has("guest")) this.#desk.changed();
  }

  protected override render(): TemplateResult | typeof nothing {
    const desk = this.#desk;
    const hub = this.#hub;
    if (!hub) return nothing;
    const groups = this.devices?.split(/\s+/).filter(Boolean) as CardGroup[] | undefined;
    // What concerns the whole page is said once.
    const first = this.#isFirst;
    return html`
      <div
        class="around"
        @focusin=${this.#current}
        @pointerdown=${this.#current}
        @keydown=${this.#keyDown}
        @dragover=${this.#dragOver}
        @drop=${this.#drop}
        @pv-picked-up=${() => this.#portsElement?.go()}
      >
        <div class="problems" role="alert">
          ${this.trouble ? html`<div class="problem"><div class="problem-words">${wordsBlock(this.trouble)}</div></div>` : nothing}
        </div>
        ${first ? html`<pv-problems .desk=${desk}></pv-problems>` : nothing}
        <pv-ports .desk=${desk} .hub=${hub}></pv-ports>
        ${first ? html`<pv-status .desk=${desk}></pv-status>` : nothing}
        ${groups?.length === 0 ? nothing : html`<pv-devices .desk=${desk} .groups=${groups}></pv-devices>`}
      </div>
    `;
  }

  get #portCount(): number {
    return Number.isInteger(this.ports) && this.ports >= 1 ? Math.min(this.ports, PORTS_MAX) : PORTS;
  }

  get #isFirst(): boolean {
    return this.#desk.hubs[0] === this.#hub;
  }

  get #portsElement(): PvPorts | null {
    return this.renderRoot.querySelector("pv-ports");
  }

  /** A card's button plugs into the hub that a person is at. */
  #current = (): void => {
    for (const hub of this.#desk.hubs) hub.isCurrent = hub === this.#hub;
  };

  #dragOver = (event: DragEvent): void => {
    takeFiles(event, this.#desk);
  };

  #drop = (event: DragEvent): void => {
    if (event.defaultPrevented || !takeFiles(event, this.#desk)) return;
    this.#current();
    void this.#desk.addFiles(event.dataTransfer?.files ?? []);
  };

  #keyDown = (event: KeyboardEvent): void => {
    carryKey(event, this.#desk, this.#portsElement, this.renderRoot);
  };
}

customElements.define("pvusb-hub", PvusbHub);
declare global {
  interface HTMLElementTagNameMap {
    "pvusb-hub": PvusbHub;
  }
  interface HTMLElementEventMap {
    "pvusb-plug": PvusbPortEvent;
    "pvusb-unplug": PvusbPortEvent;
    "pvusb-notice": PvusbNoticeEvent;
  }
}
