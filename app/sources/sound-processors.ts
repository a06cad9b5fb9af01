/**
 * What runs on the browser's audio thread: `pvusb-play` plays what it is sent, `pvusb-hear` sends what it hears. An AudioWorklet
 * loads them from a file of its own, which the bundlers do not all make out of this one; so it is this function's own text that is loaded,
 * and it uses nothing but what an AudioWorkletGlobalScope has.
 */

/** What `pvusb-play` takes (it sends the level that is heard, 0 to 1, when that changes): left and right in turn, 16 bits. */
export interface PlayMessage {
  /** Samples a second. */
  readonly rate: number;
  readonly samples: Int16Array;
}

declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(
  name: string,
  processor: new () => AudioWorkletProcessor & {
    process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
  },
): void;

/** A module's text. */
export const soundProcessors = `(${processors})()`;

/** Adds both to a context. Rejects where a page's policy allows no worklet of its own text. */
export async function addSoundProcessors(context: AudioContext): Promise<void> {
  const url = URL.createObjectURL(new Blob([soundProcessors], { type: "text/javascript" }));
  try {
    await context.audioWorklet.addModule(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

function processors(): void {
  /** Seconds: what lies between what comes and what is heard, and the most that may. */
  const LATENCY = 0.08;
  const LATENCY_MAX = 0.4;
  /** Frames of two samples; a power of two. */
  const CAPACITY = 1 << 16;
  /** A second's part in which a level is told, or a piece of sound is sent. */
  const PART = 50;

  class Play extends AudioWorkletProcessor {
    readonly #ring = [new Float32Array(CAPACITY), new Float32Array(CAPACITY)] as const;
    #rate = sampleRate;
    /** Frames written, and the place among them that is heard next, which may lie between two. */
    #written = 0;
    #position = 0;
    /** It ran empty, or has just begun. */
    #waiting = true;
    #level = 0;
    #told = 0;
    #untilTold = 0;

    constructor() {
      super();
      this.port.onmessage = ({ data }: MessageEvent<PlayMessage>) => this.#take(data);
    }

    process(_: Float32Array[][], [output = []]: Float32Array[][]): boolean {
      const [left, right] = output;
      if (!left || !right) return true;
      const step = this.#rate / sampleRate;
      const lag = this.#written - this.#position;
      if (this.#waiting) this.#waiting = lag < LATENCY * this.#rate;
      // Between two frames it takes both.
      if (Math.ceil(this.#position + (left.length - 1) * step) >= this.#written) this.#waiting = true;
      if (!this.#waiting) {
        for (let at = 0; at < left.length; at++) {
          const whole = Math.floor(this.#position);
          const part = this.#position - whole;
          left[at] = this.#between(0, whole, part);
          right[at] = this.#between(1, whole, part);
          this.#level = Math.max(this.#level, Math.abs(left[at] ?? 0), Math.abs(right[at] ?? 0));
          this.#position += step;
        }
      }
      this.#untilTold -= left.length;
      if (this.#untilTold <= 0) this.#tell();
      return true;
    }

    #take({ rate, samples }: PlayMessage): void {
      if (rate !== this.#rate) {
        this.#rate = rate;
        this.#written = 0;
        this.#position = 0;
        this.#waiting = true;
      }
      for (let at = 0; at + 1 < samples.length; at += 2) {
        const place = this.#written++ % CAPACITY;
        this.#ring[0][place] = (samples[at] ?? 0) / 0x8000;
        this.#ring[1][place] = (samples[at + 1] ?? 0) / 0x8000;
      }
      if (this.#written - this.#position > LATENCY_MAX * rate) {
        this.#position = this.#written - Math.ceil(LATENCY * rate);
      }
    }

    #between(channel: 0 | 1, whole: number, part: number): number {
      const one = this.#ring[channel][whole % CAPACITY] ?? 0;
      const two = this.#ring[channel][(whole + 1) % CAPACITY] ?? 0;
      return one + (two - one) * part;
    }

    /** The loudest since it was told last, and nothing while there is silence. */
    #tell(): void {
      if (this.#level !== this.#told) this.port.postMessage(this.#level);
      this.#told = this.#level;
      this.#level = 0;
      this.#untilTold = (4 * sampleRate) / PART;
    }
  }

  /** Its output, which keeps it going, is silence. */
  class Hear extends AudioWorkletProcessor {
    #piece = new Float32Array(Math.ceil(sampleRate / PART));
    #length = 0;

    /** All channels become one. */
    process([input = []]: Float32Array[][]): boolean {
      const count = input[0]?.length ?? 0;
      for (let at = 0; at < count; at++) {
        let sum = 0;
        for (const channel of input) sum += channel[at] ?? 0;
        this.#piece[this.#length++] = sum / input.length;
        if (this.#length === this.#piece.length) this.#send();
      }
      return true;
    }

    #send(): void {
      const piece = this.#piece;
      this.#piece = new Float32Array(piece.length);
      this.#length = 0;
      this.port.postMessage(piece, [piece.buffer]);
    }
  }

  registerProcessor("pvusb-play", Play);
  registerProcessor("pvusb-hear", Hear);
}
