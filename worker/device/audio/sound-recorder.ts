/**
 * A sink that keeps the last seconds until someone asks for them. Packets that follow each other on the bus, at one
 * sampling frequency, are one run; a frame without sound begins another one. It tells when there is enough to be worth asking.
 */
import type { PlayedSound, SoundRun } from "../../protocol.ts";
import { PACKET_MICROFRAMES } from "./audio-model.ts";
import type { SampleSink } from "./sample-sink.ts";

const CHANNELS = 2;
/** Numbers kept: four seconds at 48 kHz. */
const SAMPLES_MAX = 4 * 48000 * CHANNELS;
/** Runs kept: a guest whose every packet is a run of its own fills these first. */
const RUNS_MAX = 256;
/** Of a second: enough to tell of. */
const TELL_PART = 50;

interface Run {
  frame: number;
  rate: number;
  /** Where it begins in the samples. */
  start: number;
}

export class SoundRecorder implements SampleSink {
  readonly #hasOutput: () => void;
  /** Made by the first sound. */
  #samples: Int16Array<ArrayBuffer> | undefined;
  #length = 0;
  readonly #runs: Run[] = [];
  #lost = 0;
  /** What the next packet has, if it goes on with the last run. */
  #nextFrame = 0;
  #rate = 0;

  constructor(hasOutput: () => void = () => undefined) {
    this.#hasOutput = hasOutput;
  }

  play(samples: Int16Array, count: number, frame: number, rate: number): void {
    if (this.#length + count > SAMPLES_MAX) this.#forget();
    if (this.#runs.length === 0 || frame !== this.#nextFrame || rate !== this.#rate) {
      if (this.#runs.length === RUNS_MAX) this.#forget();
      this.#runs.push({ frame, rate, start: this.#length });
      this.#rate = rate;
    }
    this.#samples ??= new Int16Array(SAMPLES_MAX);
    this.#samples.set(samples.subarray(0, count), this.#length);
    this.#length += count;
    this.#nextFrame = (frame + PACKET_MICROFRAMES) >>> 0;
    if (this.#length >= (CHANNELS * rate) / TELL_PART) this.#hasOutput();
  }

  /** Nothing may follow: what is left is told of, too. */
  changed(): void {
    if (this.#length > 0) this.#hasOutput();
  }

  output(): PlayedSound {
    const runs = this.#runs.map(({ frame, rate, start }, index): SoundRun => {
      const end = this.#runs[index + 1]?.start ?? this.#length;
      return { frame, rate, samples: this.#samples?.slice(start, end) ?? new Int16Array() };
    });
    const lost = this.#lost;
    this.#lost = 0;
    this.#empty();
    return { type: "sound", channels: CHANNELS, runs, lost };
  }

  /** Nobody asked in time: begins anew, so that what is kept is the newest. */
  #forget(): void {
    this.#lost += this.#length / CHANNELS;
    this.#empty();
  }

  #empty(): void {
    this.#length = 0;
    this.#runs.length = 0;
  }
}
