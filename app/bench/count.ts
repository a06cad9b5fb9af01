/** Counting what is done in a fixed time. */

/** How long one way runs at one size in one round. */
const BUDGET_MS = 120;

/** Counts round trips until the time is up. */
export class Count {
  readonly #began = performance.now();
  #count = 0;
  /** The clock is no part of the work: it is looked at by a timer. */
  #over = false;

  constructor() {
    setTimeout(() => {
      this.#over = true;
    }, BUDGET_MS);
  }

  /** One more is done. Answers whether there shall be another. */
  more(): boolean {
    this.#count++;
    return !this.#over;
  }

  get goesOn(): boolean {
    return !this.#over;
  }

  get perSecond(): number {
    return (this.#count * 1000) / (performance.now() - this.#began);
  }
}

export function sizeInWords(size: number): string {
  if (size < 1024) return `${size} B`;
  return size < 1 << 20 ? `${size >> 10} KiB` : `${size >> 20} MiB`;
}
