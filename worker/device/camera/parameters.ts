/** The parameters of a video as Probe and Commit carry them (UVC 1.1 table 4-47): what the two sides agree on, and its bytes. */
import { put16 } from "../descriptor.ts";
import { put32 } from "./descriptors.ts";
import { type CameraModes, type Frame, payloadSize } from "./modes.ts";

/** Hz: µs, so that a microframe is 125. */
export const CLOCK_FREQUENCY = 1_000_000;

export const PARAMETERS_LENGTH = 34;
/** Hosts that know UVC 1.0 only leave the last eight bytes out. */
export const PARAMETERS_LENGTH_1_0 = 26;

const FORMAT_INDEX = 1;
/** bmFramingInfo: frame id and end of frame are in every payload header. */
const FRAMING_INFO = 0x03;
/** bPreferedVersion, bMinVersion, bMaxVersion of the payload. */
const PAYLOAD_VERSION = 1;

export interface VideoParameters {
  /** bmHint, as the host gave it. */
  readonly hint: number;
  /** bFrameIndex. */
  readonly frameIndex: number;
  readonly frame: Frame;
  /** dwFrameInterval, 100 ns. */
  readonly interval: number;
  /** dwMaxPayloadTransferSize. */
  readonly payload: number;
}

export function defaultParameters(modes: CameraModes): VideoParameters {
  return agree(modes, 0, modes.defaultFrame, 0);
}

/** The nearest that this camera can do to what a host asks for; 0 is the default (UVC 1.1 §4.3.1.1). */
export function negotiate(modes: CameraModes, asked: Uint8Array): VideoParameters {
  return agree(modes, get16(asked, 0), asked[3] ?? 0, get32(asked, 4));
}

/** The parameters that a host commits to, or undefined when they are not exactly some that were agreed on. */
export function committed(modes: CameraModes, asked: Uint8Array): VideoParameters | undefined {
  const agreed = negotiate(modes, asked);
  const same =
    asked[2] === FORMAT_INDEX &&
    asked[3] === agreed.frameIndex &&
    get32(asked, 4) === agreed.interval &&
    get32(asked, 18) === agreed.frame.bytes &&
    get32(asked, 22) === agreed.payload;
  return same ? agreed : undefined;
}

/** The middle one, which an emulated processor takes easily. */
export function defaultInterval(frame: Frame): number {
  return frame.intervals[(frame.intervals.length - 1) >> 1] ?? 0;
}

export function putParameters(into: Uint8Array, { hint, frameIndex, frame, interval, payload }: VideoParameters): void {
  into.fill(0, 0, PARAMETERS_LENGTH);
  put16(into, 0, hint);
  into[2] = FORMAT_INDEX;
  into[3] = frameIndex;
  put32(into, 4, interval);
  put32(into, 18, frame.bytes);
  put32(into, 22, payload);
  put32(into, 26, CLOCK_FREQUENCY);
  into[30] = FRAMING_INFO;
  into.fill(PAYLOAD_VERSION, 31, 34);
}

/** GET_MIN and GET_MAX: each field's own smallest or largest value. */
export function putExtreme(into: Uint8Array, modes: CameraModes, pick: (...values: number[]) => number): void {
  const { frames } = modes;
  const payloads = frames.flatMap((frame) => frame.intervals.map((interval) => payloadSize(modes, frame, interval)));
  const bytes = pick(...frames.map((frame) => frame.bytes));
  putParameters(into, {
    hint: 0,
    frameIndex: pick(1, frames.length),
    frame: { width: 0, height: 0, bytes, intervals: [] },
    interval: pick(...frames.flatMap((frame) => frame.intervals)),
    payload: pick(...payloads),
  });
}

/** GET_RES: indexes count by one; what is chosen from a list, and what the camera decides, has no step. */
export function putResolution(into: Uint8Array): void {
  into.fill(0, 0, PARAMETERS_LENGTH);
  into[2] = 1;
  into[3] = 1;
}

function agree(modes: CameraModes, hint: number, frameIndex: number, asked: number): VideoParameters {
  const index = frameIndex >= 1 && frameIndex <= modes.frames.length ? frameIndex : modes.defaultFrame;
  const frame = modes.frames[index - 1] as Frame;
  const interval = asked === 0 ? defaultInterval(frame) : nearest(frame.intervals, asked);
  return { hint, frameIndex: index, frame, interval, payload: payloadSize(modes, frame, interval) };
}

function nearest(values: readonly number[], asked: number): number {
  return values.reduce((best, each) => (Math.abs(each - asked) < Math.abs(best - asked) ? each : best));
}

function get16(from: Uint8Array, at: number): number {
  return (from[at] ?? 0) | ((from[at + 1] ?? 0) << 8);
}

function get32(from: Uint8Array, at: number): number {
  return (get16(from, at) | (get16(from, at + 2) << 16)) >>> 0;
}
