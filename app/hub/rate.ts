/** Bytes per second out of a counter that only grows, over the last samples. */

const WINDOW_MS = 2000;
const HISTORY = 40;

export class Rate {
  #samples: { readonly at: number; readonly total: number }[] = [];
  #history: readonly number[] = [];

  /** Takes the counter's value at a time in milliseconds. A smaller value than before is a new plug. */
  sample(at: number, total: number): void {
    const last = this.#samples.at(-1);
    if (last && total < last.total) {
      this.#samples = [];
      this.#history = [];
    } else if (last && at > last.at) {
      this.#history = [...this.#history, ((total - last.total) * 1000) / (at - last.at)].slice(-HISTORY);
    }
    this.#samples.push({ at, total });
    while (this.#samples.length > 2 && at - (this.#samples[0]?.at ?? at) > WINDOW_MS) this.#samples.shift();
  }

  get perSecond(): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.at === first.at) return 0;
    return ((last.total - first.total) * 1000) / (last.at - first.at);
  }

  /** Bytes per second between each two of the last samples, oldest first. */
  get history(): readonly number[] {
    return this.#history;
  }
}

/** 1536 → "1.5 KiB". */
export function inBytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 || Number.isInteger(value) ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}
