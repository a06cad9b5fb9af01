/** A speaker: isochronous OUT, 16 bits, left and right. What it plays goes to a sink. */
import { STATUS_OK } from "../../../asm/layout.ts";
import type { DeviceOutput } from "../../protocol.ts";
import type { Request } from "../../request.ts";
import type { ActiveConfiguration } from "../active-configuration.ts";
import type { Endpoint } from "../endpoint.ts";
import { SoftwareDevice } from "../software-device.ts";
import { TERMINAL_SPEAKER, TERMINAL_USB_STREAMING } from "./audio-descriptor.ts";
import { AudioFunction } from "./audio-function.ts";
import { type AudioShape, type AudioSpeed, audioModel, ISOCHRONOUS_ADAPTIVE, SAMPLE_BYTES } from "./audio-model.ts";
import type { SampleSink } from "./sample-sink.ts";

export interface SpeakerOptions {
  readonly sink: SampleSink;
  readonly speed?: AudioSpeed | undefined;
}

const CHANNELS = 2;
/** Numbers of the longest packet: a millisecond at 48 kHz, and one sample of each channel more. */
const PACKET_SAMPLES = 49 * CHANNELS;

/** Adaptive: it takes the samples at the pace they come (USB 2.0 §5.12.4.1.3). */
const SHAPE: AudioShape = {
  product: "Speaker",
  productId: 0x0005,
  input: TERMINAL_USB_STREAMING,
  output: TERMINAL_SPEAKER,
  channels: CHANNELS,
  address: 0x01,
  attributes: ISOCHRONOUS_ADAPTIVE,
  maxPacketSize: PACKET_SAMPLES * SAMPLE_BYTES,
};

export function createSpeaker({ sink, speed = "full" }: SpeakerOptions): SoftwareDevice {
  return new SoftwareDevice(audioModel(SHAPE, speed), new Speaker(sink));
}

class Speaker extends AudioFunction {
  readonly #sink: SampleSink;
  readonly #samples = new Int16Array(PACKET_SAMPLES);
  readonly #bytes = new Uint8Array(this.#samples.buffer);

  constructor(sink: SampleSink) {
    super();
    this.#sink = sink;
  }

  override start(active: ActiveConfiguration): void {
    super.start(active);
    this.#sink.changed?.();
  }

  output(): DeviceOutput | undefined {
    return this.#sink.output?.();
  }

  /** Bytes beyond the longest packet, and a sample without its other half, make no sound. */
  protected packet(endpoint: Endpoint, request: Request): void {
    const { frame, length } = request;
    const bytes = request.read(this.#bytes);
    endpoint.complete(STATUS_OK, length);
    const count = Math.floor(bytes / (CHANNELS * SAMPLE_BYTES)) * CHANNELS;
    if (count === 0) return;
    this.unit.apply(this.#samples, count);
    this.#sink.play(this.#samples, count, frame, this.frequency.current);
  }
}
