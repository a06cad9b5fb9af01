/** Counts what a pipe moves while several transfers are always under way. */

/** How long it counts, after each transfer has come back once. */
const BUDGET_MS = 300;
/** How long a device may take for the first transfer. */
const PATIENCE_MS = 2000;

export class Flow {
  readonly #depth: number;
  readonly #ended: (rate: number | undefined) => void;
  readonly #patience: ReturnType<typeof setTimeout>;
  #settled = 0;
  #inFlight: number;
  #bytes = 0;
  #began = 0;
  #rate: number | undefined;

  /** `ended` hears the MB/s when nothing is under way any more, or undefined when nothing ever came. */
  constructor(depth: number, ended: (rate: number | undefined) => void) {
    this.#depth = depth;
    this.#inFlight = depth;
    this.#ended = ended;
    this.#patience = setTimeout(() => ended(undefined), PATIENCE_MS);
  }

  /** One is done, and has moved so many bytes. Answers whether another shall follow. */
  moved(bytes: number): boolean {
    if (this.#settled === 0) clearTimeout(this.#patience);
    if (++this.#settled <= this.#depth) {
      if (this.#settled === this.#depth) this.#began = performance.now();
      return true;
    }
    if (this.#rate === undefined) {
      this.#bytes += bytes;
      const elapsed = performance.now() - this.#began;
      if (elapsed < BUDGET_MS) return true;
      this.#rate = this.#bytes / 1e3 / elapsed;
    }
    if (--this.#inFlight === 0) this.#ended(this.#rate);
    return false;
  }
}
