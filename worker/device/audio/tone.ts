/** A sine whose every sample is a function of its number alone. */

/** Half of full scale: 6 dB below it. */
const AMPLITUDE = 0x4000;

export class Tone {
  /** Hz, a whole number: then it repeats each second, and no phase is lost in large numbers. */
  readonly frequency: number;

  constructor(frequency: number) {
    this.frequency = frequency;
  }

  /** Writes samples `first` to `first + count - 1` of a sound of `rate` Hz. */
  fill(samples: Int16Array, first: number, count: number, rate: number): void {
    for (let at = 0; at < count; at++) {
      const phase = (this.frequency * (first + at)) % rate;
      samples[at] = Math.round(AMPLITUDE * Math.sin((2 * Math.PI * phase) / rate));
    }
  }
}
