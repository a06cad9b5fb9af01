/** A front in a worker: submits URBs of random lengths, cancels some, checks every answer. */
import { parentPort, workerData } from "node:worker_threads";
import { Link, type LinkClient, type Urb, type UrbOwner } from "../../app/link.ts";
import { Core } from "../../asm/core.ts";
import {
  COMPLETION_RING,
  EVENT_PLUG_MASK,
  OPERATION_TRANSFER,
  RING_PRODUCER,
  STATUS_CANCELLED,
  STATUS_NO_DEVICE,
  STATUS_OK,
  TYPE_BULK,
} from "../../asm/layout.ts";
import { Bytes, type FrontReport, Random, randomLength, type TrafficOptions } from "./traffic.ts";

const ENDPOINTS = 8;
const IDLE_POLLS = 2000;

/** A URB on its way: its number, the payload's place in the bytes, and the endpoint. */
interface Flight {
  readonly urb: Urb;
  readonly tag: number;
  readonly offset: number;
  readonly endpoint: number;
}

class Traffic implements LinkClient, UrbOwner {
  readonly #options: TrafficOptions;
  readonly #link: Link;
  readonly #random: Random;
  readonly #bytes: Bytes;
  readonly #landing = new Uint8Array(4 << 20);
  /** Numbers of URBs in flight, per endpoint, in the order they were submitted. */
  readonly #queues: number[][] = Array.from({ length: ENDPOINTS }, () => []);
  /** By slot. */
  readonly #flying = new Map<number, Flight>();
  readonly #plugs = new Map<number, number>();
  readonly #complaints: string[] = [];
  #submitted = 0;
  #answered = 0;
  #cancelled = 0;
  #transferred = 0;
  #events = 0;
  #violation = 0;

  constructor(options: TrafficOptions, core: Core) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#bytes = new Bytes(options.seed);
    this.#link = new Link(core, 1, options.counter);
    this.#link.connect(this);
  }

  get answered(): number {
    return this.#answered;
  }

  get events(): number {
    return this.#events;
  }

  get done(): boolean {
    return this.#answered === this.#options.urbs || this.#violation !== 0;
  }

  get report(): FrontReport {
    if (this.#flying.size > 0) this.#complain(`${this.#flying.size} URBs unanswered`);
    return {
      answered: this.#answered,
      cancelled: this.#cancelled,
      bytes: this.#transferred,
      events: this.#events,
      violation: this.#violation,
      complaints: this.#complaints,
    };
  }

  start(): Promise<void> {
    this.fill();
    return this.#link.run();
  }

  /** As a thread that looks at the ring all the time, and blocks when nothing comes. */
  pollUntilDone(): void {
    const { exports, memory } = this.#link.core;
    const words = new Int32Array(memory.buffer);
    this.fill();
    let before = this.#answered;
    for (let idle = 0; !this.done; ) {
      this.#link.poll();
      if (this.#answered !== before) idle = 0;
      else if (++idle > IDLE_POLLS) {
        Atomics.wait(words, (COMPLETION_RING + RING_PRODUCER) >> 2, exports.frontArm(), 1000);
      }
      before = this.#answered;
    }
  }

  poll(): void {
    this.#link.poll();
  }

  close(): void {
    this.#link.close();
  }

  fill(): void {
    while (this.#flying.size < this.#options.depth && this.#submitted < this.#options.urbs && this.#submit());
    if (this.#random.oneIn(8)) this.#cancelOne();
    this.#link.flush();
  }

  urbCompleted(urb: Urb): void {
    const flight = this.#flying.get(urb.slot);
    if (flight?.urb !== urb) {
      this.#complain(`slot ${urb.slot} answered twice`);
      return;
    }
    this.#flying.delete(urb.slot);
    this.#answered++;
    const queue = this.#queues[flight.endpoint % ENDPOINTS] as number[];
    const place = queue.indexOf(flight.tag);
    queue.splice(place, 1);
    if (urb.status === STATUS_OK) {
      if (place !== 0) this.#suspect(`URB ${flight.tag} overtook ${place} others of its endpoint`);
      this.#check(flight);
    } else if (urb.status === STATUS_CANCELLED) this.#cancelled++;
    else if (urb.status !== STATUS_NO_DEVICE) this.#suspect(`URB ${flight.tag} ended with status ${urb.status}`);
    this.#link.release(urb);
  }

  settled(): void {
    if (this.#violation === 0) this.fill();
    if (this.done) finished();
  }

  portEvent(port: number, plug: number): void {
    this.#events++;
    const expected = ((this.#plugs.get(port) ?? 0) + 1) & EVENT_PLUG_MASK;
    if (plug !== expected) this.#suspect(`port ${port}: plug ${plug} came instead of ${expected}`);
    this.#plugs.set(port, plug);
  }

  violated(reason: number): void {
    this.#violation = reason;
  }

  #submit(): boolean {
    const random = this.#random;
    const length = randomLength(random, this.#options.lengths);
    const urb = this.#link.reserve(length);
    if (!urb) return false;
    const { core } = this.#link;
    const endpoint = random.below(ENDPOINTS) + 1;
    const isIn = (endpoint & 1) === 0;
    const offset = random.next();
    const tag = ++this.#submitted;
    if (!isIn) core.write(urb.slot, 0, this.#bytes.part(offset, length));
    core.exports.address(urb.slot, endpoint, 1, isIn ? endpoint | 0x80 : endpoint);
    core.exports.describe(urb.slot, OPERATION_TRANSFER, TYPE_BULK, 0);
    core.exports.schedule(urb.slot, tag, offset, 0);
    this.#flying.set(urb.slot, { urb, offset, endpoint, tag });
    this.#queues[endpoint % ENDPOINTS]?.push(tag);
    this.#link.submit(urb, this);
    return true;
  }

  #cancelOne(): void {
    const flying = [...this.#flying.values()];
    const one = flying[this.#random.below(flying.length || 1)];
    if (one) this.#link.cancel(one.urb);
  }

  #check({ urb, offset, endpoint, tag }: Flight): void {
    this.#transferred += urb.actual;
    if (endpoint & 1) {
      if (urb.actual !== urb.length) this.#suspect(`URB ${tag} sent ${urb.actual} of ${urb.length} bytes`);
      return;
    }
    const bytes = this.#landing.subarray(0, urb.actual);
    this.#link.core.read(urb.slot, 0, bytes);
    if (!this.#bytes.equal(offset, bytes)) this.#suspect(`URB ${tag} of ${urb.actual} bytes brought others`);
  }

  /** What an honest back must not do, and one that writes garbage may. */
  #suspect(sentence: string): void {
    if (this.#options.garbage === 0) this.#complain(sentence);
  }

  #complain(sentence: string): void {
    if (this.#complaints.length < 20) this.#complaints.push(sentence);
  }
}

const options = workerData as TrafficOptions;
const traffic = new Traffic(options, await Core.instantiate(options.module, options.memory));
let told = false;

function finished(): void {
  if (!told) parentPort?.postMessage("done");
  told = true;
}

parentPort?.on("message", async (message: "start" | "progress" | "close" | { events: number }) => {
  if (message === "start") {
    if (options.waiting === "poll") {
      traffic.pollUntilDone();
      finished();
    } else loop = traffic.start();
  } else if (message === "progress") {
    parentPort?.postMessage(traffic.answered);
  } else if (message === "close") {
    traffic.close();
    await loop;
    parentPort?.postMessage(traffic.report);
  } else {
    while (traffic.events < message.events) traffic.poll();
    parentPort?.postMessage(traffic.report);
  }
});
let loop: Promise<void> | undefined;
parentPort?.postMessage("ready");
