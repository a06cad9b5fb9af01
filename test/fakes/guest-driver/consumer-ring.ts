/** The event ring, as the driver reads it: one or several segments, a segment table, a cycle bit (xHCI 1.2 §4.9.4). */
import { TRB_CYCLE, TRB_SIZE } from "../../../app/xhci/trb.ts";
import type { Ram } from "./ram.ts";

/** An event TRB, taken apart. */
export interface GuestEvent {
  readonly type: number;
  readonly code: number;
  /** The parameter's dwords: a TRB's address, a port's number (bits 31:24), or an Event Data TRB's data. */
  readonly parameter: number;
  readonly parameterHigh: number;
  /** Residual length, or EDTLA. */
  readonly length: number;
  readonly slotId: number;
  readonly endpointId: number;
  /** The parameter is an Event Data TRB's. */
  readonly isEventData: boolean;
}

export class ConsumerRing {
  /** Of the segment table. */
  readonly table: number;
  readonly segments: readonly { readonly base: number; readonly size: number }[];
  readonly #ram: Ram;
  #segment = 0;
  #index = 0;
  #cycle = 1;

  constructor(ram: Ram, sizes: readonly number[]) {
    this.#ram = ram;
    this.segments = sizes.map((size) => ({ base: ram.allocate(size * TRB_SIZE, 64), size }));
    this.table = ram.allocate(sizes.length * 16, 64);
    this.segments.forEach(({ base, size }, index) => {
      ram.poke(this.table + index * 16, base, 0, size, 0);
    });
  }

  /** What ERDP is told. */
  get dequeue(): number {
    return (this.segments[this.#segment]?.base ?? 0) + this.#index * TRB_SIZE;
  }

  next(): GuestEvent | undefined {
    const at = this.dequeue;
    const control = this.#ram.read32(at + 12);
    if ((control & TRB_CYCLE) !== this.#cycle) return undefined;
    const status = this.#ram.read32(at + 8);
    if (++this.#index === this.segments[this.#segment]?.size) {
      this.#index = 0;
      this.#segment = (this.#segment + 1) % this.segments.length;
      if (this.#segment === 0) this.#cycle ^= 1;
    }
    return {
      type: (control >>> 10) & 0x3f,
      code: status >>> 24,
      parameter: this.#ram.read32(at),
      parameterHigh: this.#ram.read32(at + 4),
      length: status & 0xffffff,
      slotId: control >>> 24,
      endpointId: (control >>> 16) & 0x1f,
      isEventData: (control & 4) !== 0,
    };
  }
}
