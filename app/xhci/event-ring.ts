/**
 * The event ring: the xHC fills it, the guest empties it and says how far with ERDP (xHCI 1.2 §4.9.4). Events that find
 * no room wait here, in order; only a guest that never makes room, and never stops asking, loses any.
 */
import type { GuestMemory } from "../guest/machine.ts";
import { ERST_MAX } from "./registers.ts";
import { type RingSource, type Taps, tellTrb } from "./tap.ts";
import { CC_EVENT_RING_FULL, eventControl, eventStatus, TRB_CYCLE, TRB_HOST_CONTROLLER, TRB_SIZE, Trb } from "./trb.ts";

export const SEGMENTS_MAX = 1 << ERST_MAX;
const SEGMENT_ENTRY_SIZE = 16;
/** Events kept for a guest that makes no room: more than all that can be in flight at once have. */
export const WAITING_MAX = 1 << 16;

interface Segment {
  readonly base: number;
  /** TRBs. */
  readonly size: number;
}

interface WaitingEvent {
  readonly parameter: number;
  readonly parameterHigh: number;
  readonly status: number;
  readonly control: number;
}

/** What a saved state keeps of the ring. */
export interface EventRingState {
  readonly segments: readonly Segment[];
  readonly segment: number;
  readonly index: number;
  readonly cycle: number;
  readonly full: boolean;
  readonly waiting: readonly WaitingEvent[];
}

export class EventRing {
  readonly #memory: GuestMemory;
  readonly #source: RingSource;
  // An event goes to the guest's memory in one piece.
  readonly #dwords = new Uint32Array(4);
  readonly #bytes = new Uint8Array(this.#dwords.buffer);
  /** For traces. */
  readonly #written = new Trb();
  #segments: Segment[] = [];
  #segment = 0;
  #index = 0;
  #cycle = 1;
  /** An Event Ring Full Error was written, and the guest has not made room since. */
  #full = false;
  readonly #waiting: WaitingEvent[] = [];

  constructor(memory: GuestMemory, taps: Taps) {
    this.#memory = memory;
    this.#source = { ring: "event", slotId: 0, endpointId: 0, taps };
  }

  /** Events that wait for room. */
  get waiting(): number {
    return this.#waiting.length;
  }

  get configured(): boolean {
    return this.#segments.length > 0;
  }

  /** Where the next event goes: the ring is empty when ERDP points here. */
  get enqueue(): number {
    const segment = this.#segments[this.#segment];
    return segment ? (segment.base + this.#index * TRB_SIZE) >>> 0 : 0;
  }

  reset(): void {
    this.#segments = [];
    this.#waiting.length = 0;
    this.#rewind();
  }

  /** Reads the Event Ring Segment Table, as a write to ERSTBA makes the xHC do (§4.9.4). */
  configure(table: number, entries: number): void {
    this.#segments = [];
    for (let index = 0; index < Math.min(entries, SEGMENTS_MAX); index++) {
      const entry = table + index * SEGMENT_ENTRY_SIZE;
      const base = (this.#memory.read32(entry) & ~0x3f) >>> 0;
      const size = this.#memory.read32(entry + 8) & 0xffff;
      if (size > 0) this.#segments.push({ base, size });
    }
    this.#rewind();
  }

  /** Puts an event on the ring, or keeps it until the guest makes room. Answers whether it is on the ring. */
  post(parameter: number, parameterHigh: number, status: number, control: number, dequeue: number): boolean {
    if (this.#waiting.length === 0 && this.#room(dequeue)) {
      this.#write(parameter, parameterHigh, status, control);
      return true;
    }
    if (this.#waiting.length < WAITING_MAX) this.#waiting.push({ parameter, parameterHigh, status, control });
    return this.#signalFull(dequeue);
  }

  /** The guest moved ERDP: puts on the ring what waits for room. Answers whether anything was put there. */
  drain(dequeue: number): boolean {
    let count = 0;
    for (let event = this.#waiting[0]; event && this.#room(dequeue); event = this.#waiting[count]) {
      this.#write(event.parameter, event.parameterHigh, event.status, event.control);
      count++;
    }
    this.#waiting.splice(0, count);
    if (count > 0 || this.#waiting.length === 0) this.#full = false;
    return this.#signalFull(dequeue) || count > 0;
  }

  save(): EventRingState {
    return {
      segments: this.#segments,
      segment: this.#segment,
      index: this.#index,
      cycle: this.#cycle,
      full: this.#full,
      waiting: this.#waiting,
    };
  }

  restore(state: EventRingState): void {
    this.#segments = [...state.segments];
    this.#segment = state.segment;
    this.#index = state.index;
    this.#cycle = state.cycle;
    this.#full = state.full;
    this.#waiting.splice(0, this.#waiting.length, ...state.waiting);
  }

  #rewind(): void {
    this.#segment = 0;
    this.#index = 0;
    this.#cycle = 1;
    this.#full = false;
  }

  /** Room for one more event, with a place left for the Event Ring Full Error and one that keeps full from empty. */
  #room(dequeue: number): boolean {
    return this.#segments.length > 0 && this.#ahead(1) !== dequeue && this.#ahead(2) !== dequeue;
  }

  /** The address `steps` places past the enqueue pointer. */
  #ahead(steps: number): number {
    let segment = this.#segment;
    let index = this.#index;
    for (let step = 0; step < steps; step++) {
      if (++index >= (this.#segments[segment]?.size ?? 0)) {
        index = 0;
        segment = (segment + 1) % this.#segments.length;
      }
    }
    return ((this.#segments[segment]?.base ?? 0) + index * TRB_SIZE) >>> 0;
  }

  #signalFull(dequeue: number): boolean {
    if (this.#full || this.#waiting.length === 0) return false;
    if (this.#segments.length === 0 || this.#ahead(1) === dequeue) return false;
    this.#full = true;
    this.#write(0, 0, eventStatus(CC_EVENT_RING_FULL, 0), eventControl(TRB_HOST_CONTROLLER, 0, 0));
    return true;
  }

  #write(parameter: number, parameterHigh: number, status: number, control: number): void {
    const address = this.enqueue;
    const memory = this.#memory;
    const dwords = this.#dwords;
    dwords[0] = parameter;
    dwords[1] = parameterHigh;
    dwords[2] = status;
    dwords[3] = control | (this.#cycle ? TRB_CYCLE : 0);
    memory.write(address, this.#bytes);
    if (this.#source.taps.size > 0) {
      this.#written.load(memory, address);
      tellTrb(this.#source, this.#written);
    }
    if (++this.#index >= (this.#segments[this.#segment]?.size ?? 0)) {
      this.#index = 0;
      if (++this.#segment >= this.#segments.length) {
        this.#segment = 0;
        this.#cycle ^= 1;
      }
    }
  }
}
