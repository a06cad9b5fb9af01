/**
 * One port of the root hub: its state, the registers that show it, and the change bits that report it (xHCI 1.2 §4.15,
 * §4.19, §5.4.8). A socket that a person sees is two of these, one a protocol; a device connects to the one of its speed.
 */
import { SPEED_NONE } from "../../asm/layout.ts";
import {
  DISCONNECTED,
  POWERED_OFF,
  type PortEvent,
  type PortMachine,
  type PortState,
  type Protocol,
  portscOf,
  stateOf,
} from "./port-state.ts";
import { usb2Port } from "./port-usb2.ts";
import { usb3Port } from "./port-usb3.ts";
import type { Register, RegisterFile } from "./register-file.ts";
import {
  PLS_RX_DETECT,
  PLS_U0,
  PLS_U2,
  PORT_REGISTERS,
  PORT_REGISTERS_SIZE,
  PORTHLPMC,
  PORTHLPMC_RW,
  PORTLI,
  PORTPMSC,
  PORTPMSC_FLA,
  PORTPMSC_L1S,
  PORTPMSC_L1S_NOT_SUPPORTED,
  PORTPMSC_USB2_RW,
  PORTPMSC_USB3_RW,
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
  PORTSC_RW,
  PORTSC_RW1C,
  PORTSC_SPEED_SHIFT,
  PORTSC_WPR,
} from "./registers.ts";

export interface PortHost {
  /** A change bit went from 0 to 1. `first`: none was set before, so it is worth an event (§4.19.2). */
  portChanged(port: Port, first: boolean): void;
  /** Resets the device; `resetDone` of the port is the answer. */
  resetDevice(port: Port): void;
  /** What reaches the device through this port has changed. */
  connectionChanged(connection: Connection): void;
  /** The guest did something that a person may want to see. */
  portTouched(port: Port): void;
}

/** The way through an enabled port to what is plugged: it begins when the port is enabled and may sleep in between. */
export interface Connection {
  /** The link is not in U0: nothing moves. */
  readonly asleep: boolean;
  /** Unplugged, disabled or without power: what is sent this way is lost. A port enabled later has a new connection. */
  readonly ended: boolean;
}

/** The way to a device that is gone. */
export const NO_CONNECTION: Connection = { asleep: false, ended: true };

/** Bits of PORTSC that the port's state does not decide. */
const KEPT = (PORTSC_RW & ~PORTSC_PP) | PORTSC_CHANGES;

export class Port {
  /** xHCI's port number, 1 to MaxPorts. */
  readonly id: number;
  readonly protocol: Protocol;
  readonly #host: PortHost;
  readonly #machine: PortMachine;
  readonly #base: number;
  #file: RegisterFile | undefined;
  #state: PortState = DISCONNECTED;
  /** Speed of what is plugged, whatever the guest has made of it. */
  #speed = SPEED_NONE;
  #connection: { asleep: boolean; ended: boolean } | undefined;
  /** Counts the resets begun, so that a late answer is not taken for the latest. */
  #resets = 0;

  constructor(id: number, protocol: Protocol, host: PortHost) {
    this.id = id;
    this.protocol = protocol;
    this.#host = host;
    this.#machine = protocol === "usb2" ? usb2Port : usb3Port;
    this.#base = PORT_REGISTERS + (id - 1) * PORT_REGISTERS_SIZE;
  }

  /** Its rows of the register table. */
  registers(): Register[] {
    const at = (register: number) => this.#base + register;
    const name = (register: string) => `${register}${this.id}`;
    const isUsb2 = this.protocol === "usb2";
    return [
      {
        name: name("PORTSC"),
        offset: at(PORTSC),
        reset: PORTSC_PP | (PLS_RX_DETECT << PORTSC_PLS_SHIFT),
        rw: PORTSC_RW,
        rw1c: PORTSC_RW1C,
        written: (value) => this.#written(value),
      },
      {
        name: name("PORTPMSC"),
        offset: at(PORTPMSC),
        reset: 0,
        rw: isUsb2 ? PORTPMSC_USB2_RW : PORTPMSC_USB3_RW,
        rw1c: 0,
        written: () => this.#powerManagementWritten(),
      },
      { name: name("PORTLI"), offset: at(PORTLI), reset: 0, rw: 0, rw1c: 0 },
      { name: name("PORTHLPMC"), offset: at(PORTHLPMC), reset: 0, rw: isUsb2 ? PORTHLPMC_RW : 0, rw1c: 0 },
    ];
  }

  connect(file: RegisterFile): void {
    this.#file = file;
  }

  get enabled(): boolean {
    return this.#state.name === "enabled";
  }

  /** Enabled, and its link is not in U0. */
  get asleep(): boolean {
    return this.#state.name === "enabled" && this.#state.link !== PLS_U0;
  }

  /** The way to the device, of a port that is enabled or was so before its reset. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Something changed that the guest has not acknowledged. */
  get changed(): boolean {
    return (this.#portsc & PORTSC_CHANGES) !== 0;
  }

  get resets(): number {
    return this.#resets;
  }

  plug(speed: number): void {
    this.#speed = speed;
    this.#apply({ type: "connect" });
  }

  unplug(): void {
    this.#speed = SPEED_NONE;
    this.#resets++;
    this.#apply({ type: "disconnect" });
  }

  /** The device asks for a resume. A port that does not sleep has nothing to resume. */
  wake(): void {
    this.#apply({ type: "wake" });
  }

  /** The device was reset, or (`ok` false) did not come back. `reset` is the number of the reset that this answers. */
  resetDone(reset: number, ok: boolean): void {
    if (reset === this.#resets) this.#apply({ type: "reset-done", ok });
  }

  /** After a reset of the controller: what is plugged is found anew (§4.2). */
  restart(): void {
    this.#resets++;
    this.#enter(DISCONNECTED);
    if (this.#speed !== SPEED_NONE) this.#apply({ type: "connect" });
  }

  /** A saved state was restored, and the guest's device is here: goes on in the state that the registers show. */
  resume(): void {
    this.#resets++;
    const state = stateOf(this.#portsc);
    this.#enter(state);
    if (state.name !== "reset") return;
    this.#connection ??= { asleep: false, ended: false };
    this.#resetDevice();
  }

  /** A saved state was restored: the guest's device is gone whatever is plugged now, and that is a new connection. */
  reconnect(): void {
    const before = this.#portsc;
    this.#resets++;
    this.#enter(before & PORTSC_PP ? DISCONNECTED : POWERED_OFF);
    if (before & PORTSC_CCS) this.#change(PORTSC_CSC);
    if (this.#speed !== SPEED_NONE) this.#apply({ type: "connect" });
  }

  get #portsc(): number {
    return this.#file?.get(this.#base + PORTSC) ?? 0;
  }

  /** What acts instead of being stored, in a write to PORTSC: one thing at a time, power before all. */
  #written(value: number): void {
    const powered = (this.#portsc & PORTSC_PP) !== 0;
    const warm = (value & PORTSC_WPR) !== 0 && this.protocol === "usb3";
    const target = (value & PORTSC_PLS) >>> PORTSC_PLS_SHIFT;
    if (powered !== (this.#state.name !== "powered-off")) this.#apply({ type: "power", on: powered });
    else if (warm || value & PORTSC_PR) this.#apply({ type: "reset", warm });
    else if (value & PORTSC_PED) this.#apply({ type: "disable" });
    else if (value & PORTSC_LWS && target === PLS_U2) this.#rejectL1();
    else if (value & PORTSC_LWS) this.#apply({ type: "link", target });
  }

  #apply(event: PortEvent): void {
    const transition = this.#machine(this.#state, event);
    if (!transition) return;
    const connection = this.#enter(transition.state);
    this.#change(transition.changes);
    if (connection) this.#host.connectionChanged(connection);
    this.#host.portTouched(this);
    switch (transition.state.name) {
      case "disconnected":
        if (this.#speed !== SPEED_NONE) this.#apply({ type: "connect" });
        return;
      case "powered-off":
        // A device that lost its power has forgotten everything, and a reset is what makes it so.
        this.#clearPowerManagement(PORTPMSC_FLA);
        if (this.#speed !== SPEED_NONE) this.#resetDevice();
        return;
      case "reset":
        this.#clearPowerManagement(PORTPMSC_USB3_RW);
        this.#resetDevice();
        return;
      default:
        if (event.type === "connect") this.#clearPowerManagement(PORTPMSC_FLA);
        return;
    }
  }

  /** Takes up a state: PORTSC shows it, and the connection follows. Answers the connection if that changed. */
  #enter(state: PortState): Connection | undefined {
    this.#state = state;
    const bits = portscOf(state);
    const speed = bits & PORTSC_CCS ? this.#speed << PORTSC_SPEED_SHIFT : 0;
    this.#file?.set(this.#base + PORTSC, (this.#portsc & KEPT) | bits | speed);
    const connection = this.#connection;
    if (state.name === "enabled") {
      const asleep = state.link !== PLS_U0;
      this.#connection ??= { asleep, ended: false };
      if (this.#connection.asleep === asleep) return undefined;
      this.#connection.asleep = asleep;
      return this.#connection;
    }
    if (!connection || state.name === "reset") return undefined;
    this.#connection = undefined;
    connection.ended = true;
    return connection;
  }

  #resetDevice(): void {
    this.#resets++;
    this.#host.resetDevice(this);
  }

  #change(bits: number): void {
    const before = this.#portsc & PORTSC_CHANGES;
    if ((bits & ~before) === 0) return;
    this.#file?.setBits(this.#base + PORTSC, bits);
    this.#host.portChanged(this, before === 0);
  }

  /** U1 and U2 Timeout and Force Link PM Accept are kept, for there is no link that would act by them (table 5-29). */
  #clearPowerManagement(bits: number): void {
    if (this.protocol === "usb3") this.#file?.clearBits(this.#base + PORTPMSC, bits);
  }

  #powerManagementWritten(): void {
    if (this.#state.name === "powered-off") this.#clearPowerManagement(PORTPMSC_FLA);
  }

  /** Software asks for L1 on a port without LPM: the link stays in U0, and L1 Status says why (§4.23.5.1.1.1). */
  #rejectL1(): void {
    if (this.protocol !== "usb2" || this.#state.name !== "enabled" || this.#state.link !== PLS_U0) return;
    const status = this.#base + PORTPMSC;
    this.#file?.set(status, ((this.#file?.get(status) ?? 0) & ~PORTPMSC_L1S) | PORTPMSC_L1S_NOT_SUPPORTED);
    this.#change(PORTSC_PLC);
  }
}
