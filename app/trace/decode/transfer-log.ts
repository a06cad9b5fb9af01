/**
 * The last transfers that have ended, oldest first. It is told of every URB while the guest waits, so it keeps what is needed to
 * read them and no more; reading is describe()'s, of those that somebody looks at.
 */
import { SPEED_SUPER, STATUS_OK, TYPE_BULK, TYPE_CONTROL, TYPE_ISOCHRONOUS } from "../../../asm/layout.ts";
import type { ConfiguredDevice } from "../../../worker/protocol.ts";
import { portName } from "../lines.ts";
import type { UrbTrace } from "../urb-trace.ts";
import { readSetup } from "./describe.ts";
import type { Transfer } from "./description.ts";
import { KnownDevice } from "./known-device.ts";

/** A route string has four bits for each hub (USB 3.2 §8.9). */
const ROUTE_BITS = 4;
/** Transfers that are kept. */
export const TRANSFERS_MAX = 500;
/** Of a payload, as much is kept. */
export const PAYLOAD_MAX = 1024;
/** Isochronous packets of so many µs are one. */
const SUM_US = 1e6;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What is in a port, or was. */
interface Place {
  readonly port: string;
  readonly plug: number;
  readonly known: KnownDevice;
  /** By endpoint: the packets that more may be added to. */
  readonly sums: Map<number, Mutable<Transfer>>;
}

export class TransferLog {
  readonly #ring: (Mutable<Transfer> | undefined)[];
  readonly #submitted = new Map<number, UrbTrace>();
  readonly #places = new Map<number, Place>();
  /** Numbers of the oldest that is kept, and of the newest. */
  #first = 1;
  #last = 0;

  constructor(capacity = TRANSFERS_MAX) {
    this.#ring = new Array(capacity).fill(undefined);
  }

  /** The number of the oldest that is kept. */
  get first(): number {
    return this.#first;
  }

  /** The number of the newest. Less than `first` when there is none. */
  get last(): number {
    return this.#last;
  }

  /** Undefined for one that is not kept. */
  at(number: number): Transfer | undefined {
    return number >= this.#first && number <= this.#last ? this.#ring[number % this.#ring.length] : undefined;
  }

  /** Nothing is kept but what is known of devices. */
  clear(): void {
    this.#first = this.#last + 1;
    this.#ring.fill(undefined);
    for (const { sums } of this.#places.values()) sums.clear();
  }

  /** From now on nothing is heard: what is under way is not answered here. */
  stop(): void {
    this.#submitted.clear();
  }

  /** What is in a port of this path, when it was plugged before anybody listened. */
  learn(path: string, { alternates, descriptors, plug, speed }: ConfiguredDevice): void {
    const [port = 0, ...behind] = path.split(".").map(Number);
    const route = behind.reduceRight((rest, hop) => (rest << ROUTE_BITS) | hop, 0);
    this.#place({ port, route, plug, speed }).known.learn(descriptors, alternates);
  }

  hear(trace: UrbTrace): void {
    if (trace.phase === "submit") {
      this.#submitted.set(trace.id, trace);
      return;
    }
    const submitted = this.#submitted.get(trace.id);
    this.#submitted.delete(trace.id);
    const data = submitted && submitted.data.length > 0 ? submitted.data : trace.data;
    const place = this.#place(trace);
    if (trace.type === TYPE_ISOCHRONOUS && this.#sum(place, trace, data)) return;
    const transfer = this.#transfer(place, trace, data, submitted && trace.time - submitted.time);
    this.#last++;
    const at = this.#last % this.#ring.length;
    if (this.#ring[at]) this.#first++;
    this.#ring[at] = transfer;
    if (trace.type === TYPE_ISOCHRONOUS) place.sums.set(trace.endpoint, transfer);
  }

  #transfer(place: Place, trace: UrbTrace, data: Uint8Array, duration: number | undefined): Mutable<Transfer> {
    const { actual, address, endpoint, length, setup, speed, status, stream, time, type } = trace;
    const { known, port } = place;
    const request = type === TYPE_CONTROL && setup ? readSetup(setup) : undefined;
    const role = request ? known.roleOf(request) : known.role(endpoint);
    if (request && status === STATUS_OK) known.hear(request, data);
    const command = type === TYPE_BULK ? known.command(role, endpoint, stream, data) : undefined;
    const number = this.#last + 1;
    const errors = status === STATUS_OK ? 0 : 1;
    return {
      number,
      time,
      duration,
      port,
      address,
      speed,
      endpoint,
      type,
      stream,
      setup,
      length,
      actual,
      status,
      data,
      role,
      command,
      packets: 1,
      errors,
    };
  }

  /** Adds a packet to those before it. */
  #sum({ sums }: Place, trace: UrbTrace, data: Uint8Array): boolean {
    const sum = sums.get(trace.endpoint);
    if (!sum || sum.number < this.#first || trace.time - sum.time > SUM_US) return false;
    sum.packets++;
    sum.length += trace.length;
    sum.actual += trace.actual;
    sum.duration = trace.time - sum.time;
    sum.data = data;
    if (trace.status === STATUS_OK) return true;
    sum.errors++;
    sum.status = trace.status;
    return true;
  }

  #place({ plug, port, route, speed }: Pick<UrbTrace, "port" | "route" | "speed" | "plug">): Place {
    // The halves of a USB 3 hub are two devices in one port.
    const key = (route * 64 + port) * 2 + (speed === SPEED_SUPER ? 1 : 0);
    let place = this.#places.get(key);
    if (place?.plug !== plug) {
      place = { port: portName(port, route).slice("port ".length), plug, known: new KnownDevice(), sums: new Map() };
      this.#places.set(key, place);
    }
    return place;
  }
}
