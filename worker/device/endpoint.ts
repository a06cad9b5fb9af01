/**
 * One endpoint of a software device: the transfers the host has queued on it, first come first served, and its halt.
 *
 *   ready ── stall(), halt() ──▶ halted      a halt outlives everything but CLEAR_FEATURE(ENDPOINT_HALT) and resets
 *     ▲                            │         (USB 2.0 §5.7.5, §5.8.5, §9.4.5)
 *     └────────── clear() ─────────┘
 */
import { STATUS_CANCELLED, STATUS_STALL, TYPE_ISOCHRONOUS } from "../../asm/layout.ts";
import type { Request } from "../request.ts";
import type { EndpointDescriptor } from "./descriptor.ts";

export class Endpoint {
  /** bEndpointAddress. */
  readonly address: number;
  readonly maxPacketSize: number;
  /** Then it has no halt (USB 2.0 §5.6.5). */
  readonly isochronous: boolean;
  readonly #queue: Request[] = [];
  #halted = false;

  constructor(descriptor: EndpointDescriptor) {
    this.address = descriptor.address;
    this.maxPacketSize = descriptor.maxPacketSize & 0x7ff;
    this.isochronous = (descriptor.attributes & 0x03) === TYPE_ISOCHRONOUS;
  }

  get halted(): boolean {
    return this.#halted;
  }

  /** The transfer to answer next. */
  get head(): Request | undefined {
    return this.#queue[0];
  }

  /** Takes a transfer; a halted endpoint answers it at once. */
  queue(request: Request): void {
    if (this.#halted) request.complete(STATUS_STALL, 0);
    else this.#queue.push(request);
  }

  /** Answers the head, and the next one becomes the head. */
  complete(status: number, actual: number): void {
    this.#queue.shift()?.complete(status, actual);
  }

  /** Answers the head with a STALL, after `actual` bytes of it, and halts. */
  stall(actual = 0): void {
    this.complete(STATUS_STALL, actual);
    this.#halted = true;
    this.cancelAll(); // no host controller runs what lies behind a stalled transfer
  }

  /** Halts. A transfer that waits sees it, and so do later ones. */
  halt(): void {
    if (this.head) this.stall();
    else this.#halted = true;
  }

  /** CLEAR_FEATURE(ENDPOINT_HALT), or a configuration or reset. */
  clear(): void {
    this.#halted = false;
  }

  /** Gives one transfer up. False when it is not here. */
  cancel(request: Request): boolean {
    const index = this.#queue.indexOf(request);
    if (index < 0) return false;
    this.#queue.splice(index, 1);
    request.complete(STATUS_CANCELLED, 0);
    return true;
  }

  cancelAll(): void {
    while (this.#queue.length > 0) this.complete(STATUS_CANCELLED, 0);
  }
}
