/** Makes the queue of an endpoint of a WebUSB device. */
import { TYPE_INTERRUPT, TYPE_ISOCHRONOUS } from "../asm/layout.ts";
import type { EndpointQueue } from "./endpoint-queue.ts";
import type { EndpointDevice } from "./flight.ts";
import { InQueue } from "./in-queue.ts";
import { IsochQueue } from "./isoch-queue.ts";
import { OutQueue } from "./out-queue.ts";
import type { EndpointInfo } from "./raw-descriptors.ts";

/**
 * Flights at once. Chromium's throughput grows up to about 8 (each is a trip to another process); an interrupt endpoint
 * brings a packet per interval, and two or three keep the host asking at every one.
 */
export const BULK_DEPTH = 8;
export const INTERRUPT_DEPTH = 3;

export function createEndpointQueue(device: EndpointDevice, endpoint: EndpointInfo): EndpointQueue {
  const depth = endpoint.type === TYPE_INTERRUPT ? INTERRUPT_DEPTH : BULK_DEPTH;
  const packetSize = Math.max(1, endpoint.packetSize);
  const number = endpoint.address & 0x0f;
  if (endpoint.type === TYPE_ISOCHRONOUS) return new IsochQueue(device, number, (endpoint.address & 0x80) !== 0);
  return endpoint.address & 0x80
    ? new InQueue(device, number, packetSize, depth)
    : new OutQueue(device, number, packetSize, depth);
}
