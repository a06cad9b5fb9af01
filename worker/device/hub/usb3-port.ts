/**
 * A downstream port of a USB 3 hub (USB 3.2 §10.3.1, figure 10-9). A link trains by itself, and is enabled then:
 *
 *   powered-off ──power──▶ Rx.Detect ──plug──▶ U0, enabled ◀──▶ U3
 *                              ▲                  │
 *                              └── SS.Disabled ◀──┘ SetPortFeature(PORT_LINK_STATE)
 */
import { SPEED_NONE } from "../../../asm/layout.ts";
import type { Saved } from "../../../asm/saved.ts";
import {
  CHANGE_CONNECTION,
  CHANGE_RESET,
  type ChangeCause,
  DownstreamFacingPort,
  STATUS_CONNECTION,
  STATUS_ENABLE,
  STATUS_RESET,
} from "./downstream-port.ts";
import {
  BH_PORT_RESET,
  C_BH_PORT_RESET,
  C_PORT_CONFIG_ERROR,
  C_PORT_LINK_STATE,
  FORCE_LINKPM_ACCEPT,
  PORT_LINK_STATE,
  PORT_POWER,
  PORT_REMOTE_WAKE_MASK,
  PORT_RESET,
  PORT_U1_TIMEOUT,
  PORT_U2_TIMEOUT,
} from "./hub-class.ts";

/** Link states (USB 3.2 table 10-13). */
const U0 = 0;
const U3 = 3;
const SS_DISABLED = 4;
const RX_DETECT = 5;
const HOT_RESET = 9;

const LINK_STATE_SHIFT = 5;
const LINK_STATE = 0xf << LINK_STATE_SHIFT;
const STATUS_POWER = 1 << 9;

const CHANGE_BH_RESET = 1 << 5;
const CHANGE_LINK_STATE = 1 << 6;

/** Bits of PORT_REMOTE_WAKE_MASK: what may wake a hub that sleeps (USB 3.2 §10.16.2.10). */
const WAKE_CONNECT = 1;
const WAKE_DISCONNECT = 2;

export class Usb3Port extends DownstreamFacingPort {
  protected readonly disconnectedStatus = STATUS_POWER | (RX_DETECT << LINK_STATE_SHIFT);
  #wakeMask = 0;

  get forwards(): boolean {
    return (this.status & (STATUS_ENABLE | LINK_STATE)) === (STATUS_ENABLE | (U0 << LINK_STATE_SHIFT));
  }

  /** May a change wake the hub's own link? */
  wakes(cause: ChangeCause): boolean {
    switch (cause) {
      case "connect":
        return (this.#wakeMask & WAKE_CONNECT) !== 0;
      case "disconnect":
        return (this.#wakeMask & WAKE_DISCONNECT) !== 0;
      case "other":
        return true;
    }
  }

  override save(): object {
    return { ...super.save(), wakeMask: this.#wakeMask };
  }

  override read(saved: Saved): () => void {
    const become = super.read(saved);
    const wakeMask = saved.integer("wakeMask", 0xff);
    return () => {
      become();
      this.#wakeMask = wakeMask;
    };
  }

  override powerOff(): void {
    super.powerOff();
    this.#wakeMask = 0;
  }

  setFeature(feature: number, selector: number): boolean {
    switch (feature) {
      case PORT_POWER:
        this.powerOn();
        return true;
      case PORT_RESET:
      case BH_PORT_RESET:
        this.#reset(feature === BH_PORT_RESET);
        return true;
      case PORT_LINK_STATE:
        return this.#setLinkState(selector);
      case PORT_REMOTE_WAKE_MASK:
        this.#wakeMask = selector;
        return true;
      case PORT_U1_TIMEOUT: // the device never asks to leave U0
      case PORT_U2_TIMEOUT:
      case FORCE_LINKPM_ACCEPT:
        return true;
      default:
        return false;
    }
  }

  clearFeature(feature: number): boolean {
    switch (feature) {
      case C_PORT_LINK_STATE:
        return this.acknowledge(CHANGE_LINK_STATE);
      case C_BH_PORT_RESET:
        return this.acknowledge(CHANGE_BH_RESET);
      case C_PORT_CONFIG_ERROR: // a virtual link has no such errors
      case FORCE_LINKPM_ACCEPT:
        return true;
      default:
        return this.clearCommonFeature(feature) ?? false;
    }
  }

  protected get powered(): boolean {
    return (this.status & STATUS_POWER) !== 0;
  }

  protected get asleep(): boolean {
    return (this.status & STATUS_ENABLE) !== 0 && this.#linkState === U3;
  }

  /** Speed id 0 in PORT_SPEED is 5 Gbit/s. */
  protected connected(): void {
    if (this.#linkState === SS_DISABLED) return; // until the host lets it look again
    this.status = STATUS_POWER | STATUS_CONNECTION | STATUS_ENABLE | (U0 << LINK_STATE_SHIFT);
    this.report(CHANGE_CONNECTION, "connect");
  }

  protected override disconnected(): void {
    if (this.#linkState !== SS_DISABLED) super.disconnected();
  }

  protected resume(): void {
    this.#enterLinkState(U0);
    this.report(CHANGE_LINK_STATE, "other");
  }

  get #linkState(): number {
    return (this.status & LINK_STATE) >> LINK_STATE_SHIFT;
  }

  /** A hot reset; a warm one, which a host asks for as "BH", reports itself as well (USB 3.2 §10.16.2.6.2). */
  #reset(warm: boolean): void {
    if (!(this.status & STATUS_CONNECTION) || this.status & STATUS_RESET) return;
    this.status = (this.status & ~STATUS_ENABLE) | STATUS_RESET;
    this.#enterLinkState(HOT_RESET);
    this.reset(() => {
      this.status = (this.status & ~STATUS_RESET) | STATUS_ENABLE;
      this.#enterLinkState(U0);
      this.report(CHANGE_RESET | (warm ? CHANGE_BH_RESET : 0), "other");
    });
  }

  /** SetPortFeature(PORT_LINK_STATE) (USB 3.2 §10.16.2.10). From a state that does not go there it does nothing. */
  #setLinkState(target: number): boolean {
    const enabled = (this.status & STATUS_ENABLE) !== 0;
    switch (target) {
      case U0:
        if (this.asleep) this.resume();
        return true;
      case U3:
        if (enabled) this.#enterLinkState(U3);
        return true;
      case SS_DISABLED:
        if (!this.powered) return true;
        this.status = STATUS_POWER | (SS_DISABLED << LINK_STATE_SHIFT);
        this.quiesce();
        return true;
      case RX_DETECT:
        if (!this.powered || this.#linkState !== SS_DISABLED) return true;
        this.status = this.disconnectedStatus;
        if (this.speed !== SPEED_NONE) this.connected();
        return true;
      default:
        return false;
    }
  }

  #enterLinkState(state: number): void {
    this.status = (this.status & ~LINK_STATE) | (state << LINK_STATE_SHIFT);
  }
}
