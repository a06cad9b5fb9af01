/**
 * The serial side of an adapter, of whatever kind: what it sends and receives, its modem lines, and what is at the other end.
 *
 *               ┌─ loopback plug: TX → RX, RTS → CTS, DTR → DSR and DCD
 *   adapter ────┤
 *               └─ far end: a program, by `input` and `output`
 *
 * There is no clock: bytes go as fast as they are taken, whatever the rate is. What is not taken in time is lost, unless a
 * handshake holds the sender back.
 */
import type { Saved } from "../../../asm/saved.ts";
import type { DeviceInput, SerialOutput, SerialSettings, SerialState } from "../../protocol.ts";
import { ByteFifo } from "../byte-fifo.ts";
import { FarEnd } from "./far-end.ts";

/** Bytes that wait for the host. */
const RECEIVE_SIZE = 16 << 10;
/** From here on the host is not ready, until it is down to there. */
const FULL = (RECEIVE_SIZE * 3) / 4;
const LOW = RECEIVE_SIZE / 4;
/** Breaks that wait for the host. */
const BREAKS_MAX = 16;

/** The bits of the modem status register of a 16550, which every adapter has taken over. */
export const MODEM_CTS = 0x10;
export const MODEM_DSR = 0x20;
export const MODEM_RI = 0x40;
export const MODEM_DCD = 0x80;

const PARITIES = ["none", "odd", "even", "mark", "space"] as const;
const HANDSHAKES = ["none", "rts-cts", "dtr-dsr", "xon-xoff"] as const;
export type Handshake = (typeof HANDSHAKES)[number];

/** What has to be on while the adapter sends. */
const INPUTS: Readonly<Record<Handshake, number>> = {
  none: 0,
  "rts-cts": MODEM_CTS,
  "dtr-dsr": MODEM_DSR,
  "xon-xoff": 0,
};

const DEFAULTS: SerialSettings = { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 };
const XON = 0x11;
const XOFF = 0x13;

export class SerialLine {
  readonly received = new ByteFifo(RECEIVE_SIZE);
  readonly #farEnd: FarEnd;
  readonly #loopback: boolean;
  /** A host has configured the adapter. What comes otherwise is lost. */
  receives = false;
  #settings = DEFAULTS;
  #dtr = false;
  #rts = false;
  #handshake: Handshake = "none";
  #xon = XON;
  #xoff = XOFF;
  /** Bytes in front of each break in `received`. */
  #breaks: number[] = [];
  #break = false;
  /** The host does not keep up. */
  #full = false;
  /** The other end has sent XOFF, which is only heard in that handshake. */
  #stopped = false;
  #overrun = false;
  /** MODEM_… of the far end. It is there and ready unless it says something else. */
  #farStatus = MODEM_CTS | MODEM_DSR | MODEM_DCD;

  /** `changed` is called when `output` has something new to say. */
  constructor(loopback: boolean, changed: () => void) {
    this.#loopback = loopback;
    this.#farEnd = new FarEnd(this.#state, changed);
  }

  get settings(): SerialSettings {
    return this.#settings;
  }

  set settings(settings: SerialSettings) {
    this.#settings = settings;
    this.#farEnd.show(this.#state);
  }

  /** What the host wants of the outputs; a handshake may hold one of them back. What is not given stays. */
  setOutputs(dtr = this.#dtr, rts = this.#rts): void {
    this.#dtr = dtr;
    this.#rts = rts;
    this.#farEnd.show(this.#state);
  }

  /** MODEM_…: the inputs as they are now. */
  get modemStatus(): number {
    if (this.#loopback) return (this.#rtsOut ? MODEM_CTS : 0) | (this.#dtrOut ? MODEM_DSR | MODEM_DCD : 0);
    return this.#farEnd.full ? this.#farStatus & ~MODEM_CTS : this.#farStatus;
  }

  /** May the adapter send? */
  get clearToSend(): boolean {
    const input = INPUTS[this.#handshake];
    return !this.#break && !this.#stopped && (this.modemStatus & input) === input;
  }

  /** Bytes that an adapter which can have its host wait sends now, so that none is lost. */
  get room(): number {
    return this.#loopback ? RECEIVE_SIZE - this.received.length : this.#farEnd.room;
  }

  setHandshake(handshake: Handshake, xon: number, xoff: number): void {
    this.#handshake = handshake;
    this.#xon = xon;
    this.#xoff = xoff;
    this.#stopped = false;
    this.#farEnd.show(this.#state);
  }

  /** A break is one byte, 0, however long it is. Nothing is sent during it. */
  setBreak(on: boolean): void {
    if (on && !this.#break && this.#loopback) this.#receiveBreak();
    this.#break = on;
    this.#farEnd.show(this.#state);
  }

  /** Sends the first `count` bytes. */
  send(bytes: Uint8Array, count: number): void {
    for (let at = 0; at < count; at++) this.#sendByte(bytes[at] ?? 0);
    if (!this.#loopback) this.#farEnd.flush();
  }

  /** Bytes that follow each other in `received` up to the next break, which is a byte too and stands alone. */
  get run(): number {
    const next = this.#breaks[0];
    if (next === undefined) return this.received.length;
    return next === 0 ? 1 : next;
  }

  /** A break waits for the host. */
  get hasBreak(): boolean {
    return this.#breaks.length > 0;
  }

  /** The oldest byte is a break. */
  get atBreak(): boolean {
    return this.#breaks[0] === 0;
  }

  /** Moves the oldest `count` bytes to `at`: at most `run`. */
  take(into: Uint8Array, at: number, count: number): void {
    if (this.atBreak && count > 0) this.#breaks.shift();
    this.received.take(into, at, count);
    for (let index = 0; index < this.#breaks.length; index++) this.#breaks[index] = (this.#breaks[index] ?? 0) - count;
    this.#level();
  }

  /** Were bytes lost since this was asked last? */
  takeOverrun(): boolean {
    const overrun = this.#overrun;
    this.#overrun = false;
    return overrun;
  }

  purgeReceived(): void {
    this.received.clear();
    this.#breaks.length = 0;
    this.#overrun = false;
    this.#level();
  }

  /** As after power is applied. The far end stays as it is. */
  reset(): void {
    this.#settings = DEFAULTS;
    this.#dtr = false;
    this.#rts = false;
    this.#break = false;
    this.setHandshake("none", XON, XOFF);
    this.purgeReceived();
  }

  /** The far end does something. A loopback plug leaves no room for one. */
  input(message: DeviceInput): void {
    if (this.#loopback) return;
    switch (message.type) {
      case "serial":
        if (!this.receives || !(message.bytes instanceof Uint8Array)) break;
        for (const byte of message.bytes) {
          if (!this.#receiveByte(byte) && this.#handshake === "none") break; // the rest of it is lost too
        }
        break;
      case "serial-lines":
        if (message.break === true && this.receives) this.#receiveBreak();
        this.#farStatus = (["cts", "dsr", "ri", "dcd"] as const).reduce((status, name, index) => {
          const bit = MODEM_CTS << index;
          return message[name] === undefined ? status : message[name] ? status | bit : status & ~bit;
        }, this.#farStatus);
        break;
    }
  }

  /** Takes what there is room for, from `at` on, for an adapter that has the far end wait. Answers how much that was. */
  accept(bytes: Uint8Array, at: number): number {
    const count = this.receives ? Math.min(bytes.length - at, RECEIVE_SIZE - this.received.length) : 0;
    for (let each = 0; each < count; each++) this.#receiveByte(bytes[at + each] ?? 0);
    return count;
  }

  get isLoopback(): boolean {
    return this.#loopback;
  }

  /** What the far end has got, and what it sees. */
  output(): SerialOutput {
    return { type: "serial", ...this.#farEnd.take(), ...this.#state };
  }

  save(): unknown {
    return {
      ...this.settings,
      received: this.received.save(),
      breaks: [...this.#breaks],
      handshake: this.#handshake,
      xon: this.#xon,
      xoff: this.#xoff,
      dtr: this.#dtr,
      rts: this.#rts,
      break: this.#break,
      full: this.#full,
      stopped: this.#stopped,
      overrun: this.#overrun,
      farEnd: this.#farEnd.save(),
      farStatus: this.#farStatus,
    };
  }

  /** A way to become what `save` said, checked. */
  read(saved: Saved): () => void {
    const baudRate = saved.integer("baudRate");
    const dataBits = saved.integer("dataBits", 8, 7) as SerialSettings["dataBits"];
    const parity = saved.choice("parity", PARITIES);
    const stopBits = [1, 1.5, 2].find((each) => each === saved.number("stopBits")) as SerialSettings["stopBits"];
    if (stopBits === undefined) throw saved.wrong("stopBits");
    const becomeReceived = this.received.read(saved, "received");
    const becomeFarEnd = this.#farEnd.read(saved.record("farEnd"));
    const length = saved.bytes("received", RECEIVE_SIZE, 0).length;
    const breaks = saved.integers("breaks", length - 1, BREAKS_MAX);
    if (breaks.some((at, index) => index > 0 && at <= (breaks[index - 1] ?? 0))) throw saved.wrong("breaks");
    const handshake = saved.choice("handshake", HANDSHAKES);
    const xon = saved.integer("xon", 0xff);
    const xoff = saved.integer("xoff", 0xff);
    const [dtr, rts] = [saved.flag("dtr"), saved.flag("rts")];
    const [brk, full] = [saved.flag("break"), saved.flag("full")];
    const [stopped, overrun] = [saved.flag("stopped"), saved.flag("overrun")];
    const farStatus = saved.integer("farStatus", 0xf0) & 0xf0;
    return () => {
      this.#settings = { baudRate, dataBits, parity, stopBits };
      becomeReceived();
      this.#breaks = [...breaks];
      this.#dtr = dtr;
      this.#rts = rts;
      this.#break = brk;
      this.setHandshake(handshake, xon, xoff);
      this.#full = full;
      this.#stopped = stopped;
      this.#overrun = overrun;
      this.#farStatus = farStatus;
      becomeFarEnd(this.#state);
    };
  }

  /** What the far end sees. */
  get #state(): SerialState {
    return {
      ...this.#settings,
      handshake: this.#handshake,
      dtr: this.#dtrOut,
      rts: this.#rtsOut,
      break: this.#break,
    };
  }

  get #rtsOut(): boolean {
    return this.#rts && !(this.#full && this.#handshake === "rts-cts");
  }

  get #dtrOut(): boolean {
    return this.#dtr && !(this.#full && this.#handshake === "dtr-dsr");
  }

  #sendByte(byte: number): void {
    if (this.#loopback) {
      this.#receiveByte(byte);
      return;
    }
    this.#farEnd.send(byte);
  }

  /** False when it is lost. */
  #receiveByte(byte: number): boolean {
    if (this.#handshake === "xon-xoff" && (byte === this.#xon || byte === this.#xoff)) {
      this.#stopped = byte === this.#xoff;
      return true;
    }
    const taken = this.received.push(byte);
    if (!taken) this.#overrun = true;
    this.#level();
    return taken;
  }

  #receiveBreak(): void {
    if (this.#breaks.length < BREAKS_MAX && this.received.push(0)) this.#breaks.push(this.received.length - 1);
  }

  /** Looks how full the buffer is. */
  #level(): void {
    const { length } = this.received;
    if (this.#full ? length > LOW : length < FULL) return;
    this.#full = !this.#full;
    if (this.#handshake === "xon-xoff") this.#sendByte(this.#full ? this.#xoff : this.#xon);
    this.#farEnd.show(this.#state);
  }
}
