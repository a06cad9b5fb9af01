/**
 * The queue of one endpoint of a WebUSB device: several transfers in flight, answers in order. in-queue.ts and out-queue.ts
 * are its two directions; a *flight* is one transferIn() or transferOut() whose promise is open or whose turn has not come.
 *
 * WebUSB cannot cancel a transfer. When the guest gives one up, it is answered at once, and its flight becomes an orphan:
 * it stays in its place of the line, and holds nothing of the guest's any more.
 */
import { TYPE_INTERRUPT } from "../asm/layout.ts";
import type { EndpointDevice } from "./flight.ts";
import { InQueue } from "./in-queue.ts";
import { OutQueue } from "./out-queue.ts";
import type { EndpointInfo } from "./raw-descriptors.ts";
import type { Request } from "./request.ts";

/**
 * Flights at once. Chromium's throughput grows up to about 8 (each is a trip to another process); an interrupt endpoint
 * brings a packet per interval, and two or three keep the host asking at every one.
 */
export const BULK_DEPTH = 8;
export const INTERRUPT_DEPTH = 3;

export interface EndpointQueue {
  /** A transfer has stalled since the last forget(). */
  readonly halted: boolean;
  submit(request: Request): void;
  /** Answers a transfer it holds with STATUS_CANCELLED. */
  cancel(request: Request): void;
  /** Answers all it holds with STATUS_CANCELLED. What is in flight stays in line. */
  cancelAll(): void;
  /** Forgets a halt, and data that arrived for transfers given up: after clearHalt(). What is in flight stays in line. */
  forget(): void;
  /** The end: the browser ends what is in flight (reset, another alternate or configuration, close). */
  discard(): void;
}

export function createEndpointQueue(device: EndpointDevice, endpoint: EndpointInfo): EndpointQueue {
  const depth = endpoint.type === TYPE_INTERRUPT ? INTERRUPT_DEPTH : BULK_DEPTH;
  const packetSize = Math.max(1, endpoint.packetSize);
  const number = endpoint.address & 0x0f;
  return endpoint.address & 0x80
    ? new InQueue(device, number, packetSize, depth)
    : new OutQueue(device, number, packetSize, depth);
}
