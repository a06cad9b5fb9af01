/**
 * One port of the root hub: PORTSC and its companions, and the link state of a USB2 or USB3 port (xHCI 1.2 §4.15, §4.19).
 * A socket that a person sees is two of these, one a protocol; a device connects to the one of its speed.
 */
import { SPEED_NONE } from "../../asm/layout.ts";
import type { Register, RegisterFile } from "./register-file.ts";
import {
  PLS_DISABLED,
  PLS_POLLING,
  PLS_RESUME,
  PLS_RX_DETECT,
  PLS_U0,
  PLS_U3,
  PORT_REGISTERS,
  PORT_REGISTERS_SIZE,
  PORTHLPMC,
  PORTLI,
  PORTPMSC,
  PORTSC,
  PORTSC_CCS,
  PORTSC_CHANGES,
  PORTSC_CSC,
  PORTSC_LWS,
  PORTSC_PED,
  PORTSC_PLC,
  PORTSC_PLS,
  PORTSC_PLS_SHIFT,
  PORTSC_PP,
  PORTSC_PR,
  PORTSC_PRC,
  PORTSC_RW,
  PORTSC_RW1C,
  PORTSC_SPEED,
  PORTSC_SPEED_SHIFT,
  PORTSC_WPR,
  PORTSC_WRC,
} from "./registers.ts";

export type Protocol = "usb2" | "usb3";

export interface PortHost {
  /** A change bit went from 0 to 1: a Port Status Change Event (§4.19.2). */
  portChanged(port: Port): void;
  /** Resets the device; `resetDone` of the port is the answer. */
  resetDevice(port: Port): void;
  /** The guest did something that a person may want to see. */
  portTouched(port: Port): void;
}

export class Port {
  /** xHCI's port number, 1 to MaxPorts. */
  readonly id: number;
  readonly protocol: Protocol;
  readonly #host: PortHost;
  readonly #base: number;
  #file: RegisterFile | undefined;
  /** Speed of what is plugged, whatever the guest has made of it. */
  #speed = SPEED_NONE;
  /** Counts the resets begun, so that a late answer is not taken for the latest. */
  #resets = 0;
  /** The reset under way is a warm one. */
  #warm = false;

  constructor(id: number, protocol: Protocol, host: PortHost) {
    this.id = id;
    this.protocol = protocol;
    this.#host = host;
    this.#base = PORT_REGISTERS + (id - 1) * PORT_REGISTERS_SIZE;
  }

  /** Its rows of the register table. */
  registers(): Register[] {
    const at = (register: number) => this.#base + register;
    const name = (register: string) => `${register}${this.id}`;
    const pmsc = this.protocol === "usb2" ? 0x0001fff8 : 0x0001ffff;
    return [
      {
        name: name("PORTSC"),
        offset: at(PORTSC),
        reset: PORTSC_PP | (PLS_RX_DETECT << PORTSC_PLS_SHIFT),
        rw: PORTSC_RW,
        rw1c: PORTSC_RW1C,
        written: (value) => this.#written(value),
      },
      { name: name("PORTPMSC"), offset: at(PORTPMSC), reset: 0, rw: pmsc, rw1c: 0 },
      { name: name("PORTLI"), offset: at(PORTLI), reset: 0, rw: 0, rw1c: 0 },
      {
        name: name("PORTHLPMC"),
        offset: at(PORTHLPMC),
        reset: 0,
        rw: this.protocol === "usb2" ? 0x3fff : 0,
        rw1c: 0,
      },
    ];
  }

  connect(file: RegisterFile): void {
    this.#file = file;
  }

  get enabled(): boolean {
    return (this.#portsc & PORTSC_PED) !== 0;
  }

  /** Something changed that the guest has not acknowledged. */
  get changed(): boolean {
    return (this.#portsc & PORTSC_CHANGES) !== 0;
  }

  get resets(): number {
    return this.#resets;
  }

  /** After a reset of the controller: what is plugged is found anew (§4.2). */
  restart(): void {
    this.#resets++;
    if (this.#speed !== SPEED_NONE) this.#attach();
  }

  plug(speed: number): void {
    this.#speed = speed;
    this.#attach();
  }

  unplug(): void {
    this.#speed = SPEED_NONE;
    this.#resets++;
    this.#update(PORTSC_CCS | PORTSC_PED | PORTSC_PR | PORTSC_PLS | PORTSC_SPEED, PLS_RX_DETECT << PORTSC_PLS_SHIFT);
    this.#change(PORTSC_CSC);
  }

  /** The device asks for a resume. A port that does not sleep has nothing to resume. */
  wake(): void {
    if (this.#linkState !== PLS_U3) return;
    this.#setLinkState(PLS_RESUME);
    this.#change(PORTSC_PLC);
  }

  /** A saved state was restored: the guest's device is gone whatever is plugged now, and that is a new connection. */
  reconnect(): void {
    this.#resets++;
    if (this.#portsc & PORTSC_CCS) {
      const speed = this.#speed;
      this.unplug();
      this.#speed = speed;
    }
    if (this.#speed !== SPEED_NONE) this.#attach();
  }

  /** The device was reset, or (`ok` false) is gone. `reset` is the number of the reset that this answers. */
  resetDone(reset: number, ok: boolean): void {
    if (reset !== this.#resets || !(this.#portsc & PORTSC_PR)) return;
    const enabled = ok && this.#speed !== SPEED_NONE;
    this.#update(PORTSC_PR | PORTSC_PED | PORTSC_PLS, enabled ? PORTSC_PED : PLS_RX_DETECT << PORTSC_PLS_SHIFT);
    // A warm reset reports both changes at its end (§4.19.5.1).
    if (this.#warm) this.#file?.setBits(this.#base + PORTSC, PORTSC_WRC);
    this.#change(PORTSC_PRC);
  }

  get #portsc(): number {
    return this.#file?.get(this.#base + PORTSC) ?? 0;
  }

  get #linkState(): number {
    return (this.#portsc & PORTSC_PLS) >>> PORTSC_PLS_SHIFT;
  }

  /** A USB3 link trains by itself and is enabled; a USB2 port waits for its reset (§4.19.1). */
  #attach(): void {
    const trained = this.protocol === "usb3";
    const state = trained ? PORTSC_PED | (PLS_U0 << PORTSC_PLS_SHIFT) : PLS_POLLING << PORTSC_PLS_SHIFT;
    this.#update(
      PORTSC_PED | PORTSC_PR | PORTSC_PLS | PORTSC_SPEED,
      PORTSC_CCS | state | (this.#speed << PORTSC_SPEED_SHIFT),
    );
    this.#change(PORTSC_CSC);
  }

  /** What acts instead of being stored, in a write to PORTSC. */
  #written(value: number): void {
    const warm = (value & PORTSC_WPR) !== 0 && this.protocol === "usb3";
    if (warm || value & PORTSC_PR) this.#reset(warm);
    else if (value & PORTSC_PED) this.#disable();
    else if (value & PORTSC_LWS) this.#writeLinkState((value & PORTSC_PLS) >>> PORTSC_PLS_SHIFT);
    this.#host.portTouched(this);
  }

  #reset(warm: boolean): void {
    if (!(this.#portsc & PORTSC_CCS) || this.#portsc & PORTSC_PR) return;
    this.#resets++;
    this.#warm = warm;
    this.#update(PORTSC_PED, PORTSC_PR);
    this.#host.resetDevice(this);
  }

  /** Writing 1 to Port Enabled disables the port (§5.4.8). */
  #disable(): void {
    if (!this.enabled) return;
    this.#update(PORTSC_PED | PORTSC_PLS, PLS_DISABLED << PORTSC_PLS_SHIFT);
  }

  #writeLinkState(target: number): void {
    const from = this.#linkState;
    if (target === PLS_U3 && this.enabled && from === PLS_U0) this.#setLinkState(PLS_U3);
    else if (target === PLS_RESUME && this.protocol === "usb2" && from === PLS_U3) this.#setLinkState(PLS_RESUME);
    else if (target === PLS_U0 && (from === PLS_U3 || from === PLS_RESUME)) {
      this.#setLinkState(PLS_U0);
      this.#change(PORTSC_PLC);
    } else if (target === PLS_RX_DETECT && this.protocol === "usb3" && from === PLS_DISABLED) {
      this.#setLinkState(PLS_RX_DETECT);
      if (this.#speed !== SPEED_NONE) this.#attach();
    }
  }

  #setLinkState(state: number): void {
    this.#update(PORTSC_PLS, state << PORTSC_PLS_SHIFT);
  }

  #update(clear: number, set: number): void {
    this.#file?.set(this.#base + PORTSC, (this.#portsc & ~clear) | set);
    this.#host.portTouched(this);
  }

  #change(bit: number): void {
    if (this.#portsc & bit) return;
    this.#file?.setBits(this.#base + PORTSC, bit);
    this.#host.portChanged(this);
  }
}
