/** The front's end of one link: URBs go onto the ring and come back, each once; port events come in order with them. */
import type { Core } from "../asm/core.ts";
import {
  COMPLETION_RING,
  ENTRY_EVENT,
  EVENT_PLUG_MASK,
  EVENT_PLUG_SHIFT,
  EVENT_PORT_MASK,
  EVENT_SPEED_MASK,
  EVENT_SPEED_SHIFT,
  EVENT_WAKE,
  NONE,
  RING_CAPACITY,
  SLOT_COUNT,
  STATUS_NO_DEVICE,
  VIOLATION,
  VIOLATION_SILENCE,
} from "../asm/layout.ts";
import { Spin } from "../asm/spin.ts";

/** Who gets a URB's answer. */
export interface UrbOwner {
  /**
   * The link's own: whether the last answer was one to the newest URB. An answer that others have to be submitted for first, such
   * as a UAS command's data, which is queued before the command, is not worth waiting for.
   */
  prompt?: boolean;
  urbCompleted(urb: Urb): void;
}

/** A URB on the front's side: one object a slot, reused after `Link.release`. */
export class Urb {
  readonly slot: number;
  owner: UrbOwner | undefined;
  /** Bytes asked for. */
  length = 0;
  /** Which of all URBs of the link it is. */
  order = 0;
  /** STATUS_… and bytes moved, once it is answered. */
  status = 0;
  actual = 0;
  /** On its way: submitted and not answered. */
  inFlight = false;
  /** Looks since its early end was asked for; 0 when it was not. */
  patience = 0;

  constructor(slot: number) {
    this.slot = slot;
  }
}

/** What a link tells the controller. */
export interface LinkClient {
  /** A plug (speed SPEED_LOW and up) or an unplug (SPEED_NONE). */
  portEvent(port: number, plug: number, speed: number): void;
  /** The device in the port, still the same plug, asks the host to resume it (USB 2.0 §7.1.7.7). */
  portWake?(port: number, plug: number): void;
  /** Something came back; called once after a burst of answers and events. */
  settled(): void;
  /** The backend broke the protocol, with VIOLATION_… as the reason. Every URB in flight is answered as NO_DEVICE next. */
  violated(reason: number): void;
}

/**
 * A backend answers a cancel at once, whatever its device does. One that has not after so many looks is dead, or as good as
 * dead: the guest's driver waits no longer than 5 s for its Stop Endpoint.
 */
const PATIENCE_MS = 1000;
const PATIENCE_LOOKS = 3;

/** After so many submissions without a flush the backend may see them, if it is awake. */
const EARLY = 4;
/** How long this thread looks for the answer to what it has just submitted, if that has paid. */
const SPIN = { shortest: 0.02, longest: 0.1 };
/** So long such looks may follow each other, before the thread's other tasks get their turn. */
const TURN_MS = 1;

export class Link {
  readonly core: Core;
  /** Called for every URB as it leaves and as it is answered: see urb-trace.ts. */
  readonly taps = new Set<(phase: "submit" | "complete", urb: Urb) => void>();
  readonly #urbs: Urb[] = Array.from({ length: SLOT_COUNT }, (_, slot) => new Urb(slot));
  #client: LinkClient | undefined;
  #backend: (() => void) | undefined;
  #polling = false;
  #pumping = false;
  #pumpAgain = false;
  /** Something was put on the ring since the last flush. */
  #unseen = false;
  /** Some of it may be answered at once. */
  #hopeful = false;
  #count = 0;
  readonly #spin = new Spin(SPIN);
  #closed = false;
  /** Counts the backends that the link has had. */
  #backends = 0;
  /** The backend holds the link for a saved state: it answers nothing, and is waited for. */
  held = false;
  /** Cancels that wait for their answer, and the timer that runs while there are any. */
  #cancels = 0;
  #watch: ReturnType<typeof setTimeout> | undefined;
  /** Called once, when the backend has broken the protocol, with VIOLATION_… as the reason. */
  onViolation: ((reason: number) => void) | undefined;

  /** Lays out a fresh link in `core`'s memory. `counter` is where the rings' counters start: any u32. */
  constructor(core: Core, generation: number, counter = 0) {
    this.core = core;
    core.exports.frontFormat(generation, counter);
  }

  /** Who hears of port events and bursts. */
  connect(client: LinkClient): void {
    this.#client = client;
  }

  /** A backend on this very thread: every flush runs it, so that what it can answer at once is answered inside. */
  runInside(backend: () => void): void {
    this.#backend = backend;
  }

  get inFlight(): number {
    return this.#closed ? 0 : this.core.exports.frontInFlight();
  }

  /** A URB with room for `length` bytes, to be described and submitted, or undefined when all are in use. */
  reserve(length: number): Urb | undefined {
    if (this.#closed) return undefined;
    const slot = this.core.exports.reserve(length);
    const urb = this.#urbs[slot];
    if (urb) urb.length = length;
    return urb;
  }

  /** Puts a described URB on the ring; the backend sees it at the next `flush`. */
  submit(urb: Urb, owner: UrbOwner): void {
    urb.owner = owner;
    urb.inFlight = true;
    urb.status = 0;
    urb.actual = 0;
    urb.patience = 0;
    if (this.taps.size > 0) for (const tap of this.taps) tap("submit", urb);
    this.#unseen = true;
    this.core.exports.submit(urb.slot);
    urb.order = ++this.#count;
    this.#hopeful ||= owner.prompt !== false;
    if (this.#count % EARLY === 0) this.core.exports.flushEarly();
  }

  /** Asks for an early end. The URB's own answer is the reply; it may still be its real outcome. */
  cancel(urb: Urb): void {
    if (!urb.inFlight || urb.patience > 0) return;
    urb.patience = 1;
    this.#cancels++;
    this.#unseen = true;
    this.core.exports.cancel(urb.slot);
    this.#watch ??= setTimeout(() => this.#waited(), PATIENCE_MS);
  }

  /** Gives an answered (or never submitted) URB back. */
  release(urb: Urb): void {
    if (urb.inFlight) return;
    urb.owner = undefined;
    this.core.exports.release(urb.slot, urb.length);
  }

  /**
   * Shows the backend what was submitted. A backend on this thread answers what it can before this returns. The answers of one
   * in a worker are looked for a moment, if that has paid.
   */
  flush(): void {
    if (!this.#unseen) return;
    this.#unseen = false;
    this.core.exports.flush();
    if (this.#closed) this.poll();
    if (this.#closed) return;
    const hopeful = this.#hopeful;
    this.#hopeful = false;
    if (!this.#backend && !hopeful) return;
    this.#pumpAgain = true;
    if (this.#pumping) return;
    // What comes back may be followed by more submissions, whose flush lands here: a loop, not a recursion.
    this.#pumping = true;
    if (this.#backend) this.#pumpInside(this.#backend);
    else if (this.#spin.worthwhile) this.#pumpAwake();
    this.#pumping = false;
  }

  #pumpInside(backend: () => void): void {
    while (this.#pumpAgain) {
      this.#pumpAgain = false;
      backend();
      this.poll();
    }
  }

  #pumpAwake(): void {
    const { exports } = this.core;
    const end = performance.now() + TURN_MS;
    exports.frontDisarm();
    while (this.#pumpAgain && this.#spin.try(exports.frontLook)) {
      this.#pumpAgain = false;
      this.poll();
      if (performance.now() > end) break;
    }
    exports.frontArm();
    // For what came before that nobody is woken: `run` has to look once more, and to arm anew.
    if (exports.frontLook(1) !== 0) this.core.rouse(COMPLETION_RING);
  }

  /** Hands out what came back. Cheap when nothing did. Bounded: what a hasty backend adds meanwhile may have to wait. */
  poll(): void {
    if (this.#polling) return;
    this.#polling = true;
    const any = this.#closed ? this.#abandon() : this.#reap();
    this.#polling = false;
    if (any) this.#client?.settled();
  }

  /** Polls whenever the backend wakes this side, until the link is closed or has another backend. */
  run(): Promise<void> {
    const backend = ++this.#backends;
    return this.core.follow(COMPLETION_RING, this.core.exports.frontArm, () => {
      if (backend !== this.#backends) return false;
      this.poll();
      return !this.#closed;
    });
  }

  /** The backend is dead: the ports are empty, and whatever is in flight, or submitted later, is answered as NO_DEVICE. */
  fail(): void {
    if (this.#closed) return;
    this.#end(VIOLATION_SILENCE);
    this.core.rouse(COMPLETION_RING);
    this.#client?.settled();
  }

  /** Begins anew for another backend, after the last one has failed. Then `run`. */
  reopen(generation: number): void {
    this.core.exports.frontFormat(generation, 0);
    this.held = false;
    this.#closed = false;
  }

  /** Ends the link. Whatever is in flight, or submitted later, is answered as NO_DEVICE. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#watch);
    this.core.rouse(COMPLETION_RING);
    this.poll();
  }

  #reap(): boolean {
    const { exports } = this.core;
    for (let count = 0; count < RING_CAPACITY; count++) {
      if (this.#closed) return this.#abandon() || count > 0;
      const entry = exports.reap();
      if (entry === NONE) return count > 0;
      if (entry === VIOLATION || !this.#dispatch(entry)) {
        this.#violated(exports.violation());
        return true;
      }
    }
    return true;
  }

  #dispatch(entry: number): boolean {
    const { exports } = this.core;
    if (entry & ENTRY_EVENT) {
      const port = entry & EVENT_PORT_MASK;
      const plug = (entry >>> EVENT_PLUG_SHIFT) & EVENT_PLUG_MASK;
      const speed = (entry >>> EVENT_SPEED_SHIFT) & EVENT_SPEED_MASK;
      if (speed === EVENT_WAKE) this.#client?.portWake?.(port, plug);
      else this.#client?.portEvent(port, plug, speed);
      return true;
    }
    const urb = this.#urbs[entry];
    if (!urb || exports.settle(entry, urb.length) !== 0) return false;
    this.#answer(urb, exports.settledStatus(), exports.settledActual());
    return true;
  }

  #violated(reason: number): void {
    this.#end(reason);
    this.onViolation?.(reason);
  }

  /** The ports are empty first, and then their transfers end: the order of an unplug. */
  #end(reason: number): void {
    this.#closed = true;
    clearTimeout(this.#watch);
    this.#watch = undefined;
    this.#client?.violated(reason);
    this.#abandon();
  }

  /** Some cancel had no answer for a while. */
  #waited(): void {
    this.#watch = undefined;
    this.poll();
    if (this.#cancels === 0 || this.#closed) return;
    let silent = false;
    for (const urb of this.#urbs) {
      if (!this.held && urb.inFlight && urb.patience > 0) silent = ++urb.patience > PATIENCE_LOOKS || silent;
    }
    if (silent) {
      this.#violated(VIOLATION_SILENCE);
      this.#client?.settled();
    } else {
      this.#watch = setTimeout(() => this.#waited(), PATIENCE_MS);
    }
  }

  /** Answers what will not come back. Says whether there was anything. */
  #abandon(): boolean {
    let any = false;
    for (const urb of this.#urbs) {
      if (!urb.inFlight) continue;
      any = true;
      this.#answer(urb, STATUS_NO_DEVICE, 0);
    }
    return any;
  }

  #answer(urb: Urb, status: number, actual: number): void {
    urb.status = status;
    urb.actual = actual;
    urb.inFlight = false;
    if (urb.patience > 0 && --this.#cancels === 0) {
      clearTimeout(this.#watch);
      this.#watch = undefined;
    }
    if (this.taps.size > 0) for (const tap of this.taps) tap("complete", urb);
    const { owner } = urb;
    if (!owner) return;
    owner.prompt = urb.order === this.#count;
    owner.urbCompleted(urb);
  }
}
