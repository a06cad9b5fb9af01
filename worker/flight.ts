/** One transferIn() or transferOut() of WebUSB, from its start until its turn to be dealt with comes. */
import { STATUS_OK } from "../asm/layout.ts";

/** Bytes in flight at once, unless a single transfer is longer: Linux gives all of usbfs 16 MiB (usbfs_memory_mb). */
export const FLIGHT_BYTES_MAX = 4 * 1024 * 1024;

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
  /** The STATUS_… of a rejection. */
  rejected(error: unknown): number;
  /** Counts orphans whose promises are open, over all devices. */
  readonly orphans: { open: number };
}

/** One WebUSB transfer on its way. */
export class Flight {
  readonly length: number;
  readonly #orphans: { open: number };
  /** Given up by the guest. */
  orphan = false;
  /** Its promise is settled, with this outcome. */
  settled = false;
  status: number = STATUS_OK;
  data: Uint8Array = NOTHING;

  constructor(length: number, orphans: { open: number }) {
    this.length = length;
    this.#orphans = orphans;
  }

  abandon(): void {
    if (this.orphan) return;
    this.orphan = true;
    if (!this.settled) this.#orphans.open++;
  }

  settle(status: number, data: Uint8Array): void {
    this.settled = true;
    this.status = status;
    this.data = data;
    if (this.orphan) this.#orphans.open--;
  }
}

export const NOTHING = new Uint8Array(0);

/** May another flight of `length` bytes start beside these? */
export function hasRoom(flights: readonly Flight[], depth: number, length: number): boolean {
  if (flights.length === 0) return true;
  if (flights.length >= depth) return false;
  return flights.reduce((sum, flight) => sum + flight.length, length) <= FLIGHT_BYTES_MAX;
}
