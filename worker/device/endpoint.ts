/**
 * One endpoint of a software device: the transfers the host has queued on it, first come first served, and its halt. An
 * endpoint with streams has a queue for each, and they share the halt (USB 3.2 §8.12.1.4, xHCI 1.2 §4.12).
 *
 *   ready ── stall(), halt() ──▶ halted      a halt outlives everything but CLEAR_FEATURE(ENDPOINT_HALT) and resets
 *     ▲                            │         (USB 2.0 §5.7.5, §5.8.5, §9.4.5)
 *     └────────── clear() ─────────┘
 */
import { STATUS_CANCELLED, STATUS_STALL, TYPE_BULK, TYPE_ISOCHRONOUS } from "../../asm/layout.ts";
import type { Request } from "../request.ts";
import type { Bus } from "./bus.ts";
import type { EndpointDescriptor } from "./descriptor.ts";

export class Endpoint {
  /** bEndpointAddress. */
  readonly address: number;
  readonly maxPacketSize: number;
  /** Then it has no halt (USB 2.0 §5.6.5). */
  readonly isochronous: boolean;
  /** Its streams are 1 to this; 0 when it has none, and then every transfer is of stream 0. */
  readonly streams: number;
  /** By stream. */
  readonly #queues: readonly Request[][];
  /** Only where transfers take their time. */
  readonly #bus: Bus | undefined;
  #halted = false;

  /** A transfer on a `bus` waits until that is free. */
  constructor(descriptor: EndpointDescriptor, bus?: Bus) {
    this.#bus = bus;
    this.address = descriptor.address;
    this.maxPacketSize = descriptor.maxPacketSize & 0x7ff;
    const type = descriptor.attributes & 0x03;
    this.isochronous = type === TYPE_ISOCHRONOUS;
    const exponent = type === TYPE_BULK ? (descriptor.companion?.attributes ?? 0) & 0x1f : 0; // USB 3.2 §9.6.7
    this.streams = exponent > 0 ? 2 ** exponent : 0;
    this.#queues = Array.from({ length: this.streams + 1 }, () => []);
  }

  get halted(): boolean {
    return this.#halted;
  }

  /** Can a transfer be of this stream? */
  has(stream: number): boolean {
    return this.streams === 0 ? stream === 0 : stream > 0 && stream <= this.streams;
  }

  /** The transfer to answer next, of an endpoint without streams. */
  get head(): Request | undefined {
    return this.headOf(0);
  }

  /** The transfer of a stream to answer next. */
  headOf(stream: number): Request | undefined {
    return this.#bus && !this.#bus.isFree ? undefined : this.#queues[stream]?.[0];
  }

  /** It is the first of its stream, whether its bus is free or not. */
  isFirst(request: Request): boolean {
    return this.#queues[request.stream]?.[0] === request;
  }

  /** Calls for each stream that has something to answer now. */
  offer(ready: (stream: number) => void): void {
    for (let stream = 0; stream < this.#queues.length; stream++) if (this.headOf(stream)) ready(stream);
  }

  /** Takes a transfer of a stream that it has; a halted endpoint answers it at once. */
  queue(request: Request): void {
    if (this.#halted) request.complete(STATUS_STALL, 0);
    else this.#queues[request.stream]?.push(request);
  }

  /** Answers the head, and the next one becomes the head. */
  complete(status: number, actual: number, stream = 0): void {
    this.#bus?.carry(actual);
    this.#queues[stream]?.shift()?.complete(status, actual);
  }

  /** Answers the head with a STALL, after `actual` bytes of it, and halts. */
  stall(actual = 0, stream = 0): void {
    this.complete(STATUS_STALL, actual, stream);
    this.#halted = true;
    this.cancelAll(); // no host controller runs what lies behind a stalled transfer, nor another stream
  }

  /** Halts. A transfer that waits sees it, and so do later ones. True when one waited. */
  halt(): boolean {
    const stream = this.#queues.findIndex((queue) => queue.length > 0);
    if (stream >= 0) this.stall(0, stream);
    else this.#halted = true;
    return stream >= 0;
  }

  /** CLEAR_FEATURE(ENDPOINT_HALT), or a configuration or reset. */
  clear(): void {
    this.#halted = false;
  }

  /** Gives one transfer up. False when it is not here. */
  cancel(request: Request): boolean {
    const queue = this.#queues[request.stream];
    const index = queue?.indexOf(request) ?? -1;
    if (index < 0) return false;
    queue?.splice(index, 1);
    request.complete(STATUS_CANCELLED, 0);
    return true;
  }

  cancelAll(): void {
    for (const queue of this.#queues) {
      while (queue.length > 0) queue.shift()?.complete(STATUS_CANCELLED, 0);
    }
  }
}
