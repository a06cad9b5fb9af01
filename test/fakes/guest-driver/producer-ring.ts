/**
 * A ring that the driver fills: the command ring, or an endpoint's transfer ring. One or several segments, each ended by a
 * Link TRB; the last one's toggles the cycle.
 */
import { TRB_CHAIN, TRB_CYCLE, TRB_SIZE } from "../../../app/xhci/trb.ts";
import type { Ram } from "./ram.ts";
import { link, type TrbWords } from "./trbs.ts";

export interface ProducerRingOptions {
  /** TRBs of a segment, its Link TRB included. */
  readonly size?: number;
  readonly segments?: number;
}

export class ProducerRing {
  readonly start: number;
  readonly #ram: Ram;
  readonly #size: number;
  readonly #segments: number[];
  #segment = 0;
  #index = 0;
  cycle = 1;

  constructor(ram: Ram, { size = 256, segments = 1 }: ProducerRingOptions = {}) {
    this.#ram = ram;
    this.#size = size;
    this.#segments = Array.from({ length: segments }, () => ram.allocate(size * TRB_SIZE, 64));
    this.start = this.#segments[0] ?? 0;
  }

  /** Where the next TRB goes. */
  get enqueue(): number {
    return (this.#segments[this.#segment] ?? 0) + this.#index * TRB_SIZE;
  }

  /**
   * Writes a TD, and only then hands it over, by its first TRB's cycle bit. Answers the addresses of its TRBs, without
   * those of the Link TRBs between them.
   */
  push(...trbs: readonly TrbWords[]): number[] {
    const first = this.enqueue;
    const cycle = this.cycle;
    const addresses: number[] = [];
    trbs.forEach((trb, index) => {
      if (this.#index === this.#size - 1) this.#link(index > 0, this.enqueue === first);
      addresses.push(this.enqueue);
      this.#write(trb, this.enqueue === first);
      this.#index++;
    });
    // The control dword of the first TRB, Link or not, goes last.
    const control = this.#ram.read32(first + 12);
    this.#ram.poke(first + 12, (control & ~TRB_CYCLE) | cycle);
    return addresses;
  }

  /** Ends the segment here: a Link TRB may stand anywhere. */
  jump(): void {
    // What is skipped must not look new in the next round.
    for (let index = this.#index; index < this.#size; index++) {
      this.#ram.poke((this.#segments[this.#segment] ?? 0) + index * TRB_SIZE, 0, 0, 0, this.cycle);
    }
    this.#link(false, false);
  }

  #link(isInsideTd: boolean, withheld: boolean): void {
    const next = (this.#segment + 1) % this.#segments.length;
    const wraps = next === 0;
    this.#write(link(this.#segments[next] ?? 0, wraps, isInsideTd), withheld);
    this.#segment = next;
    this.#index = 0;
    if (wraps) this.cycle ^= 1;
  }

  #write([low, high, status, control]: TrbWords, withheld: boolean): void {
    const cycle = withheld ? this.cycle ^ 1 : this.cycle;
    this.#ram.poke(this.enqueue, low, high, status, control | cycle);
  }
}

/** Sets the chain bit in all TRBs but the last: one TD. */
export function chained(...trbs: readonly TrbWords[]): TrbWords[] {
  return trbs.map(([low, high, status, control], index) => {
    return [low, high, status, index < trbs.length - 1 ? control | TRB_CHAIN : control];
  });
}
