/** Makes the queue of an endpoint of a WebUSB device. */
import { TYPE_INTERRUPT, TYPE_ISOCHRONOUS } from "../asm/layout.ts";
import type { EndpointQueue } from "./endpoint-queue.ts";
import type { EndpointDevice } from "./flight.ts";
import { InQueue } from "./in-queue.ts";
import { IsochQueue } from "./isoch-queue.ts";
import { OutQueue } from "./out-queue.ts";
import type { EndpointInfo } from "./raw-descriptors.ts";

/**
 * Flights at once. Each is a trip to another process and back. Chromium 156 over test/usbfs, a device that always has data,
 * medians of 7 rounds on a busy machine of two cores, in MB/s by depth:
 *
 *   bytes      1     2     4     8    16    32
 *     512    0.7   1.0   1.5   3.7   2.7   4.1
 *    4096    9.0    20    27    39    44    39
 *   16384     19    43    54    46    52    68
 *   65536     94   173   184   187   200   170
 *
 * An interrupt endpoint brings a packet per interval, and two or three keep the host asking at every one.
 */
export const BULK_DEPTH = 16;
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
