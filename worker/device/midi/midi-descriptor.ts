/**
 * Class-specific descriptors of a MIDIStreaming interface: typed literals in, bytes out (USB-MIDI 1.0 §6.1, §6.2). As in
 * ../descriptor.ts, each `put…` writes one descriptor at `at` and answers the offset behind it.
 */
import { put16 } from "../descriptor.ts";

/** bDescriptorType (UAC 1.0 table A-4). */
const CS_INTERFACE = 0x24;
const CS_ENDPOINT = 0x25;

/** bDescriptorSubtype (USB-MIDI 1.0 tables ). */
const MS_HEADER = 0x01;
const MIDI_IN_JACK = 0x02;
const MIDI_OUT_JACK = 0x03;
const MS_GENERAL = 0x01;

/** bJackType (USB-MIDI 1.0 table A-3): inside, at an endpoint; or outside, for a cable. */
export const EMBEDDED = 0x01;
export const EXTERNAL = 0x02;

/** USB-MIDI 1.0 §6.1.2.1, with the jacks behind it. */
export function putMidiStreaming(
  into: Uint8Array,
  at: number,
  putJacks: (into: Uint8Array, at: number) => number,
): number {
  into[at] = 7;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = MS_HEADER;
  put16(into, at + 3, 0x0100); // bcdMSC
  const end = putJacks(into, at + 7);
  put16(into, at + 5, end - at);
  return end;
}

/** USB-MIDI 1.0 §6.1.2.2. */
export function putInJack(into: Uint8Array, at: number, type: number, id: number): number {
  into[at] = 6;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = MIDI_IN_JACK;
  into[at + 3] = type;
  into[at + 4] = id;
  into[at + 5] = 0; // iJack
  return at + 6;
}

/** USB-MIDI 1.0 §6.1.2.3, with one pin that has its data from the pin of another jack. */
export function putOutJack(into: Uint8Array, at: number, type: number, id: number, source: number): number {
  into[at] = 9;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = MIDI_OUT_JACK;
  into[at + 3] = type;
  into[at + 4] = id;
  into[at + 5] = 1; // bNrInputPins
  into[at + 6] = source;
  into[at + 7] = 1; // BaSourcePin
  into[at + 8] = 0; // iJack
  return at + 9;
}

/** USB-MIDI 1.0 §6.2.2, with the one embedded jack that the endpoint leads to. */
export function putMidiEndpoint(into: Uint8Array, at: number, jack: number): number {
  into[at] = 5;
  into[at + 1] = CS_ENDPOINT;
  into[at + 2] = MS_GENERAL;
  into[at + 3] = 1; // bNumEmbMIDIJack
  into[at + 4] = jack;
  return at + 5;
}
