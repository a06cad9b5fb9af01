/** A sine whose every sample is a function of its number alone. */
import type { SampleSource } from "./sample-source.ts";

/** Half of full scale: 6 dB below it. */
const AMPLITUDE = 0x4000;

export class Tone implements SampleSource {
  /** Hz, a whole number: then it repeats each second, and no phase is lost in large numbers. */
  readonly frequency: number;

  constructor(frequency: number) {
    this.frequency = frequency;
  }

  fill(samples: Int16Array, first: number, count: number, rate: number): void {
    for (let at = 0; at < count; at++) {
      const phase = (this.frequency * (first + at)) % rate;
      samples[at] = Math.round(AMPLITUDE * Math.sin((2 * Math.PI * phase) / rate));
    }
  }
}
