/**
 * What a USB-MIDI adapter says of itself: an AudioControl interface without units, and a MIDIStreaming interface with a cable
 * each way (USB-MIDI 1.0 §3, appendix B).
 *
 *   bulk OUT ──▶ embedded IN jack 1 ──▶ external OUT jack 4
 *   bulk IN  ◀── embedded OUT jack 3 ◀── external IN jack 2
 */
import { SPEED_FULL, TYPE_BULK } from "../../../asm/layout.ts";
import { putAudioControl } from "../audio/audio-descriptor.ts";
import { bytesOf, type EndpointDescriptor } from "../descriptor.ts";
import type { DeviceModel } from "../device-model.ts";
import { EMBEDDED, EXTERNAL, putInJack, putMidiEndpoint, putMidiStreaming, putOutJack } from "./midi-descriptor.ts";

export const BULK_IN = 0x81;
export const BULK_OUT = 0x01;
export const PACKET_SIZE = 64;

const CONTROL_INTERFACE = 0;
const STREAMING_INTERFACE = 1;

const AUDIO = 0x01;
const AUDIO_CONTROL = 0x01;
const MIDI_STREAMING = 0x03;

const EMBEDDED_IN = 1;
const EXTERNAL_IN = 2;
const EMBEDDED_OUT = 3;
const EXTERNAL_OUT = 4;

export function midiModel(product: string): DeviceModel {
  return {
    speed: SPEED_FULL,
    device: {
      usbVersion: 0x0110,
      maxPacketSize0: 64,
      vendorId: 0x1209, // pid.codes' vendor id, and of its test products: ids that no product has
      productId: 0x000e,
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
          {
            number: CONTROL_INTERFACE,
            interfaceClass: AUDIO,
            subclass: AUDIO_CONTROL,
            protocol: 0,
            extra: bytesOf((into) => putAudioControl(into, 0, STREAMING_INTERFACE, (_, at) => at)),
            endpoints: [],
          },
          {
            number: STREAMING_INTERFACE,
            interfaceClass: AUDIO,
            subclass: MIDI_STREAMING,
            protocol: 0,
            extra: bytesOf((into) => putMidiStreaming(into, 0, putJacks)),
            endpoints: [endpoint(BULK_OUT, EMBEDDED_IN), endpoint(BULK_IN, EMBEDDED_OUT)],
          },
        ],
      },
    ],
    strings: ["pvusb", product],
  };
}

function putJacks(into: Uint8Array, at: number): number {
  let end = putInJack(into, at, EMBEDDED, EMBEDDED_IN);
  end = putInJack(into, end, EXTERNAL, EXTERNAL_IN);
  end = putOutJack(into, end, EMBEDDED, EMBEDDED_OUT, EXTERNAL_IN);
  return putOutJack(into, end, EXTERNAL, EXTERNAL_OUT, EMBEDDED_IN);
}

function endpoint(address: number, jack: number): EndpointDescriptor {
  return {
    address,
    attributes: TYPE_BULK,
    maxPacketSize: PACKET_SIZE,
    audio: true,
    extra: bytesOf((into) => putMidiEndpoint(into, 0, jack)),
  };
}
