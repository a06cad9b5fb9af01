/**
 * Sound that the page gives, as it comes, for a guest that reads it at the pace of its bus. Between the two is a ring; what is read
 * lies 60 ms behind what was written last, so that neither has to be punctual.
 *
 *            position                       written
 *   ┄┄┄┄┄┄┄┄┄│▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│┄┄┄┄┄┄┄
 *            └──────── latency ───────────────┘
 *
 * When it runs empty, there is silence until the latency is there again. When the guest is too slow, the oldest is left out.
 */
import type { SampleSource } from "./sample-source.ts";

/** Seconds: what lies in the ring when the guest begins to read, and the most that may. */
const LATENCY = 0.06;
const LATENCY_MAX = 0.3;
const RATE_MIN = 8000;
const RATE_MAX = 192000;
/** Samples; a power of two, and more than LATENCY_MAX at RATE_MAX. */
const CAPACITY = 1 << 16;
const MASK = CAPACITY - 1;
const FULL_SCALE = 0x8000;

export class PageSound implements SampleSource {
  readonly #ring = new Float32Array(CAPACITY);
  /** Of the page's samples. */
  #rate = 0;
  /** Samples written since the rate is what it is, and the place among them that is read next, which may lie between two. */
  #written = 0;
  #position = 0;
  /** It ran empty, or has just begun. */
  #waiting = true;
  /** The sample of the bus's time that the guest reads next, if it leaves none out. */
  #next = 0;

  fill(samples: Int16Array, first: number, count: number, rate: number): void {
    if (first !== this.#next) this.#catchUp(); // it begins, or has left packets out
    this.#next = first + count;
    const step = this.#rate / rate;
    const last = this.#position + (count - 1) * step;
    if (this.#waiting) this.#waiting = this.#written - this.#position < LATENCY * this.#rate;
    // Between two samples it takes both.
    if (Math.ceil(last) >= this.#written) this.#waiting = true;
    if (this.#waiting) {
      samples.fill(0, 0, count);
      return;
    }
    for (let at = 0; at < count; at++) samples[at] = this.#sampleAt(this.#position + at * step);
    this.#position += count * step;
  }

  /** Takes SoundInput, and nothing else. */
  input(message: unknown): void {
    const { type, rate, samples } = (message ?? {}) as Record<string, unknown>;
    if (type !== "sound" || !(samples instanceof Float32Array) || !isRate(rate)) return;
    if (rate !== this.#rate) this.#begin(rate);
    for (let at = Math.max(0, samples.length - CAPACITY); at < samples.length; at++) {
      const sample = samples[at] ?? 0;
      this.#ring[this.#written++ & MASK] = Math.max(-1, Math.min(1, sample)) || 0; // and no NaN
    }
    if (this.#written - this.#position > LATENCY_MAX * rate) this.#catchUp();
  }

  #begin(rate: number): void {
    this.#rate = rate;
    this.#written = 0;
    this.#position = 0;
    this.#waiting = true;
  }

  /** Leaves out what is older than the latency. */
  #catchUp(): void {
    this.#position = Math.max(this.#position, this.#written - Math.ceil(LATENCY * this.#rate));
  }

  /** A straight line from one sample to the next. */
  #sampleAt(position: number): number {
    const at = Math.floor(position);
    const one = this.#ring[at & MASK] ?? 0;
    const two = this.#ring[(at + 1) & MASK] ?? 0;
    const value = Math.round((one + (two - one) * (position - at)) * FULL_SCALE);
    return Math.min(FULL_SCALE - 1, value);
  }
}

function isRate(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= RATE_MIN && (value as number) <= RATE_MAX;
}
