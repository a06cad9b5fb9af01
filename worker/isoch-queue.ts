/**
 * The queue of an isochronous endpoint of a WebUSB device. Each request is one packet of the bus. WebUSB takes several in a
 * transfer, knows no frame numbers, and starts each transfer where the last one ended as long as there is one in flight; so
 * packets go in batches, and there are always some batches ahead.
 *
 *   waiting: request request request …        a batch makes a flight
 *   flights: [request × n] [request × n] …    each settles as a whole, in order
 *
 * A transfer in which one packet fails is rejected with all its packets (Chromium on Linux): batches are small. What a packet
 * brings for a request that was given up is lost, as isochronous data may be.
 */
import { STATUS_CANCELLED, STATUS_OK, STATUS_TRANSACTION_ERROR } from "../asm/layout.ts";
import type { EndpointQueue } from "./endpoint-queue.ts";
import { type EndpointDevice, NOTHING } from "./flight.ts";
import type { Request } from "./request.ts";
import { nameOf, RESULT_STATUS } from "./transfer-status.ts";

/** µs of the bus in a batch, and batches in flight. A trip to the browser's process and back takes about a millisecond. */
const BATCH_US = 2000;
const FLIGHTS_MAX = 8;
/** With fewer in flight than this, the bus might run dry: a part of a batch is sent, too. */
const FLIGHTS_MIN = 2;
/** When so many have failed and none has worked, the browser is not asked again: until the next alternate, or a reset. */
const FAILURES_MAX = FLIGHTS_MAX;

/** What became of one packet. */
interface Packet {
  readonly status: number;
  readonly data: Uint8Array;
  /** Of an OUT. */
  readonly written: number;
}

interface Batch {
  /** Undefined for one that was given up. */
  readonly owners: (Request | undefined)[];
  orphan: boolean;
  /** Once it is settled: what became of packet `index`. It is dealt with when those before it are. */
  outcome: ((index: number) => Packet | undefined) | undefined;
}

export class IsochQueue implements EndpointQueue {
  /** An isochronous endpoint does not halt. */
  readonly halted = false;
  readonly #device: EndpointDevice;
  readonly #number: number;
  readonly #isIn: boolean;
  #waiting: Request[] = [];
  #flights: Batch[] = [];
  #launching = false;
  /** A transfer has succeeded; how many were rejected before one did. */
  #works = false;
  #failures = 0;

  constructor(device: EndpointDevice, number: number, isIn: boolean) {
    this.#device = device;
    this.#number = number;
    this.#isIn = isIn;
  }

  submit(request: Request): void {
    this.#waiting.push(request);
    if (this.#launching) return;
    // Those that come in one burst go together.
    this.#launching = true;
    queueMicrotask(() => {
      this.#launching = false;
      this.#launch();
    });
  }

  cancel(request: Request): void {
    const index = this.#waiting.indexOf(request);
    if (index >= 0) this.#waiting.splice(index, 1);
    for (const batch of this.#flights) {
      const owner = batch.owners.indexOf(request);
      if (owner < 0) continue;
      batch.owners[owner] = undefined;
      this.#abandonIfEmpty(batch);
    }
    request.complete(STATUS_CANCELLED, 0);
  }

  cancelAll(): void {
    const requests = [...this.#flights.flatMap(({ owners }) => owners), ...this.#waiting];
    this.#waiting = [];
    for (const batch of this.#flights) {
      batch.owners.fill(undefined);
      this.#abandonIfEmpty(batch);
    }
    for (const request of requests) request?.complete(STATUS_CANCELLED, 0);
  }

  forget(): void {}

  discard(): void {
    this.cancelAll();
    this.#flights = [];
  }

  #abandonIfEmpty(batch: Batch): void {
    if (batch.orphan || batch.outcome || batch.owners.some((owner) => owner !== undefined)) return;
    batch.orphan = true;
    this.#device.flights.add(0, 1);
  }

  #launch(): void {
    if (this.#failures >= FAILURES_MAX || this.#device.manners.isochronousKills) {
      for (const request of this.#waiting.splice(0)) request.complete(STATUS_TRANSACTION_ERROR, 0);
    }
    for (;;) {
      const [first] = this.#waiting;
      if (!first || this.#flights.length >= FLIGHTS_MAX) return;
      const packets = Math.max(1, Math.floor(BATCH_US / Math.max(1, first.interval)));
      if (this.#waiting.length < packets && this.#flights.length >= FLIGHTS_MIN) return;
      this.#start(this.#waiting.splice(0, packets));
    }
  }

  #start(requests: readonly Request[]): void {
    const batch: Batch = { owners: [...requests], orphan: false, outcome: undefined };
    this.#flights.push(batch);
    const lengths = requests.map(({ length }) => length);
    (this.#isIn ? this.#receive(lengths) : this.#send(requests, lengths)).then(
      (packets) => {
        this.#works = true;
        this.#device.manners.worked("hasIsochronous");
        this.#settled(batch, (index) => packets[index]);
      },
      (error: unknown) => void this.#rejected(batch, error),
    );
  }

  /** A driver takes failed packets as they come: no time is spent on what a NetworkError means. */
  async #rejected(batch: Batch, error: unknown): Promise<void> {
    const isNetworkError = nameOf(error) === "NetworkError";
    const status = isNetworkError ? STATUS_TRANSACTION_ERROR : await this.#device.statusOf(error, 0);
    if (isNetworkError && !this.#works && ++this.#failures >= FAILURES_MAX)
      this.#device.manners.failed("hasIsochronous");
    this.#settled(batch, () => ({ status, data: NOTHING, written: 0 }));
  }

  async #receive(lengths: number[]): Promise<Packet[]> {
    const { packets } = await this.#device.isochronousTransferIn(this.#number, lengths);
    return packets.map(({ status, data }) => ({
      status: status ? RESULT_STATUS[status] : STATUS_OK,
      data: data ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : NOTHING,
      written: 0,
    }));
  }

  async #send(requests: readonly Request[], lengths: number[]): Promise<Packet[]> {
    // WebUSB takes no view of shared memory.
    const data = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const request of requests) at += request.read(data.subarray(at, at + request.length));
    const { packets } = await this.#device.isochronousTransferOut(this.#number, data, lengths);
    return packets.map(({ status, bytesWritten }) => ({
      status: status ? RESULT_STATUS[status] : STATUS_OK,
      data: NOTHING,
      written: bytesWritten ?? 0,
    }));
  }

  #settled(batch: Batch, packetAt: (index: number) => Packet | undefined): void {
    batch.outcome = packetAt;
    if (batch.orphan) this.#device.flights.add(0, -1);
    while (this.#flights[0]?.outcome) this.#land(this.#flights.shift() as Batch);
    this.#launch();
  }

  #land({ owners, outcome }: Batch): void {
    owners.forEach((request, index) => {
      if (!request) return;
      const packet = outcome?.(index);
      const moved = !packet ? 0 : this.#isIn ? request.write(packet.data) : packet.written;
      request.complete(packet?.status ?? STATUS_OK, moved);
    });
  }
}
