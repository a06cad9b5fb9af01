/** What a camera offers: sizes, frame intervals, and packets a service interval, all by its speed. */
import { PlugError } from "../../plug-error.ts";
import type { CompanionDescriptor } from "../descriptor.ts";

export type CameraSpeed = "full" | "high" | "super";
export type CameraTransfer = "isochronous" | "bulk";
export type CameraSize = keyof typeof SIZES;

/** One size. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  /** dwMaxVideoFrameSize: of a picture in YUY2. */
  readonly bytes: number;
  /** Units of 100 ns, shortest first. */
  readonly intervals: readonly number[];
}

/** Alternate 1, 2, and so on of the streaming interface, when it is isochronous. */
export interface Alternate {
  readonly maxPacketSize: number;
  readonly companion?: CompanionDescriptor;
  /** Bytes a service interval. */
  readonly payload: number;
}

export interface CameraModes {
  readonly speed: CameraSpeed;
  readonly transfer: CameraTransfer;
  /** bFrameIndex 1, 2, and so on. */
  readonly frames: readonly Frame[];
  /** bDefaultFrameIndex. */
  readonly defaultFrame: number;
  readonly alternates: readonly Alternate[];
  /** wMaxPacketSize of the bulk variant. */
  readonly bulkPacketSize: number;
}

/** UVC 1.1 §2.4.3.3: with presentation time and source clock, and without. */
export const ISOCHRONOUS_HEADER = 12;
export const BULK_HEADER = 2;
/** Packets of a bulk payload: what Linux asks for with one URB. */
const BULK_PAYLOAD_PACKETS = 32;

const SIZES = { "160x120": [160, 120], "320x240": [320, 240], "640x480": [640, 480] } as const;
/** Not the largest: an emulated processor takes this one easily. */
const DEFAULT_SIZE: CameraSize = "320x240";

const SECOND = 10_000_000;
/** 30, 15, 5 and 1 a second; of these, the first three that fit. */
const INTERVALS = [333_333, 666_666, 2_000_000, SECOND] as const;
const INTERVALS_MAX = 3;
export const FPS_MAX = 60;

/** Packets of each alternate (USB 2.0 §5.6.3 and table 9-14, USB 3.2 §9.6.6 and §9.6.7). */
const SPEEDS = {
  full: { service: 10_000, bulkPacketSize: 64, alternates: [128, 256, 512, 1023].map((size) => highSpeed(size, 1)) },
  high: {
    service: 1_250,
    bulkPacketSize: 512,
    alternates: [highSpeed(256, 1), highSpeed(512, 1), highSpeed(1024, 1), highSpeed(1024, 2), highSpeed(1024, 3)],
  },
  super: { service: 1_250, bulkPacketSize: 1024, alternates: [superSpeed(1), superSpeed(2), superSpeed(4)] },
} as const satisfies Record<CameraSpeed, object>;

export interface ModeOptions {
  /** The largest size that is offered. */
  readonly size?: CameraSize | undefined;
  /** The only rate that is offered, in pictures a second. */
  readonly fps?: number | undefined;
  readonly transfer?: CameraTransfer | undefined;
  readonly speed?: CameraSpeed | undefined;
}

/** Throws a PlugError for options that no camera can have. */
export function cameraModes(options: ModeOptions = {}): CameraModes {
  const { size = "640x480", fps, transfer = "isochronous", speed = "high" } = options;
  if (!Object.hasOwn(SPEEDS, speed)) throw refused(`A camera has no speed "${speed}"`);
  if (!Object.hasOwn(SIZES, size))
    throw refused(`A camera has no size "${size}"; it has ${Object.keys(SIZES).join(", ")}`);
  if (transfer !== "isochronous" && transfer !== "bulk") throw refused(`A camera has no transfer "${transfer}"`);
  if (fps !== undefined && !(fps >= 1 && fps <= FPS_MAX)) {
    throw refused(`A camera takes 1 to ${FPS_MAX} pictures a second, and not ${fps}`);
  }
  const { alternates, bulkPacketSize } = SPEEDS[speed];
  const wanted = fps === undefined ? INTERVALS : [Math.round(SECOND / fps)];
  const frames: Frame[] = [];
  let defaultFrame = 1;
  for (const [name, [width, height]] of Object.entries(SIZES)) {
    const bytes = width * height * 2;
    const intervals = wanted.filter((each) => fits(speed, bytes, each, largest(alternates))).slice(0, INTERVALS_MAX);
    if (intervals.length > 0) frames.push({ width, height, bytes, intervals });
    if (name === DEFAULT_SIZE) defaultFrame = Math.max(1, frames.length);
    if (name === size) break;
  }
  if (frames.length === 0) throw refused(`A ${speed}-speed camera cannot send even ${Object.keys(SIZES)[0]} so fast`);
  return { speed, transfer, frames, defaultFrame: Math.min(defaultFrame, frames.length), alternates, bulkPacketSize };
}

/** dwMaxPayloadTransferSize (UVC 1.1 table 4-47): of the smallest alternate that takes the video, or of a bulk payload. */
export function payloadSize(modes: CameraModes, frame: Frame, interval: number): number {
  if (modes.transfer === "bulk") return BULK_PAYLOAD_PACKETS * modes.bulkPacketSize;
  const { alternates, speed } = modes;
  return alternates.find(({ payload }) => fits(speed, frame.bytes, interval, payload))?.payload ?? largest(alternates);
}

/** Does a picture pass within its interval? It begins with the first service interval after its time has come. */
function fits(speed: CameraSpeed, bytes: number, interval: number, payload: number): boolean {
  return Math.ceil(bytes / (payload - ISOCHRONOUS_HEADER)) <= Math.floor(interval / SPEEDS[speed].service);
}

function largest(alternates: readonly Alternate[]): number {
  return alternates.at(-1)?.payload ?? 0;
}

/** wMaxPacketSize with further transactions a microframe in bits 12..11; at full speed there are none. */
function highSpeed(size: number, transactions: number): Alternate {
  return { maxPacketSize: size | ((transactions - 1) << 11), payload: size * transactions };
}

function superSpeed(packets: number): Alternate {
  const payload = 1024 * packets;
  return { maxPacketSize: 1024, companion: { maxBurst: packets - 1, bytesPerInterval: payload }, payload };
}

function refused(reason: string): PlugError {
  return new PlugError("UnsupportedError", `${reason}.`);
}
