/**
 * The queue of a bulk or interrupt OUT endpoint. Data leaves in the guest's order; a transfer that the guest gives up
 * before its turn is never sent, and one that is already in flight counts as sent.
 *
 * WebUSB reports as written whatever was asked for, even after a stall: a failed OUT is answered with 0 bytes. After a
 * failure the transfers behind it are answered STATUS_CANCELLED with nothing, because on the bus they would not have run.
 * One that the browser cancels on its own has failed: nobody knows how much of it the device has.
 */
import { FLAG_ZERO_PACKET, STATUS_CANCELLED, STATUS_OK, STATUS_STALL } from "../asm/layout.ts";
import type { EndpointQueue } from "./endpoint-queue.ts";
import { type EndpointDevice, Flight, hasRoom, NOTHING } from "./flight.ts";
import type { Request } from "./request.ts";
import { RESULT_STATUS } from "./transfer-status.ts";

/** Longer buffers are not kept for the next transfer. */
const KEPT_BYTES_MAX = 256 << 10;

export class OutQueue implements EndpointQueue {
  readonly #device: EndpointDevice;
  readonly #number: number;
  readonly #packetSize: number;
  readonly #depth: number;
  #halted = false;
  /** Not yet sent. */
  #waiting: Request[] = [];
  /** In flight, and whose each is: undefined for an orphan's. */
  #flights: Flight[] = [];
  #owners: (Request | undefined)[] = [];
  /** Buffers of transfers that are over, at most as many as fly at once: a fresh one is memory to be cleared and collected. */
  readonly #buffers: Uint8Array<ArrayBuffer>[] = [];

  constructor(device: EndpointDevice, number: number, packetSize: number, depth: number) {
    this.#device = device;
    this.#number = number;
    this.#packetSize = packetSize;
    this.#depth = depth;
  }

  get halted(): boolean {
    return this.#halted;
  }

  submit(request: Request): void {
    this.#waiting.push(request);
    this.#launch();
  }

  cancel(request: Request): void {
    const waiting = this.#waiting.indexOf(request);
    if (waiting >= 0) {
      this.#waiting.splice(waiting, 1);
      request.complete(STATUS_CANCELLED, 0);
      return;
    }
    // WebUSB cannot call it back, so the device will have it: whoever submits it again would send it twice.
    const index = this.#owners.indexOf(request);
    if (index >= 0) this.#abandon(index, request.length);
  }

  cancelAll(): void {
    for (let index = 0; index < this.#flights.length; index++) this.#abandon(index);
    for (const request of this.#waiting.splice(0)) request.complete(STATUS_CANCELLED, 0);
  }

  /** An OUT endpoint holds no data of the device. */
  forget(): void {
    this.#halted = false;
  }

  discard(): void {
    this.cancelAll();
    this.#flights = [];
    this.#owners = [];
  }

  #abandon(index: number, actual = 0): void {
    const request = this.#owners[index];
    this.#owners[index] = undefined;
    this.#flights[index]?.abandon();
    request?.complete(STATUS_CANCELLED, actual);
  }

  #launch(): void {
    for (;;) {
      const request = this.#waiting[0];
      if (!request || !hasRoom(this.#flights, this.#depth, request.length, this.#device.flights)) return;
      this.#waiting.shift();
      this.#start(request);
    }
  }

  #start(request: Request): void {
    // WebUSB takes no view of shared memory.
    const buffer = this.#buffer(request.length);
    const data = buffer.subarray(0, request.length);
    request.read(data);
    const flight = new Flight(data.length, this.#device.flights);
    this.#flights.push(flight);
    this.#owners.push(request);
    this.#send(data, (request.flags & FLAG_ZERO_PACKET) !== 0).then(
      (status) => {
        if (buffer.length <= KEPT_BYTES_MAX && this.#buffers.length < this.#depth) this.#buffers.push(buffer);
        this.#settled(flight, status);
      },
      async (error: unknown) => this.#settled(flight, await flight.statusOf(error, this.#device, this.#number)),
    );
  }

  #buffer(length: number): Uint8Array<ArrayBuffer> {
    const kept = this.#buffers.pop();
    return kept && kept.length >= length ? kept : new Uint8Array(length);
  }

  /** A zero-length packet is a transfer of its own, right behind (USB 2.0 §5.8.3). */
  async #send(data: BufferSource & { length: number }, zeroPacket: boolean): Promise<number> {
    const sent = this.#device.transferOut(this.#number, data);
    if (!zeroPacket || data.length === 0 || data.length % this.#packetSize !== 0) {
      return RESULT_STATUS[(await sent).status];
    }
    const [first, second] = await Promise.all([sent, this.#device.transferOut(this.#number, new Uint8Array(0))]);
    return RESULT_STATUS[first.status] || RESULT_STATUS[second.status];
  }

  #settled(flight: Flight, status: number): void {
    flight.settle(status, NOTHING);
    if (status === STATUS_STALL) this.#halted = true;
    if (this.#flights[0] !== flight) return; // not its turn yet, or discarded
    while (this.#flights[0]?.settled) this.#land();
    this.#launch();
  }

  #land(): void {
    const flight = this.#flights.shift();
    const request = this.#owners.shift();
    if (!flight || !request) return;
    request.complete(flight.status, flight.status === STATUS_OK ? request.length : 0);
    if (flight.status !== STATUS_OK) this.cancelAll();
  }
}
