/**
 * One transfer of an endpoint: a TD (for the control endpoint its two or three stage TDs), copied from the ring once,
 * checked, and then trusted (xHCI 1.2 §3.2.9, §4.11). Reused: parse() overwrites it.
 */
import type { Core } from "../../asm/core.ts";
import { LENGTH_MAX, TYPE_CONTROL, TYPE_ISOCHRONOUS } from "../../asm/layout.ts";
import type { GuestMemory } from "../guest/machine.ts";
import type { Urb } from "../link.ts";
import { RingCursor } from "./consumer-ring.ts";
import {
  frameId,
  TRB_CHAIN,
  TRB_DATA_STAGE,
  TRB_EVENT_DATA,
  TRB_IDT,
  TRB_ISOCH,
  TRB_LENGTH_MASK,
  TRB_LINK,
  TRB_NO_OP,
  TRB_NORMAL,
  TRB_SETUP_STAGE,
  TRB_SIA,
  TRB_STATUS_STAGE,
  Trb,
  trbType,
} from "./trb.ts";

/** TRBs of one TD: 4 MiB in pages of 4 KiB is a quarter of this. */
const TRBS_MAX = 4096;
const IMMEDIATE_MAX = 8;
const SETUP_LENGTH = 8;

export type Parse = "ready" | "incomplete" | "trb-error";

/** What a transfer waits for. */
export type TransferState =
  /** Parsed, or back in the pool. */
  | "idle"
  | "in-flight"
  /** Its URB was answered; transfers before it were not. */
  | "answered"
  /** The endpoint no longer wants it: the URB's answer only frees it. */
  | "abandoned";

const scratch = new Trb();
const immediate = new Uint8Array(IMMEDIATE_MAX);

export class Transfer {
  state: TransferState = "idle";
  urb: Urb | undefined;
  /** Where the ring goes on after it. */
  readonly next = new RingCursor();
  /** The setup packet's two dwords, for the control endpoint. */
  setupLow = 0;
  setupHigh = 0;
  isControl = false;
  /** Data goes from the device to the guest. */
  isIn = false;
  /** Bytes that the transfer moves. */
  length = 0;
  /** Of those, the first ones that were moved before it was interrupted: the URB is about the others. */
  skip = 0;
  /** Isochronous: the microframe it is due in. */
  due = 0;
  /** A completion code that is known without asking the device; 0 when there is none. */
  refusal = 0;

  // The TRBs, as they were read.
  count = 0;
  #addresses = new Uint32Array(16);
  #pointers = new Uint32Array(16);
  #pointersHigh = new Uint32Array(16);
  #statuses = new Uint32Array(16);
  #controls = new Uint32Array(16);
  /** How far the transfer was read: the stage (a TRB type) of the TRB read last, Isoch for all behind one, 0 before the first. */
  #stage = 0;

  address(index: number): number {
    return this.#addresses[index] ?? 0;
  }
  /** The parameter's low dword: a buffer's address, an event's data. */
  parameter(index: number): number {
    return this.#pointers[index] ?? 0;
  }
  parameterHigh(index: number): number {
    return this.#pointersHigh[index] ?? 0;
  }
  control(index: number): number {
    return this.#controls[index] ?? 0;
  }
  type(index: number): number {
    return trbType(this.control(index));
  }
  carriesData(index: number): boolean {
    const type = this.type(index);
    return type === TRB_NORMAL || type === TRB_DATA_STAGE || type === TRB_ISOCH;
  }
  /** Bytes of buffer that TRB `index` brings; none for those that carry no data. */
  bufferLength(index: number): number {
    return this.carriesData(index) ? this.#trbLength(index) : 0;
  }

  /** A TD that moves nothing: No-Op, Event Data and Link TRBs only (§4.11.4.1, §4.11.5.2). */
  get isNoOp(): boolean {
    for (let index = 0; index < this.count; index++) {
      const type = this.type(index);
      if (type !== TRB_NO_OP && type !== TRB_EVENT_DATA && type !== TRB_LINK) return false;
    }
    return true;
  }

  /** The frame that an isochronous TD asks for, undefined for "as soon as possible" (SIA). */
  get frame(): number | undefined {
    for (let index = 0; index < this.count; index++) {
      if (this.type(index) === TRB_ISOCH)
        return this.control(index) & TRB_SIA ? undefined : frameId(this.control(index));
    }
    return undefined;
  }

  /**
   * Reads the TD at `from`. "incomplete" when the guest has not handed over all of it yet; "trb-error" when no guest in
   * its right mind writes such a TD, with the offending TRB last in the transfer. `type` is the endpoint's, TYPE_….
   */
  parse(memory: GuestMemory, from: RingCursor, type: number, isIn: boolean): Parse {
    this.count = 0;
    this.length = 0;
    this.skip = 0;
    this.#stage = 0;
    this.due = 0;
    this.refusal = 0;
    this.isControl = type === TYPE_CONTROL;
    this.isIn = isIn;
    this.next.moveTo(from);
    let more = true;
    while (more) {
      const fetch = this.next.next(memory, scratch);
      if (fetch === "empty") return "incomplete";
      if (fetch === "broken" || this.count >= TRBS_MAX) return "trb-error";
      this.#append(scratch);
      if (fetch === "link") {
        // Between TDs it stands for itself; inside one it is part of it (§4.11.5.1).
        more = more && (this.count > 1 || (scratch.control & TRB_CHAIN) !== 0);
        continue;
      }
      if (!this.#accept(type)) return "trb-error";
      this.length += this.bufferLength(this.count - 1);
      if (this.length > LENGTH_MAX) return "trb-error";
      const staged = this.isControl && this.#stage !== 0 && this.#stage !== TRB_STATUS_STAGE;
      more = (scratch.control & TRB_CHAIN) !== 0 || staged;
    }
    if (this.isControl && this.#stage !== 0) return this.#checkControl();
    return isIn && this.#isImmediate() ? "trb-error" : "ready";
  }

  /** Copies the guest's buffers, behind the bytes to skip, into the URB's payload. False if one is not in the guest's RAM. */
  gather(memory: GuestMemory, core: Core, slot: number): boolean {
    /** Where the TRB's buffer begins and ends in the payload. */
    let start = -this.skip;
    let end = start;
    // The guest may have put down more than wLength: the URB has no room for that.
    const limit = this.length - this.skip;
    for (let index = 0; index < this.count && end < limit; index++) {
      start = end;
      end += this.bufferLength(index);
      const from = Math.max(start, 0);
      const to = Math.min(end, limit);
      if (from >= to) continue;
      const source =
        this.control(index) & TRB_IDT
          ? this.#immediate(index, to - start).subarray(from - start)
          : memory.view(this.parameter(index) + from - start, to - from);
      if (!source) return false;
      core.write(slot, from, source);
    }
    return true;
  }

  /**
   * Copies `actual` bytes of the URB's payload into the guest's buffers, behind the bytes to skip. False if a buffer is not
   * in the guest's RAM.
   */
  scatter(memory: GuestMemory, core: Core, slot: number, actual: number): boolean {
    /** Where the TRB's buffer begins and ends in the payload. */
    let start = -this.skip;
    let end = start;
    for (let index = 0; index < this.count && end < actual; index++) {
      start = end;
      end += this.bufferLength(index);
      for (let offset = Math.max(start, 0); offset < Math.min(end, actual); ) {
        const window = core.window(slot, offset, Math.min(end, actual) - offset);
        if (!memory.write(this.parameter(index) + offset - start, window)) return false;
        offset += window.length;
      }
    }
    return true;
  }

  #append(trb: Trb): void {
    if (this.count === this.#addresses.length) this.#grow();
    const index = this.count++;
    this.#addresses[index] = trb.address;
    this.#pointers[index] = trb.parameter;
    this.#pointersHigh[index] = trb.parameterHigh;
    this.#statuses[index] = trb.status;
    this.#controls[index] = trb.control;
  }

  /** May allocate; a transfer keeps its room for the next TD. */
  #grow(): void {
    const grown = (from: Uint32Array<ArrayBuffer>) => {
      const to = new Uint32Array(from.length * 2);
      to.set(from);
      return to;
    };
    this.#addresses = grown(this.#addresses);
    this.#pointers = grown(this.#pointers);
    this.#pointersHigh = grown(this.#pointersHigh);
    this.#statuses = grown(this.#statuses);
    this.#controls = grown(this.#controls);
  }

  /** May the TRB read last stand where it stands (§4.11.2, §4.11.7)? */
  #accept(endpointType: number): boolean {
    const { isControl } = this;
    const index = this.count - 1;
    const type = this.type(index);
    // Immediate Data: up to 8 bytes of OUT data in the TRB itself (§4.11.7.1).
    if (this.control(index) & TRB_IDT && this.bufferLength(index) > IMMEDIATE_MAX) return false;
    switch (type) {
      case TRB_NO_OP:
      case TRB_EVENT_DATA:
        return true;
      case TRB_NORMAL:
        if (endpointType === TYPE_ISOCHRONOUS) return this.#stage === TRB_ISOCH;
        return !isControl || this.#stage === TRB_DATA_STAGE;
      case TRB_ISOCH:
        if (endpointType !== TYPE_ISOCHRONOUS || this.#stage === TRB_ISOCH) return false;
        this.#stage = type;
        return true;
      case TRB_SETUP_STAGE:
        if (!isControl || index > 0 || this.#trbLength(index) !== SETUP_LENGTH) return false;
        this.#stage = type;
        return true;
      case TRB_DATA_STAGE:
      case TRB_STATUS_STAGE:
        // Setup, maybe data, status (§3.2.9).
        if (this.#stage === 0 || this.#stage >= type) return false;
        this.#stage = type;
        return true;
      default:
        return false;
    }
  }

  /** Only a driver has it done: every transfer but a standard request to the device as a whole (USB 2.0 §9.3.1). */
  get isDriven(): boolean {
    return !this.isControl || (this.setupLow & 0x7f) !== 0;
  }

  #trbLength(index: number): number {
    return (this.#statuses[index] ?? 0) & TRB_LENGTH_MASK;
  }

  /** Is there data in a TRB itself? Data that comes in has no room there. */
  #isImmediate(): boolean {
    for (let index = 0; index < this.count; index++) {
      if (this.bufferLength(index) > 0 && this.control(index) & TRB_IDT) return true;
    }
    return false;
  }

  #checkControl(): Parse {
    this.setupLow = this.#pointers[0] ?? 0;
    this.setupHigh = this.#pointersHigh[0] ?? 0;
    this.isIn = (this.setupLow & 0x80) !== 0;
    const wLength = this.setupHigh >>> 16;
    if (this.isIn && this.#isImmediate()) return "trb-error";
    // An IN may have less room than it asks for; an OUT has to bring what it promises.
    if (!this.isIn && this.length < wLength) return "trb-error";
    this.length = wLength;
    return "ready";
  }

  #immediate(index: number, length: number): Uint8Array {
    const low = this.#pointers[index] ?? 0;
    const high = this.#pointersHigh[index] ?? 0;
    for (let byte = 0; byte < IMMEDIATE_MAX; byte++) {
      immediate[byte] = (byte < 4 ? low >>> (byte * 8) : high >>> ((byte - 4) * 8)) & 0xff;
    }
    return immediate.subarray(0, length);
  }
}
