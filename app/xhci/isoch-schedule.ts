/**
 * When the TDs of an isochronous endpoint are due (xHCI 1.2 §4.11.2.5, §4.14.2). Times are microframes, 125 µs, of the
 * frame clock.
 *
 *   now      now + AHEAD
 *    │            │
 *    ▼            ▼
 *   ─┬──┬──┬──┬──┬──┬──▶        due TDs are with the device; those up to AHEAD are handed to it early, for a real bus is
 *    └ interval                 fed ahead; the others wait on their ring
 */
import { MICROFRAMES_PER_FRAME } from "./frame-clock.ts";

/** 8 ms. */
const AHEAD = 64;
/** The Isochronous Scheduling Threshold that HCSPARAMS2 promises: a TD with a Frame ID comes at least so much early. */
const THRESHOLD = 8;
/** Frame IDs count modulo 2048; those further ahead than this are past (§4.11.2.5). */
const FRAME_IDS = 2048;
const WINDOW_FRAMES = 895;
/**
 * A ring that was served late catches up, for the guest's processor stops and starts; one that is later than this, 100 ms,
 * goes on from now.
 */
const LATE_MAX = 800;
/** How long a service interval waits for its TD, for the guest may have heard late that the last one is done. */
const GRACE = LATE_MAX;

export class IsochSchedule {
  /** Microframes of a service interval. */
  readonly interval: number;
  /** The first service interval without a TD; undefined while the endpoint has nothing to serve. */
  #next: number | undefined;

  constructor(interval: number) {
    this.interval = interval;
  }

  /** When a TD that asks for "as soon as possible" is due. */
  asap(now: number): number {
    const next = this.#next;
    if (next !== undefined && next >= now - LATE_MAX) return next;
    return Math.ceil((now + 1) / this.interval) * this.interval;
  }

  /** When a TD with a Frame ID is due, or undefined when its time has passed. */
  inFrame(frameId: number, now: number): number | undefined {
    const first = Math.ceil((now + THRESHOLD) / MICROFRAMES_PER_FRAME);
    const ahead = (((frameId - first) % FRAME_IDS) + FRAME_IDS) % FRAME_IDS;
    if (ahead > WINDOW_FRAMES) return undefined;
    const due = (first + ahead) * MICROFRAMES_PER_FRAME;
    return this.#next !== undefined && due < this.#next ? undefined : due;
  }

  /** May a TD that is due then be handed to the device? */
  isNear(due: number, now: number): boolean {
    return due <= now + AHEAD;
  }

  /** When a TD that is due then will be near. */
  nearAt(due: number): number {
    return due - AHEAD;
  }

  /** A TD has its place. */
  take(due: number): void {
    this.#next = due + this.interval;
  }

  /** When a ring without a TD for the next service interval has starved; undefined when the endpoint is idle anyway. */
  get starvesAt(): number | undefined {
    return this.#next === undefined ? undefined : this.#next + GRACE;
  }

  /** Idle, until the next TD. */
  stop(): void {
    this.#next = undefined;
  }
}
