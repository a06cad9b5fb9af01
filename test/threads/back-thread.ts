/** A back in a worker: checks what it is sent, answers in order, now or a little later, and changes its ports meanwhile. */
import { parentPort, workerData } from "node:worker_threads";
import { Core } from "../../asm/core.ts";
import {
  ARENA,
  EVENT_PLUG_MASK,
  RING_PRODUCER,
  SPEED_COUNT,
  STATUS_CANCELLED,
  STATUS_OK,
  STATUS_TRANSACTION_ERROR,
  SUBMISSION_RING,
} from "../../asm/layout.ts";
import { Link, type LinkClient } from "../../worker/link.ts";
import type { Request } from "../../worker/request.ts";
import { type BackReport, Bytes, Random, type TrafficOptions } from "./traffic.ts";

const ENDPOINTS = 8;
const IDLE_POLLS = 2000;

class Traffic implements LinkClient {
  readonly #options: TrafficOptions;
  readonly #core: Core;
  readonly #link: Link;
  readonly #random: Random;
  readonly #bytes: Bytes;
  readonly #landing = new Uint8Array(4 << 20);
  readonly #queues: Request[][] = Array.from({ length: ENDPOINTS }, () => []);
  readonly #plugs = new Uint32Array(32);
  readonly #complaints: string[] = [];
  readonly #words: Int32Array;
  #waiting = 0;
  #taken = 0;
  #events = 0;
  #garbageLeft: number;
  #answerQueued = false;
  #stopped = false;

  constructor(options: TrafficOptions, core: Core) {
    this.#options = options;
    this.#random = new Random(options.seed ^ 0x5a5a5a5a);
    this.#bytes = new Bytes(options.seed);
    this.#words = new Int32Array(options.memory.buffer);
    this.#garbageLeft = options.garbage;
    this.#core = core;
    this.#link = new Link(core, 1, this);
  }

  get report(): BackReport {
    return { taken: this.#taken, events: this.#events, complaints: this.#complaints };
  }

  run(): void {
    void this.#link.run();
  }

  stop(): void {
    this.#stopped = true;
    this.#link.pump();
    if (this.#options.garbage > 0) this.#scribble(this.#garbageLeft);
  }

  /** Some looks at the ring, then back to the event loop, so that a message can stop it. */
  pollAWhile(): void {
    let before = this.#taken;
    for (let look = 0, idle = 0; look < 20_000; look++) {
      this.#link.pump();
      this.#answer();
      if (this.#taken !== before || this.#waiting > 0) idle = 0;
      else if (++idle > IDLE_POLLS) {
        const at = (SUBMISSION_RING + RING_PRODUCER) >> 2;
        Atomics.wait(this.#words, at, this.#core.exports.backArm(), 20);
        break;
      }
      before = this.#taken;
    }
    if (!this.#stopped) setImmediate(() => this.pollAWhile());
  }

  submit(request: Request): void {
    this.#taken++;
    if (this.#random.oneIn(200)) this.#portEvent();
    if (this.#garbageLeft > 0 && this.#taken > 1000) this.#scribble(1 + this.#random.below(3));
    const queue = this.#queues[request.port % ENDPOINTS] as Request[];
    queue.push(request);
    this.#waiting++;
    if (queue.length === 1 && this.#random.oneIn(2)) this.#answerFirst(queue);
    if (this.#options.waiting === "sleep") this.#answerSoon();
  }

  cancel(request: Request): void {
    const queue = this.#queues[request.port % ENDPOINTS] as Request[];
    const place = queue.indexOf(request);
    if (place < 0) return;
    queue.splice(place, 1);
    this.#waiting--;
    request.complete(STATUS_CANCELLED, 0);
  }

  violated(reason: number): void {
    if (this.#options.garbage === 0) this.#complaints.push(`violation ${reason}`);
  }

  #answerSoon(): void {
    if (this.#answerQueued) return;
    this.#answerQueued = true;
    setImmediate(() => {
      this.#answerQueued = false;
      this.#answer();
    });
  }

  #answer(): void {
    for (const queue of this.#queues) {
      for (let count = queue.length; count > 0; count--) if (!this.#answerFirst(queue)) break;
    }
  }

  #answerFirst(queue: Request[]): boolean {
    const request = queue[0];
    if (!request || request.interval >= this.#options.silentFrom) return false;
    queue.shift();
    this.#waiting--;
    if (request.isIn) {
      const actual = this.#random.oneIn(4) ? this.#random.below(request.length + 1) : request.length;
      request.write(this.#bytes.part(request.stream >>> 0, actual));
      request.complete(STATUS_OK, actual);
    } else {
      const bytes = this.#landing.subarray(0, request.length);
      request.read(bytes);
      const same = this.#bytes.equal(request.stream >>> 0, bytes);
      request.complete(same ? STATUS_OK : STATUS_TRANSACTION_ERROR, request.length);
    }
    return true;
  }

  #portEvent(): void {
    const port = 1 + this.#random.below(31);
    this.#plugs[port] = ((this.#plugs[port] as number) + 1) & EVENT_PLUG_MASK;
    this.#events++;
    this.#link.event(port, this.#plugs[port] as number, this.#random.below(SPEED_COUNT));
  }

  #scribble(count: number): void {
    for (let word = 0; word < count && this.#garbageLeft > 0; word++, this.#garbageLeft--) {
      this.#words[this.#random.below(ARENA >> 2)] = this.#random.next();
    }
  }
}

const options = workerData as TrafficOptions;
const traffic = new Traffic(options, await Core.instantiate(options.module, options.memory));
parentPort?.on("message", (message: "stop" | "look") => {
  if (message === "stop") traffic.stop();
  parentPort?.postMessage(traffic.report);
});
if (options.waiting === "poll") traffic.pollAWhile();
else traffic.run();
parentPort?.postMessage("ready");
