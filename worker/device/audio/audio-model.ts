/**
 * What an audio device says of itself: an AudioControl interface with three entities in a row, and an AudioStreaming
 * interface whose alternate 0 takes no bandwidth (UAC 1.0 §3.7, §4).
 *
 *   input terminal 1 ──▶ feature unit 2 ──▶ output terminal 3        one of the terminals is the USB stream
 */
import { SPEED_FULL, SPEED_HIGH } from "../../../asm/layout.ts";
import { bytesOf, type InterfaceDescriptor } from "../descriptor.ts";
import type { DeviceModel } from "../device-model.ts";
import {
  CONTROL_MUTE,
  CONTROL_VOLUME,
  ENDPOINT_SAMPLING_FREQUENCY,
  putAudioControl,
  putFeatureUnit,
  putFormat,
  putInputTerminal,
  putOutputTerminal,
  putStreaming,
  putStreamingEndpoint,
  TERMINAL_USB_STREAMING,
} from "./audio-descriptor.ts";
import { SAMPLING_FREQUENCIES } from "./sampling-frequency.ts";

export type AudioSpeed = "full" | "high";

/** What differs between our audio devices. */
export interface AudioShape {
  readonly product: string;
  readonly productId: number;
  /** wTerminalType of the input and the output terminal: TERMINAL_…. */
  readonly input: number;
  readonly output: number;
  /** One, or left and right. */
  readonly channels: 1 | 2;
  /** bEndpointAddress, bmAttributes and wMaxPacketSize of the stream. */
  readonly address: number;
  readonly attributes: number;
  readonly maxPacketSize: number;
}

/** bmAttributes of an isochronous endpoint: how it keeps time (USB 2.0 table 9-13). */
export const ISOCHRONOUS_ADAPTIVE = 0x09;
export const ISOCHRONOUS_SYNCHRONOUS = 0x0d;

/** A packet is due every 8 microframes, which is a millisecond, at either speed. */
export const PACKET_MICROFRAMES = 8;
/** Bytes of a sample: 16 bits. */
export const SAMPLE_BYTES = 2;

const INPUT_TERMINAL = 1;
export const FEATURE_UNIT = 2;
const OUTPUT_TERMINAL = 3;

const AUDIO = 0x01;
const AUDIO_CONTROL = 0x01;
const AUDIO_STREAMING = 0x02;
const CONTROL_INTERFACE = 0;
const STREAMING_INTERFACE = 1;

/** bInterval is an exponent at high speed and counts frames at full speed (USB 2.0 table 9-13): 8 microframes are both. */
const SPEEDS = {
  full: { speed: SPEED_FULL, usbVersion: 0x0110, interval: 1 },
  high: { speed: SPEED_HIGH, usbVersion: 0x0200, interval: 4 },
} as const satisfies Record<AudioSpeed, object>;

export function audioModel(shape: AudioShape, speedName: AudioSpeed): DeviceModel {
  const { speed, usbVersion, interval } = SPEEDS[speedName];
  const streaming = { number: STREAMING_INTERFACE, interfaceClass: AUDIO, subclass: AUDIO_STREAMING, protocol: 0 };
  return {
    speed,
    device: {
      usbVersion,
      maxPacketSize0: 64,
      vendorId: 0x1209, // pid.codes' vendor id, and of its test products: ids that no product has
      productId: shape.productId,
      deviceVersion: 0x0100,
      manufacturer: 1,
      product: 2,
    },
    configurations: [
      {
        value: 1,
        attributes: 0,
        maxPower: 50,
        interfaces: [
          controlInterface(shape),
          { ...streaming, endpoints: [] },
          {
            ...streaming,
            alternate: 1,
            extra: streamingDescriptors(shape),
            endpoints: [
              {
                address: shape.address,
                attributes: shape.attributes,
                maxPacketSize: shape.maxPacketSize,
                interval,
                audio: true,
                extra: bytesOf((into) => putStreamingEndpoint(into, 0, ENDPOINT_SAMPLING_FREQUENCY)),
              },
            ],
          },
        ],
      },
    ],
    strings: ["pvusb", shape.product],
    ...(speedName === "high" ? { otherSpeed: audioModel(shape, "full") } : {}),
  };
}

function controlInterface({ channels, input, output }: AudioShape): InterfaceDescriptor {
  const channelConfig = channels === 2 ? 0x0003 : 0;
  const extra = bytesOf((into) =>
    putAudioControl(into, 0, STREAMING_INTERFACE, (units, at) => {
      let end = putInputTerminal(units, at, { id: INPUT_TERMINAL, type: input, channels, channelConfig });
      const controls = CONTROL_MUTE | CONTROL_VOLUME;
      end = putFeatureUnit(units, end, { id: FEATURE_UNIT, source: INPUT_TERMINAL, controls, channels });
      return putOutputTerminal(units, end, { id: OUTPUT_TERMINAL, type: output, source: FEATURE_UNIT });
    }),
  );
  const number = CONTROL_INTERFACE;
  return { number, interfaceClass: AUDIO, subclass: AUDIO_CONTROL, protocol: 0, extra, endpoints: [] };
}

function streamingDescriptors({ channels, input }: AudioShape): Uint8Array {
  const terminal = input === TERMINAL_USB_STREAMING ? INPUT_TERMINAL : OUTPUT_TERMINAL;
  const format = { channels, sampleBytes: SAMPLE_BYTES, frequencies: SAMPLING_FREQUENCIES };
  return bytesOf((into) => putFormat(into, putStreaming(into, 0, terminal), format));
}
