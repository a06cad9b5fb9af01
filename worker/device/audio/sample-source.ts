/** What a microphone hears. */
export interface SampleSource {
  /** Writes samples `first` to `first + count - 1` of the bus's time, at `rate` Hz. Never throws. */
  fill(samples: Int16Array, first: number, count: number, rate: number): void;
  /** As of a device: for sound that a page gives. */
  input?(message: unknown): void;
}
