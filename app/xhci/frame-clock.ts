/**
 * The bus's time, in microframes of 125 µs: what MFINDEX counts (xHCI 1.2 §4.14.1, §5.5.1). It follows the host's clock, as
 * the guest's own clocks do. Whoever waits for a moment is called when the guest next touches the controller, or when v86
 * looks at its timers, or by a timer of the host.
 */
export const MICROFRAMES_PER_FRAME = 8;

/** Waits for a moment. */
export interface Sleeper {
  elapsed(now: number): void;
}

export class FrameClock {
  /** Runs when a timer of the host has waked sleepers: the guest may have to hear of it. */
  readonly #awake: () => void;
  /** What performance.now() said when the clock was at 0. */
  #origin = performance.now();
  readonly #sleepers = new Map<Sleeper, number>();
  /** The earliest moment that anyone waits for. */
  #soonest = Number.POSITIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(awake: () => void) {
    this.#awake = awake;
  }

  /** With a fraction. */
  get now(): number {
    return (performance.now() - this.#origin) * MICROFRAMES_PER_FRAME;
  }

  /** Goes on from this count: a restored machine's clocks do the same. */
  set(now: number): void {
    this.#origin = performance.now() - now / MICROFRAMES_PER_FRAME;
  }

  /** Calls `sleeper` once, at the moment or after it. A sleeper waits for one moment at a time, the earliest it named. */
  wake(sleeper: Sleeper, at: number): void {
    const before = this.#sleepers.get(sleeper);
    if (before !== undefined && before <= at) return;
    this.#sleepers.set(sleeper, at);
    if (at >= this.#soonest) return;
    this.#soonest = at;
    this.#arm();
  }

  forget(sleeper: Sleeper): void {
    this.#sleepers.delete(sleeper);
  }

  /** Calls those whose moment has come, and says whether there were any. Cheap when nobody waits. */
  look(): boolean {
    if (this.#soonest === Number.POSITIVE_INFINITY) return false;
    const { now } = this;
    if (now < this.#soonest) return false;
    this.#soonest = Number.POSITIVE_INFINITY;
    // A sleeper that waits again does so for a later look: deleted and set anew it would come round for ever.
    for (const [sleeper, at] of [...this.#sleepers]) {
      if (at > now || this.#sleepers.get(sleeper) !== at) continue;
      this.#sleepers.delete(sleeper);
      sleeper.elapsed(now);
    }
    for (const at of this.#sleepers.values()) this.#soonest = Math.min(this.#soonest, at);
    this.#arm();
    return true;
  }

  #arm(): void {
    if (this.#soonest >= this.#timerAt && this.#soonest !== Number.POSITIVE_INFINITY) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = this.#soonest;
    if (this.#soonest === Number.POSITIVE_INFINITY) return;
    const milliseconds = Math.max(0, (this.#soonest - this.now) / MICROFRAMES_PER_FRAME);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#timerAt = Number.POSITIVE_INFINITY;
      if (this.look()) this.#awake();
      this.#arm();
    }, Math.ceil(milliseconds));
  }
}
