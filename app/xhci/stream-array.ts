/**
 * The streams of an endpoint: an array of Stream Contexts in the guest's memory, each with a transfer ring of its own
 * (xHCI 1.2 §4.12.2, §6.2.4). Linear arrays only (NSS): there are no secondary ones.
 *
 *   array   +0x00 reserved    +0x10 stream 1    +0x20 stream 2    …
 *
 *   context  31                 4 3     1   0
 *            TR Dequeue Pointer   SCT       DCS     then three dwords for later (pointer's upper half, EDTLA)
 */
import type { RingEndpoint, RingSaved } from "./ring-endpoint.ts";
import { TransferRing } from "./transfer-ring.ts";

const STREAM_CONTEXT_SIZE = 16;
const STREAM_CONTEXT_DEQUEUE = 0xfffffff0;
const STREAM_CONTEXT_SCT_SHIFT = 1;
const STREAM_CONTEXT_SCT = 7;
const STREAM_CONTEXT_DCS = 1;
/** Stream Context Type: a primary transfer ring (table 6-13). */
export const SCT_PRIMARY_RING = 1;

export class StreamArray {
  readonly #endpoint: RingEndpoint;
  readonly #address: number;
  /** Contexts in the array, that of the reserved stream 0 included. */
  readonly #size: number;
  /** By stream id, those that were rung. */
  readonly #rings: (TransferRing | undefined)[] = [];

  constructor(endpoint: RingEndpoint, address: number, maxPrimaryStreams: number) {
    this.#endpoint = endpoint;
    this.#address = address;
    this.#size = 2 ** (maxPrimaryStreams + 1);
  }

  get idle(): boolean {
    return this.#rings.every((ring) => ring?.idle ?? true);
  }

  has(stream: number): boolean {
    return stream > 0 && stream < this.#size;
  }

  /** The stream was rung: its context is read now, if it was not before. Undefined when there is no such stream. */
  open(stream: number): TransferRing | undefined {
    if (!this.has(stream)) return undefined;
    const known = this.#rings[stream];
    if (known) return known;
    const context = this.#endpoint.host.memory.read32(this.#contextOf(stream));
    if (((context >>> STREAM_CONTEXT_SCT_SHIFT) & STREAM_CONTEXT_SCT) !== SCT_PRIMARY_RING) return undefined;
    const dequeue = (context & STREAM_CONTEXT_DEQUEUE) >>> 0;
    const ring = new TransferRing(this.#endpoint, dequeue, context & STREAM_CONTEXT_DCS, stream);
    this.#rings[stream] = ring;
    return ring;
  }

  /** Set TR Dequeue Pointer of one stream. False when its type is not a primary ring. */
  set(stream: number, dequeue: number, cycle: number, type: number): boolean {
    if (type !== SCT_PRIMARY_RING) return false;
    const ring = this.#rings[stream];
    if (ring) ring.set(dequeue, cycle);
    else this.#rings[stream] = new TransferRing(this.#endpoint, dequeue, cycle, stream);
    this.#write(stream, dequeue, cycle);
    return true;
  }

  save(): RingSaved[] {
    return this.#rings.flatMap((ring) => (ring ? [ring.save()] : []));
  }

  restore(saved: readonly RingSaved[]): void {
    for (const each of saved) {
      if (!this.has(each.stream)) continue;
      const ring = new TransferRing(this.#endpoint, each.dequeue, each.cycle, each.stream);
      ring.restore(each);
      this.#rings[each.stream] = ring;
    }
  }

  advance(): void {
    for (const ring of this.#rings) ring?.advance();
  }

  cancel(): void {
    for (const ring of this.#rings) ring?.cancel();
    // Without a ring nobody has said that nothing is on its way.
    if (this.#rings.length === 0) this.#endpoint.settled();
  }

  takeBack(): void {
    for (const ring of this.#rings) ring?.takeBack();
  }

  /** The guest is told where each stream's ring stands. */
  writeBack(): void {
    this.#rings.forEach((ring, stream) => {
      if (ring) this.#write(stream, ring.dequeue, ring.cycle);
    });
  }

  #write(stream: number, dequeue: number, cycle: number): void {
    const { memory } = this.#endpoint.host;
    const at = this.#contextOf(stream);
    memory.write32(at, (dequeue | (SCT_PRIMARY_RING << STREAM_CONTEXT_SCT_SHIFT) | cycle) >>> 0);
    memory.write32(at + 4, 0);
  }

  #contextOf(stream: number): number {
    return this.#address + stream * STREAM_CONTEXT_SIZE;
  }
}
