/**
 * The queue of a bulk or interrupt IN endpoint.
 *
 * A flight asks for whole packets, so that a device that sends more than the guest asked for is never a babble. What it
 * brings is a stretch of the endpoint's stream, and stretches are dealt out to the guest's transfers in order, byte by
 * byte, none lost:
 *
 *   - A stretch shorter than its flight ended with a short packet. The transfer that takes its last byte ends there, as on
 *     the bus (USB 2.0 §5.8.3); a zero-length packet ends a transfer with what it has so far.
 *   - A transfer that is full ends, and what is left of the stretch goes to the next: the surplus. On the bus it would
 *     have been a babble; here the boundary between two packets may come to lie inside a transfer, but only after that.
 *   - A transfer that is not full after a stretch of whole packets goes on with the next stretch. That happens only when a
 *     flight was made for a shorter transfer which the guest gave up, or to a surplus.
 *   - A flight that the browser cancels, as macOS does when another endpoint of the interface has a halt cleared, is begun
 *     again in its place: the browser cancels all of an endpoint's, in order.
 *   - An orphan's stretch goes to the next transfers like any other. An orphan that failed says nothing to them: the guest
 *     has given up on it, and a halted endpoint will tell the next flight again.
 *
 * After a failure the transfers behind it are answered STATUS_CANCELLED with nothing, because on the bus they would not
 * have run; their flights are orphans.
 */
import { STATUS_CANCELLED, STATUS_OK, STATUS_STALL } from "../asm/layout.ts";
import type { EndpointQueue } from "./endpoint-queue.ts";
import { type EndpointDevice, Flight, hasRoom, NOTHING } from "./flight.ts";
import type { Request } from "./request.ts";
import { RESULT_STATUS } from "./transfer-status.ts";

/** A part of the endpoint's stream that waits for a transfer. */
interface Stretch {
  data: Uint8Array;
  /** Ended by a short packet. */
  readonly short: boolean;
}

export class InQueue implements EndpointQueue {
  readonly #device: EndpointDevice;
  readonly #number: number;
  readonly #packetSize: number;
  readonly #depth: number;
  #halted = false;
  #requests: Request[] = [];
  /** Bytes that the first of the requests has. */
  #filled = 0;
  #flights: Flight[] = [];
  /** Not empty only while no request waits. */
  #surplus: Stretch[] = [];

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
    this.#requests.push(request);
    this.#deal();
    this.#launch();
  }

  cancel(request: Request): void {
    const index = this.#requests.indexOf(request);
    if (index < 0) return;
    const [first, end] = this.#flightsOf(index);
    for (const flight of this.#flights.slice(first, end)) flight.abandon();
    this.#requests.splice(index, 1);
    request.complete(STATUS_CANCELLED, index === 0 ? this.#takeFilled() : 0);
    this.#launch();
  }

  cancelAll(): void {
    for (const flight of this.#flights) flight.abandon();
    const requests = this.#requests;
    const filled = this.#takeFilled();
    this.#requests = [];
    requests.forEach((request, index) => {
      request.complete(STATUS_CANCELLED, index === 0 ? filled : 0);
    });
  }

  forget(): void {
    this.#halted = false;
    this.#surplus = [];
    this.#flights = this.#flights.filter((flight) => !(flight.orphan && flight.settled));
  }

  discard(): void {
    this.cancelAll();
    this.#surplus = [];
    this.#flights = [];
  }

  /**
   * The flights that request `index` waits for, from and to which, if none ends short: as many as it takes to fill it,
   * after those of the requests before it. There may be fewer than it needs.
   */
  #flightsOf(index: number): [first: number, end: number] {
    let first = 0;
    let end = 0;
    for (let at = 0; at <= index; at++) {
      first = end;
      let missing = this.#missing(at);
      do missing -= this.#flights[end++]?.length ?? missing;
      while (missing > 0);
    }
    return [first, Math.min(end, this.#flights.length)];
  }

  #missing(index: number): number {
    return (this.#requests[index]?.length ?? 0) - (index === 0 ? this.#filled : 0);
  }

  /** Starts the flights that the requests still need, as far as the depth allows. */
  #launch(): void {
    let next = 0;
    for (let index = 0; index < this.#requests.length; index++) {
      let missing = this.#missing(index);
      do {
        const flight = this.#flights[next++] ?? this.#start(missing);
        if (!flight) return;
        missing -= flight.length;
      } while (missing > 0);
    }
  }

  #start(missing: number): Flight | undefined {
    const length = Math.max(1, Math.ceil(missing / this.#packetSize)) * this.#packetSize;
    if (!hasRoom(this.#flights, this.#depth, length, this.#device.flights)) return undefined;
    const flight = new Flight(length, this.#device.flights);
    this.#flights.push(flight);
    this.#fly(flight);
    return flight;
  }

  #fly(flight: Flight): void {
    this.#device.transferIn(this.#number, flight.length).then(
      ({ status, data }) => {
        const bytes = data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : NOTHING;
        this.#settled(flight, RESULT_STATUS[status], bytes);
      },
      (error: unknown) => void this.#failed(flight, error),
    );
  }

  async #failed(flight: Flight, error: unknown): Promise<void> {
    if (flight.mayRestart(error)) this.#fly(flight);
    else this.#settled(flight, await flight.statusOf(error, this.#device, 0x80 | this.#number), NOTHING);
  }

  #settled(flight: Flight, status: number, data: Uint8Array): void {
    flight.settle(status, data);
    if (status === STATUS_STALL) this.#halted = true;
    if (this.#flights[0] !== flight) return; // not its turn yet, or discarded
    while (this.#flights[0]?.settled) this.#land(this.#flights.shift() as Flight);
    this.#launch();
  }

  #land({ status, data, length, orphan }: Flight): void {
    const request = this.#requests[0];
    if (status !== STATUS_OK && !orphan && request) {
      this.#filled += request.write(data, this.#filled);
      this.#finish(request, status);
      this.cancelAll();
    } else if (status === STATUS_OK || data.length > 0) {
      this.#surplus.push({ data, short: data.length < length });
      this.#deal();
    }
  }

  /** Deals what has arrived out to the requests. */
  #deal(): void {
    for (;;) {
      const request = this.#requests[0];
      const stretch = this.#surplus[0];
      if (!request || !stretch) return;
      const count = request.write(stretch.data, this.#filled);
      this.#filled += count;
      const isUsedUp = count === stretch.data.length;
      if (isUsedUp) this.#surplus.shift();
      else stretch.data = stretch.data.subarray(count);
      if ((isUsedUp && stretch.short) || this.#filled === request.length) this.#finish(request, STATUS_OK);
    }
  }

  #finish(request: Request, status: number): void {
    this.#requests.shift();
    request.complete(status, this.#takeFilled());
  }

  #takeFilled(): number {
    const filled = this.#filled;
    this.#filled = 0;
    return filled;
  }
}
