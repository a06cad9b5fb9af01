/** One transferIn() or transferOut() of WebUSB, from its start until its turn to be dealt with comes. */
import { STATUS_OK, STATUS_TRANSACTION_ERROR } from "../asm/layout.ts";
import { isAborted } from "./transfer-status.ts";
import type { UsbManners } from "./usb-manners.ts";

/**
 * Bytes in flight at once: of one endpoint, and of all there are. Linux gives all users of usbfs 16 MiB together
 * (usbfs_memory_mb), and what is beyond that fails. An endpoint's first transfer always goes.
 */
export const FLIGHT_BYTES_MAX = 4 * 1024 * 1024;
export const TOTAL_BYTES_MAX = 12 * 1024 * 1024;

/** How often a transfer that the browser cancels on its own is begun again. */
const RESTARTS_MAX = 3;

/** What is in flight: of all devices, or of one of them. */
export class FlightCount {
  #all: FlightCount | undefined;
  #bytes = 0;
  #orphans = 0;

  /** `all` counts it, too. */
  constructor(all?: FlightCount) {
    this.#all = all;
  }

  /** Transfers given up by the guest whose promises are open. */
  get orphans(): number {
    return this.#orphans;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The count of all devices. */
  get all(): FlightCount {
    return this.#all ?? this;
  }

  add(bytes: number, orphans: number): void {
    this.#bytes += bytes;
    this.#orphans += orphans;
    this.#all?.add(bytes, orphans);
  }

  /** The device is no more. What has not come back, if the browser never closes it, takes no room from others. */
  leave(): void {
    this.#all?.add(-this.#bytes, -this.#orphans);
    this.#all = undefined;
  }
}

/** What a queue needs of its device. */
export interface EndpointDevice {
  transferIn(endpointNumber: number, length: number): Promise<USBInTransferResult>;
  transferOut(endpointNumber: number, data: BufferSource): Promise<USBOutTransferResult>;
  isochronousTransferIn(endpointNumber: number, packetLengths: number[]): Promise<USBIsochronousInTransferResult>;
  isochronousTransferOut(
    endpointNumber: number,
    data: BufferSource,
    packetLengths: number[],
  ): Promise<USBIsochronousOutTransferResult>;
  /** The STATUS_… of a rejected transfer of the endpoint with this bEndpointAddress. Never rejects. */
  statusOf(error: unknown, endpoint: number): Promise<number>;
  readonly manners: UsbManners;
  readonly flights: FlightCount;
}

/** One WebUSB transfer on its way. */
export class Flight {
  readonly length: number;
  readonly #count: FlightCount;
  /** Given up by the guest. */
  orphan = false;
  /** Its promise is settled, with this outcome. */
  settled = false;
  status: number = STATUS_OK;
  data: Uint8Array = NOTHING;
  #restarts = 0;

  constructor(length: number, count: FlightCount) {
    this.length = length;
    this.#count = count;
    count.add(length, 0);
  }

  abandon(): void {
    if (this.orphan) return;
    this.orphan = true;
    if (!this.settled) this.#count.add(0, 1);
  }

  /** May it be begun again, after the browser has cancelled it? */
  mayRestart(error: unknown): boolean {
    return isAborted(error) && !this.orphan && this.#restarts++ < RESTARTS_MAX;
  }

  /** What a failure of one that was given up means is nobody's question. */
  async statusOf(error: unknown, device: EndpointDevice, endpoint: number): Promise<number> {
    return this.orphan ? STATUS_TRANSACTION_ERROR : device.statusOf(error, endpoint);
  }

  settle(status: number, data: Uint8Array): void {
    this.settled = true;
    this.status = status;
    this.data = data;
    this.#count.add(-this.length, this.orphan ? -1 : 0);
  }
}

export const NOTHING = new Uint8Array(0);

/** May another flight of `length` bytes start beside these? */
export function hasRoom(flights: readonly Flight[], depth: number, length: number, count: FlightCount): boolean {
  if (flights.length === 0) return true;
  if (flights.length >= depth || count.all.bytes + length > TOTAL_BYTES_MAX) return false;
  return flights.reduce((sum, flight) => sum + flight.length, length) <= FLIGHT_BYTES_MAX;
}
