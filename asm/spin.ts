/**
 * A short wait by looking again and again, for what has been coming that fast. It gives up when it does not pay: each miss
 * doubles how many chances are let pass before the next try, each hit halves that. So a slow device, or another program on
 * the core that the other side needs, costs one try in many. A try lasts a few times as long as the last hits took; one after
 * a pause lasts longest, because the other side may have to wake up first.
 */

/** Looks between two glances at the clock. */
const LOOKS = 32;
const GLANCES_MAX = 10_000;
/** Chances let pass at most between two tries. */
const LONGEST_PAUSE = 256;
/** A try ends after so many times what a hit takes on average. */
const PATIENCE = 4;
/** Of the average that a new hit makes. */
const WEIGHT = 1 / 8;

export interface SpinLimits {
  /** Milliseconds that a try may last. */
  readonly shortest: number;
  readonly longest: number;
}

export class Spin {
  readonly #limits: SpinLimits;
  readonly #now: () => number;
  /** Milliseconds to a hit. */
  #usual: number;
  /** Chances to be let pass after the next miss, at least. */
  #pause = 0;
  /** Of the present pause, those that are still to come. */
  #left = 0;
  #paused = false;

  constructor(limits: SpinLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
    this.#usual = limits.longest;
  }

  /** A chance to try. Answers false when this one is let pass. */
  get worthwhile(): boolean {
    if (this.#left === 0) return true;
    this.#left--;
    return false;
  }

  /** Tries: `look` looks so many times, and answers 0 when nothing is there. Answers whether something came. */
  try(look: (times: number) => number): boolean {
    const { shortest, longest } = this.#limits;
    const began = this.#now();
    const end = began + (this.#paused ? longest : Math.min(longest, Math.max(shortest, PATIENCE * this.#usual)));
    // Bounded also where the clock stands still.
    for (let now = began, glances = 0; now < end && glances < GLANCES_MAX; now = this.#now(), glances++) {
      if (look(LOOKS) === 0) continue;
      this.#usual += (now - began - this.#usual) * WEIGHT;
      this.#pause >>= 1;
      this.#paused = false;
      return true;
    }
    this.#pause = Math.min(this.#pause * 2 || 1, LONGEST_PAUSE);
    this.#left = this.#pause;
    this.#paused = true;
    return false;
  }
}
