/** What the downstream ports of both kinds of hub share: power, connection, reset, wPortStatus and wPortChange. */
import { EVENT_WAKE, SPEED_NONE } from "../../../asm/layout.ts";
import type { Saved } from "../../../asm/saved.ts";
import type { DownstreamPort, HubPort } from "../../device.ts";
import { C_PORT_CONNECTION, C_PORT_OVER_CURRENT, C_PORT_RESET, PORT_POWER } from "./hub-class.ts";

/** Bits of wPortStatus (USB 2.0 table 11-21, USB 3.2 table 10-13). */
export const STATUS_CONNECTION = 1 << 0;
export const STATUS_ENABLE = 1 << 1;
export const STATUS_RESET = 1 << 4;

/** Bits of wPortChange are their features' numbers less 16, but for those that USB 3 has added. */
export const CHANGE_CONNECTION = 1 << (C_PORT_CONNECTION - 16);
export const CHANGE_RESET = 1 << (C_PORT_RESET - 16);

/** What a change has to do with a hub that sleeps: a port's connection can be kept from waking it (USB 3.2 §10.16.2.10). */
export type ChangeCause = "connect" | "disconnect" | "other";

export abstract class DownstreamFacingPort implements HubPort {
  /** Of what is plugged, whatever the port has made of it. */
  protected speed: number = SPEED_NONE;
  protected status = 0;
  #change = 0;
  #downstream: DownstreamPort | undefined;
  /** Counts the resets begun, so that the end of a given-up one is not taken for the latest's. */
  #resets = 0;
  readonly #changed: (cause: ChangeCause) => void;

  /** `changed` is called when there is a new change to report. */
  constructor(changed: (cause: ChangeCause) => void) {
    this.#changed = changed;
  }

  abstract readonly forwards: boolean;

  /** SetPortFeature and ClearPortFeature: true, or false for a request error. `selector` is wIndex's high byte. */
  abstract setFeature(feature: number, selector: number): boolean;
  abstract clearFeature(feature: number, selector: number): boolean;

  get portStatus(): number {
    return this.status;
  }

  get portChange(): number {
    return this.#change;
  }

  connect(downstream: DownstreamPort): void {
    this.#downstream = downstream;
  }

  event(speed: number): void {
    if (speed === EVENT_WAKE) {
      if (this.asleep) this.resume();
      return;
    }
    this.speed = speed;
    if (!this.powered) return;
    if (speed === SPEED_NONE) this.disconnected();
    else this.connected();
  }

  save(): object {
    return { status: this.status, change: this.#change };
  }

  /** A way to become what `save` said, checked. What is plugged in is here already, and is no news. */
  read(saved: Saved): () => void {
    const status = saved.integer("status", 0xffff);
    const change = saved.integer("change", 0xffff);
    return () => {
      this.#resets++;
      this.status = status;
      this.#change = change;
    };
  }

  /** ClearPortFeature(PORT_POWER), or the hub loses its configuration (USB 2.0 §11.5.1.2). */
  powerOff(): void {
    this.status = 0;
    this.#change = 0;
    this.quiesce();
  }

  /** SetPortFeature(PORT_POWER) */
  protected powerOn(): void {
    if (this.powered) return;
    this.status = this.disconnectedStatus;
    if (this.speed !== SPEED_NONE) this.connected();
  }

  /** wPortStatus of a port with power and nothing else. */
  protected abstract readonly disconnectedStatus: number;
  protected abstract readonly powered: boolean;
  protected abstract readonly asleep: boolean;

  protected abstract connected(): void;
  protected abstract resume(): void;

  protected disconnected(): void {
    this.#resets++;
    this.status = this.disconnectedStatus;
    this.report(CHANGE_CONNECTION, "disconnect");
  }

  /** SetPortFeature(PORT_RESET): `done` follows at once, or when the device has come back; never once it left. */
  protected reset(done: () => void): void {
    const reset = ++this.#resets;
    this.#downstream?.reset(() => {
      if (reset === this.#resets) done();
    });
  }

  /** The device is not reached any more: its transfers end, and a reset under way comes to nothing. */
  protected quiesce(): void {
    this.#resets++;
    this.#downstream?.quiesce();
  }

  protected report(change: number, cause: ChangeCause): void {
    this.#change |= change;
    this.#changed(cause);
  }

  /** ClearPortFeature(C_PORT_…) */
  protected acknowledge(change: number): true {
    this.#change &= ~change;
    return true;
  }

  /** The features of both kinds of port; undefined for one of the other features. */
  protected clearCommonFeature(feature: number): boolean | undefined {
    switch (feature) {
      case PORT_POWER:
        this.powerOff();
        return true;
      case C_PORT_CONNECTION:
      case C_PORT_OVER_CURRENT:
      case C_PORT_RESET:
        return this.acknowledge(1 << (feature - 16));
      default:
        return undefined;
    }
  }
}
