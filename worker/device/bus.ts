/**
 * A bus that is slower than memory: what it carries keeps it busy for as long as its bytes take, and nothing else is carried
 * meanwhile. The average is exact, whatever timers do:
 *
 *   - a debt of less than a millisecond, which no timer waits for, is not waited for: it adds up;
 *   - a timer that comes late does not cost the bus that time: the next transfer counts from when the bus was free.
 *
 * A bus that nobody used earns nothing.
 */

import { PlugError } from "../plug-error.ts";

/** A debt that is carried over. */
const GRAIN_MS = 1;
/** Timers that come later than this are a machine that stood still. */
const LATE_MAX_MS = 50;

/** Milliseconds, and timers of milliseconds. */
export interface BusClock {
  now(): number;
  /** Answers how to take it back. */
  after(milliseconds: number, call: () => void): () => void;
}

const CLOCK: BusClock = {
  now: () => performance.now(),
  after(milliseconds, call) {
    const timer = setTimeout(call, milliseconds);
    return () => clearTimeout(timer);
  },
};

export class Bus {
  /** Bytes a millisecond. */
  readonly #rate: number;
  readonly #clock: BusClock;
  /** Called when it is free again. */
  onFree: (() => void) | undefined;
  /** When all that it has carried would be through. */
  #until = 0;
  /** How late the timer was that said so. */
  #late = 0;
  #takeBack: (() => void) | undefined;

  /** `rate`: bytes a second. */
  constructor(rate: number, clock = CLOCK) {
    this.#rate = rate / 1000;
    this.#clock = clock;
  }

  get isFree(): boolean {
    return this.#takeBack === undefined;
  }

  /** It has carried so many bytes. */
  carry(bytes: number): void {
    const now = this.#clock.now();
    this.#until = Math.max(this.#until, now - this.#late) + bytes / this.#rate;
    this.#late = Math.min(this.#late, Math.max(0, now - this.#until));
    this.#wait(now);
  }

  close(): void {
    this.#takeBack?.();
    this.#takeBack = undefined;
    this.onFree = undefined;
  }

  #wait(now: number): void {
    const debt = this.#until - now;
    if (this.#takeBack || debt < GRAIN_MS) return;
    this.#takeBack = this.#clock.after(debt, () => this.#over());
  }

  #over(): void {
    this.#takeBack = undefined;
    const now = this.#clock.now();
    this.#late = Math.min(LATE_MAX_MS, Math.max(0, now - this.#until));
    this.#wait(now);
    if (this.isFree) this.onFree?.();
  }
}

/** What carries a device's bulk transfers: one bus for both directions, or one each. */
export interface Buses {
  readonly in: Bus;
  readonly out: Bus;
}

/** One bus for both directions, of so many bytes a second. None without a rate. Throws an UnsupportedError. */
export function sharedBus(rate: number | undefined): Buses | undefined {
  if (rate === undefined) return undefined;
  checkRate(rate);
  const bus = new Bus(rate);
  return { in: bus, out: bus };
}

/** A bus each way, of so many bytes a second. None without a rate. Throws an UnsupportedError. */
export function busEachWay(rate: number | undefined): Buses | undefined {
  if (rate === undefined) return undefined;
  checkRate(rate);
  return { in: new Bus(rate), out: new Bus(rate) };
}

function checkRate(rate: unknown): void {
  if (typeof rate === "number" && Number.isFinite(rate) && rate >= 1) return;
  throw new PlugError("UnsupportedError", `A rate is a number of 1 or more, and ${String(rate)} is not.`);
}
