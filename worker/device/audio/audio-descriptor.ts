/**
 * Class-specific descriptors of audio devices: typed literals in, bytes out (UAC 1.0 §4, Audio Data Formats 1.0 §2). As
 * in ../descriptor.ts, each `put…` writes one descriptor at `at` and answers the offset behind it.
 */

/** bDescriptorType (UAC 1.0 table A-4). */
const CS_INTERFACE = 0x24;
const CS_ENDPOINT = 0x25;

/** bDescriptorSubtype in an AudioControl interface (UAC 1.0 table A-5). */
const HEADER = 0x01;
const INPUT_TERMINAL = 0x02;
const OUTPUT_TERMINAL = 0x03;
const FEATURE_UNIT = 0x06;

/** … in an AudioStreaming interface (table A-6), and of its endpoint (table A-8). */
const AS_GENERAL = 0x01;
const FORMAT_TYPE = 0x02;
const EP_GENERAL = 0x01;

/** wFormatTag (Audio Data Formats 1.0 table A-1) and bFormatType (table A-4). */
const PCM = 0x0001;
const FORMAT_TYPE_I = 0x01;

/** wTerminalType (Terminal Types 1.0 §2). */
export const TERMINAL_USB_STREAMING = 0x0101;
export const TERMINAL_MICROPHONE = 0x0201;
export const TERMINAL_SPEAKER = 0x0301;

/** bmaControls of a feature unit (UAC 1.0 table 4-7). */
export const CONTROL_MUTE = 0x01;
export const CONTROL_VOLUME = 0x02;

/** bmAttributes of an endpoint: its sampling frequency can be set (UAC 1.0 table 4-21). */
export const ENDPOINT_SAMPLING_FREQUENCY = 0x01;

export interface InputTerminal {
  readonly id: number;
  /** wTerminalType: TERMINAL_…. */
  readonly type: number;
  readonly channels: number;
  /** wChannelConfig: bit 0 left front, bit 1 right front; none for a single channel. */
  readonly channelConfig: number;
}

export interface OutputTerminal {
  readonly id: number;
  readonly type: number;
  /** bSourceID: the unit or terminal it gets its sound from. */
  readonly source: number;
}

export interface FeatureUnitDescriptor {
  readonly id: number;
  readonly source: number;
  /** bmaControls of the master channel: CONTROL_…. The channels by themselves have none. */
  readonly controls: number;
  /** How many channels that are. */
  readonly channels: number;
}

/** PCM: whole signed numbers, channels interleaved. */
export interface Format {
  readonly channels: number;
  /** bSubframeSize: bytes of a sample of one channel, all of them used. */
  readonly sampleBytes: number;
  /** tSamFreq: Hz. */
  readonly frequencies: readonly number[];
}

function put16(into: Uint8Array, at: number, value: number): void {
  into[at] = value;
  into[at + 1] = value >> 8;
}

/** UAC 1.0 §4.3.2: the header of the AudioControl interface, its terminals and units behind it, one interface that streams. */
export function putAudioControl(
  into: Uint8Array,
  at: number,
  streamingInterface: number,
  putUnits: (into: Uint8Array, at: number) => number,
): number {
  into[at] = 9;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = HEADER;
  put16(into, at + 3, 0x0100); // bcdADC
  into[at + 7] = 1;
  into[at + 8] = streamingInterface;
  const end = putUnits(into, at + 9);
  put16(into, at + 5, end - at);
  return end;
}

/** UAC 1.0 §4.3.2.1. */
export function putInputTerminal(into: Uint8Array, at: number, terminal: InputTerminal): number {
  into[at] = 12;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = INPUT_TERMINAL;
  into[at + 3] = terminal.id;
  put16(into, at + 4, terminal.type);
  into[at + 6] = 0; // bAssocTerminal
  into[at + 7] = terminal.channels;
  put16(into, at + 8, terminal.channelConfig);
  into[at + 10] = 0; // iChannelNames
  into[at + 11] = 0; // iTerminal
  return at + 12;
}

/** UAC 1.0 §4.3.2.2. */
export function putOutputTerminal(into: Uint8Array, at: number, terminal: OutputTerminal): number {
  into[at] = 9;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = OUTPUT_TERMINAL;
  into[at + 3] = terminal.id;
  put16(into, at + 4, terminal.type);
  into[at + 6] = 0; // bAssocTerminal
  into[at + 7] = terminal.source;
  into[at + 8] = 0; // iTerminal
  return at + 9;
}

/** UAC 1.0 §4.3.2.5, one byte of controls a channel. */
export function putFeatureUnit(into: Uint8Array, at: number, unit: FeatureUnitDescriptor): number {
  const end = at + 8 + unit.channels;
  into[at] = end - at;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = FEATURE_UNIT;
  into[at + 3] = unit.id;
  into[at + 4] = unit.source;
  into[at + 5] = 1; // bControlSize
  into[at + 6] = unit.controls;
  into.fill(0, at + 7, end); // the channels' controls, iFeature
  return end;
}

/** UAC 1.0 §4.5.2: which terminal the stream is, and that it is PCM. */
export function putStreaming(into: Uint8Array, at: number, terminal: number): number {
  into[at] = 7;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = AS_GENERAL;
  into[at + 3] = terminal;
  into[at + 4] = 1; // bDelay: frames
  put16(into, at + 5, PCM);
  return at + 7;
}

/** Audio Data Formats 1.0 §2.2.5: format type I with discrete sampling frequencies. */
export function putFormat(into: Uint8Array, at: number, format: Format): number {
  into[at] = 8 + 3 * format.frequencies.length;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = FORMAT_TYPE;
  into[at + 3] = FORMAT_TYPE_I;
  into[at + 4] = format.channels;
  into[at + 5] = format.sampleBytes;
  into[at + 6] = 8 * format.sampleBytes;
  into[at + 7] = format.frequencies.length;
  let end = at + 8;
  for (const frequency of format.frequencies) {
    put16(into, end, frequency);
    into[end + 2] = frequency >> 16;
    end += 3;
  }
  return end;
}

/** UAC 1.0 §4.6.1.2. */
export function putStreamingEndpoint(into: Uint8Array, at: number, attributes: number): number {
  into[at] = 7;
  into[at + 1] = CS_ENDPOINT;
  into[at + 2] = EP_GENERAL;
  into[at + 3] = attributes;
  into[at + 4] = 0; // bLockDelayUnits: it is locked at once
  put16(into, at + 5, 0);
  return at + 7;
}
