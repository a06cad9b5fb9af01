/** A sink that looks at what it is played, and what it looks with. */
import type { SampleSink } from "../../worker/device/audio/sample-sink.ts";

/** Left and right in turn. */
export class AnalyserSink implements SampleSink {
  readonly packets: { readonly frame: number; readonly rate: number; readonly samples: Int16Array }[] = [];

  play(samples: Int16Array, count: number, frame: number, rate: number): void {
    this.packets.push({ frame, rate, samples: samples.slice(0, count) });
  }

  /** Microframes from each packet to the next that are not 8. */
  get gaps(): number[] {
    return this.packets
      .slice(1)
      .map(({ frame }, index) => (frame - (this.packets[index]?.frame ?? 0)) >>> 0)
      .filter((distance) => distance !== 8);
  }

  /** The samples of one channel, of all packets. */
  channel(which: 0 | 1): Int16Array {
    return channelOf(Int16Array.from(this.packets.flatMap(({ samples }) => [...samples])), which);
  }
}

export function channelOf(samples: Int16Array, which: 0 | 1): Int16Array {
  return samples.filter((_, index) => index % 2 === which);
}

/** How much of a sound is a sine of this many Hz, whatever its phase: its amplitude (Goertzel's algorithm). */
export function amplitudeAt(samples: Int16Array, frequency: number, rate: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / rate);
  let last = 0;
  let before = 0;
  for (const sample of samples) [last, before] = [sample + coefficient * last - before, last];
  const power = last * last + before * before - coefficient * last * before;
  return (2 * Math.sqrt(Math.max(0, power))) / samples.length;
}
