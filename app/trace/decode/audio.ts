/** Audio class requests (UAC 1.0 §5.2) and the event packets of USB-MIDI (USB MIDI Devices 1.0 §4). */
import { count, hex, hexBytes, i16, u8, u16, u32 } from "./bytes.ts";
import { SUBCLASS_AUDIO_CONTROL } from "./classes.ts";
import { type Description, field, named, type Setup, say, type Transfer } from "./description.ts";

const REQUESTS: Readonly<Record<number, string>> = {
  1: "SET_CUR",
  2: "SET_MIN",
  3: "SET_MAX",
  4: "SET_RES",
  129: "GET_CUR",
  130: "GET_MIN",
  131: "GET_MAX",
  132: "GET_RES",
  255: "GET_STAT",
};
const RECIPIENT_ENDPOINT = 2;
/** Of a feature unit (UAC 1.0 table A-11). */
const CONTROLS: Readonly<Record<number, string>> = {
  1: "mute",
  2: "volume",
  3: "bass",
  4: "mid",
  5: "treble",
  7: "automatic gain",
  8: "delay",
  9: "bass boost",
  10: "loudness",
};
const MUTE = 1;
const VOLUME = 2;
/** Of an endpoint (UAC 1.0 table A-19). */
const ENDPOINT_CONTROLS: Readonly<Record<number, string>> = { 1: "sampling frequency", 2: "pitch" };
const SAMPLING_FREQUENCY = 1;

export function describeAudioRequest(setup: Setup, { data, role }: Transfer): Description {
  const { index, request, value } = setup;
  const name = named(REQUESTS, request, "audio request");
  const arrow = setup.type & 0x80 ? " →" : ":";
  const selector = value >>> 8;
  if ((setup.type & 0x1f) === RECIPIENT_ENDPOINT) {
    const is = selector === SAMPLING_FREQUENCY && data.length === 3;
    const words = is ? `${(u16(data, 0) | (u8(data, 2) << 16)).toLocaleString("en")} Hz` : hexBytes(data);
    return say(
      `${name} ${named(ENDPOINT_CONTROLS, selector, "control")}, endpoint ${hex(index & 0xff)}${arrow} ${words}`,
    );
  }
  if (role && role.subclass !== SUBCLASS_AUDIO_CONTROL)
    return say(`${name} ${hex(value, 4)}${arrow} ${hexBytes(data)}`);
  const channel = value & 0xff ? ` of channel ${value & 0xff}` : "";
  return say(
    `${name} ${named(CONTROLS, selector, "control")}${channel}, unit ${index >>> 8}${arrow} ${control(selector, data)}`,
  );
}

function control(selector: number, data: Uint8Array): string {
  if (selector === MUTE && data.length === 1) return u8(data, 0) ? "on" : "off";
  // In units of 1/256 dB; the lowest is silence (UAC 1.0 §5.2.2.4.3.2).
  if (selector === VOLUME && data.length === 2) {
    const volume = i16(data, 0);
    return volume === -0x8000 ? "silence" : `${(volume / 256).toFixed(1)} dB`;
  }
  return hexBytes(data);
}

const NOTES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
const EVENTS_MAX = 256;

/** Four bytes an event: cable and code index number, then MIDI. */
export function describeMidi({ data }: Transfer): Description {
  const events: string[] = [];
  for (let at = 0; at + 4 <= data.length && events.length < EVENTS_MAX; at += 4) {
    if (u32(data, at) !== 0) events.push(midiEvent(data, at));
  }
  const [first, ...others] = events;
  const text =
    first === undefined ? "no event" : others.length ? `${first}, and ${count(others.length, "more event")}` : first;
  return say(`MIDI: ${text}`, ...events.map((words, index) => field(`event ${index + 1}`, words)));
}

function midiEvent(data: Uint8Array, at: number): string {
  const [head, status, first, second] = [0, 1, 2, 3].map((offset) => u8(data, at + offset)) as [
    number,
    number,
    number,
    number,
  ];
  const channel = `channel ${(status & 0x0f) + 1}`;
  const note = `${NOTES[first % 12]}${Math.floor(first / 12) - 1}`;
  switch (head & 0x0f) {
    case 0x8:
      return `note off ${note}, ${channel}`;
    case 0x9:
      return second === 0 ? `note off ${note}, ${channel}` : `note on ${note}, velocity ${second}, ${channel}`;
    case 0xa:
      return `pressure ${second} on ${note}, ${channel}`;
    case 0xb:
      return `control ${first} is ${second}, ${channel}`;
    case 0xc:
      return `program ${first + 1}, ${channel}`;
    case 0xd:
      return `pressure ${first}, ${channel}`;
    case 0xe:
      return `pitch bend ${(first | (second << 7)) - 0x2000}, ${channel}`;
    case 0x4:
    case 0x5:
    case 0x6:
    case 0x7:
      return `system exclusive ${hexBytes(data.subarray(at + 1, at + 4))}`;
    default:
      return `${hexBytes(data.subarray(at + 1, at + 4))}`;
  }
}
