/** The back's end of one link: takes submissions off the ring, hands them on as requests, puts answers and events on it. */
import type { Core } from "../asm/core.ts";
import {
  ENTRY_CANCEL,
  NONE,
  RING_CAPACITY,
  SLOT_COUNT,
  STATUS_CANCELLED,
  STATUS_INVALID,
  SUBMISSION_RING,
  TAKEN_ENDPOINT_MASK,
  TAKEN_ENDPOINT_SHIFT,
  TAKEN_FLAGS_MASK,
  TAKEN_FLAGS_SHIFT,
  TAKEN_MORE,
  TAKEN_OPERATION_MASK,
  TAKEN_PORT_MASK,
  TAKEN_PORT_SHIFT,
  TAKEN_TYPE_MASK,
  TAKEN_TYPE_SHIFT,
  TYPE_CONTROL,
  URB_ANSWERED,
  URB_TAKEN,
  VIOLATION,
} from "../asm/layout.ts";
import { Spin } from "../asm/spin.ts";
import { type Place, TIER_BITS } from "./place.ts";
import { Request, type RequestOwner } from "./request.ts";

/** What a link asks of the backend. */
export interface LinkClient {
  submit(request: Request): void;
  cancel(request: Request): void;
  /** The front broke the protocol: the link is dead, and so are its ports. */
  violated(reason: number): void;
}

interface PortEvent {
  readonly port: number;
  readonly plug: number;
  readonly speed: number;
}

/** After so many answers, or so much as 64 KiB each, the front may see them, if it is awake. */
const EARLY = 4;
const EARLY_BYTES_SHIFT = 14;
/** How long this thread looks for more once it has answered, if that has paid. */
const SPIN = { shortest: 0.02, longest: 0.03 };

export class Link implements RequestOwner {
  readonly #core: Core;
  readonly #client: LinkClient;
  readonly #requests: Request[];
  /** Port events that found no room yet. */
  readonly #events: PortEvent[] = [];
  #serial = 0;
  #pumping = false;
  /** Between `hold` and `resume`. */
  #held = false;
  #following = false;
  #showQueued = false;
  #closed = false;
  readonly #spin = new Spin(SPIN);
  /** Something was answered since this side last slept: whoever had to wait for that may ask for more at once. */
  #answered = false;
  #work = 0;

  constructor(core: Core, generation: number, client: LinkClient) {
    if (!core.exports.backAttach(generation)) {
      throw new Error("This memory is not a link of this pvusb version; front and worker must come from one package.");
    }
    this.#core = core;
    this.#client = client;
    this.#requests = Array.from({ length: SLOT_COUNT }, (_, slot) => new Request(core, slot, this));
  }

  /** Transfers taken and not yet answered. */
  get owned(): number {
    return this.#core.exports.backOwned();
  }

  /** The transfers that wait for their answer at a port and behind it, newest first. */
  pendingBehind({ port, route, tier }: Place): Request[] {
    const mask = (1 << (TIER_BITS * tier)) - 1;
    return this.#requests
      .filter((request) => request.pending && request.port === port && (request.route & mask) === route)
      .sort((a, b) => b.serial - a.serial);
  }

  /**
   * Takes what waits on the ring, then shows the front, once, all that was answered meanwhile. Bounded: what a hasty front
   * adds meanwhile may have to wait.
   */
  pump(): void {
    if (this.#pumping || this.#closed || this.#held) return;
    this.#pumping = true;
    const { exports } = this.#core;
    for (let count = 0; count < RING_CAPACITY && !this.#closed; count++) {
      const entry = exports.take();
      if (entry === NONE) break;
      if (entry === VIOLATION) {
        this.#closed = true;
        this.#client.violated(exports.violation());
        break;
      }
      if (entry & ENTRY_CANCEL) {
        const request = this.#requests[entry & ~ENTRY_CANCEL];
        if (request?.pending) this.#client.cancel(request);
      } else {
        this.#submit(entry);
      }
    }
    this.#pumping = false;
    this.#show();
  }

  /** Pumps whenever the front wakes this side, until the link is closed or held. */
  async run(): Promise<void> {
    if (this.#following) return;
    this.#following = true;
    while (!this.#closed && !this.#held) {
      const { backArm, backLook } = this.#core.exports;
      const look = () => {
        this.pump();
        return !this.#closed && !this.#held;
      };
      const spin = () => {
        if (!this.#answered) return false;
        this.#answered = false;
        return this.#spin.worthwhile && this.#spin.try(backLook);
      };
      await this.#core.follow(SUBMISSION_RING, backArm, look, spin);
    }
    this.#following = false;
  }

  /** Shows the front what was answered so far. Until `resume` nothing is taken off the ring, and nothing more is shown. */
  hold(): void {
    this.#show();
    this.#held = true;
  }

  resume(): void {
    if (!this.#held) return;
    this.#held = false;
    this.pump();
    void this.run();
  }

  close(): void {
    this.#closed = true;
    this.#core.rouse(SUBMISSION_RING);
  }

  /** Tells the front of a plug (speed) or an unplug (SPEED_NONE) of a port, in order with the answers. */
  event(port: number, plug: number, speed: number): void {
    this.#events.push({ port, plug, speed });
    this.#flushEvents();
    this.#queueShow();
  }

  completed(request: Request, status: number, actual: number): void {
    if (this.#core.stamping) this.#core.stamp(request.slot, URB_ANSWERED);
    this.#core.exports.complete(request.slot, status, actual);
    this.#answered = true;
    this.#work += 1 + (actual >> EARLY_BYTES_SHIFT);
    if (this.#pumping && this.#work >= EARLY) {
      this.#work = 0;
      this.#core.exports.showEarly();
    }
    this.#queueShow();
  }

  #submit(slot: number): void {
    const { exports } = this.#core;
    const request = this.#requests[slot];
    if (!request) return;
    if (this.#core.stamping) this.#core.stamp(slot, URB_TAKEN);
    request.serial = ++this.#serial;
    const what = exports.takenWhat();
    request.operation = what & TAKEN_OPERATION_MASK;
    request.type = (what >>> TAKEN_TYPE_SHIFT) & TAKEN_TYPE_MASK;
    request.flags = (what >>> TAKEN_FLAGS_SHIFT) & TAKEN_FLAGS_MASK;
    request.port = (what >>> TAKEN_PORT_SHIFT) & TAKEN_PORT_MASK;
    request.endpoint = (what >>> TAKEN_ENDPOINT_SHIFT) & TAKEN_ENDPOINT_MASK;
    request.plug = exports.takenPlug();
    const more = (what & TAKEN_MORE) !== 0;
    request.stream = more ? exports.takenStream() : 0;
    request.interval = more ? exports.takenInterval() : 0;
    request.route = more ? exports.takenRoute() : 0;
    request.frame = more ? exports.takenFrame() >>> 0 : 0;
    request.length = exports.takenLength();
    request.cancelledAs = STATUS_CANCELLED;
    request.holder = undefined;
    if (request.type === TYPE_CONTROL) {
      const low = exports.takenSetupLow();
      const high = exports.takenSetupHigh();
      request.bmRequestType = low & 0xff;
      request.bRequest = (low >> 8) & 0xff;
      request.wValue = low >>> 16;
      request.wIndex = high & 0xffff;
      if (high >>> 16 !== request.length) {
        request.complete(STATUS_INVALID, 0);
        return;
      }
    }
    this.#client.submit(request);
  }

  #flushEvents(): void {
    while (this.#events.length > 0) {
      const { port, plug, speed } = this.#events[0] as PortEvent;
      if (!this.#core.exports.event(port, plug, speed)) return;
      this.#events.shift();
    }
  }

  /** Inside a pump, its end shows everything; outside, the end of this turn does: one wake-up a burst. */
  #queueShow(): void {
    if (this.#pumping || this.#showQueued) return;
    this.#showQueued = true;
    queueMicrotask(() => {
      this.#showQueued = false;
      this.#show();
    });
  }

  #show(): void {
    if (this.#held) return;
    this.#flushEvents();
    this.#core.exports.show();
  }
}
