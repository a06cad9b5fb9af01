/** A microphone: isochronous IN, 16 bits, one channel. What it hears comes from a source of samples, such as a tone. */
import { STATUS_BABBLE, STATUS_OK } from "../../../asm/layout.ts";
import { PlugError } from "../../plug-error.ts";
import type { Request } from "../../request.ts";
import type { Endpoint } from "../endpoint.ts";
import { SoftwareDevice } from "../software-device.ts";
import { TERMINAL_MICROPHONE, TERMINAL_USB_STREAMING } from "./audio-descriptor.ts";
import { AudioFunction } from "./audio-function.ts";
import {
  type AudioShape,
  type AudioSpeed,
  audioModel,
  ISOCHRONOUS_SYNCHRONOUS,
  PACKET_MICROFRAMES,
  SAMPLE_BYTES,
} from "./audio-model.ts";
import type { SampleSource } from "./sample-source.ts";
import { Tone } from "./tone.ts";

export interface MicrophoneOptions {
  /** Hz, a whole number. */
  readonly tone?: number | undefined;
  /** Instead of a tone. */
  readonly source?: SampleSource | undefined;
  readonly speed?: AudioSpeed | undefined;
}

/** Concert pitch, and the highest tone that either sampling frequency carries. */
const TONE = 440;
const TONE_MAX = 20000;

/** Samples of the longest packet: a millisecond at 48 kHz. */
const PACKET_SAMPLES = 48;

/** Synchronous: its clock is the bus's (USB 2.0 §5.12.4.1.2). */
const SHAPE: AudioShape = {
  product: "Microphone",
  productId: 0x0006,
  input: TERMINAL_MICROPHONE,
  output: TERMINAL_USB_STREAMING,
  channels: 1,
  address: 0x81,
  attributes: ISOCHRONOUS_SYNCHRONOUS,
  maxPacketSize: PACKET_SAMPLES * SAMPLE_BYTES,
};

/** Throws an UnsupportedError for a tone that it cannot hear. */
export function createMicrophone({ tone = TONE, source, speed = "full" }: MicrophoneOptions = {}): SoftwareDevice {
  if (!Number.isInteger(tone) || tone < 1 || tone > TONE_MAX) {
    throw new PlugError("UnsupportedError", `A microphone's tone is a whole number of Hz from 1 to ${TONE_MAX}.`);
  }
  return new SoftwareDevice(audioModel(SHAPE, speed), new Microphone(source ?? new Tone(tone)));
}

class Microphone extends AudioFunction {
  readonly #source: SampleSource;
  readonly #samples = new Int16Array(PACKET_SAMPLES);
  readonly #bytes = new Uint8Array(this.#samples.buffer);

  constructor(source: SampleSource) {
    super();
    this.#source = source;
  }

  input(message: unknown): void {
    this.#source.input?.(message);
  }

  /** What was to be heard in the packet's own millisecond: a packet that the host leaves out is a gap of that length. */
  protected packet(endpoint: Endpoint, request: Request): void {
    const rate = this.frequency.current;
    const first = samplesBefore(request.frame, rate);
    const count = samplesBefore(request.frame + PACKET_MICROFRAMES, rate) - first;
    const length = count * SAMPLE_BYTES;
    if (request.length < length) {
      endpoint.complete(STATUS_BABBLE, 0);
      return;
    }
    this.#source.fill(this.#samples, first, count, rate);
    this.unit.apply(this.#samples, count);
    request.write(this.#bytes.subarray(0, length));
    endpoint.complete(STATUS_OK, length);
  }
}

/** Samples before this microframe; at 44.1 kHz a packet has 44 of them, and each tenth one 45. */
function samplesBefore(microframe: number, rate: number): number {
  return Math.floor((microframe * rate) / 8000);
}
