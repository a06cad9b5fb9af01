/** A ring that the guest fills and the xHC empties: the command ring and every transfer ring (xHCI 1.2 §4.9.2). */
import type { GuestMemory } from "../guest/machine.ts";
import { type RingSource, tellTrb } from "./tap.ts";
import { TRB_CYCLE, TRB_IOC, TRB_LINK, TRB_SIZE, TRB_TOGGLE_CYCLE, type Trb } from "./trb.ts";

/** Link TRBs followed in a row before the ring is called broken: no guest needs more than a few, a hostile one has a loop. */
const LINK_HOPS_MAX = 32;

export type Fetch =
  | "trb"
  /** A Link TRB was followed that wants an event (IOC). */
  | "link"
  | "empty"
  | "broken";

/** A place in a ring: where to read next, and the cycle state that marks a TRB as the xHC's. */
export class RingCursor {
  dequeue = 0;
  cycle = 1;
  /** Which ring it is, for traces. */
  #source: RingSource | undefined;

  constructor(source?: RingSource) {
    this.#source = source;
  }

  set(dequeue: number, cycle: number): void {
    this.dequeue = dequeue >>> 0;
    this.cycle = cycle & 1;
  }

  moveTo(other: RingCursor): void {
    this.dequeue = other.dequeue;
    this.cycle = other.cycle;
    this.#source = other.#source;
  }

  /** Reads the next TRB and steps past it. Links are followed wherever they stand, and told only if they want an event. */
  next(memory: GuestMemory, trb: Trb): Fetch {
    for (let hops = 0; hops <= LINK_HOPS_MAX; hops++) {
      trb.load(memory, this.dequeue);
      if ((trb.control & TRB_CYCLE) !== this.cycle) return "empty";
      if (this.#source && this.#source.taps.size > 0) tellTrb(this.#source, trb);
      if (trb.type !== TRB_LINK) {
        this.dequeue = (this.dequeue + TRB_SIZE) >>> 0;
        return "trb";
      }
      this.dequeue = (trb.parameter & ~0xf) >>> 0;
      if (trb.control & TRB_TOGGLE_CYCLE) this.cycle ^= 1;
      if (trb.control & TRB_IOC) return "link";
    }
    return "broken";
  }
}
