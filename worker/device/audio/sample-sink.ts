/** Where a speaker's sound goes. */
import type { DeviceOutput } from "../../protocol.ts";

export interface SampleSink {
  /**
   * The sound of one packet: the first `count` numbers of `samples`, left and right in turn, at `rate` Hz, due in the
   * microframe `frame` of the guest's bus. `samples` is used again for the next packet. Never throws.
   */
  play(samples: Int16Array, count: number, frame: number, rate: number): void;
  /** The host has begun or ended its stream. */
  changed?(): void;
  /** What it has for who asks the device's port, and gives away by that. */
  output?(): DeviceOutput;
}
