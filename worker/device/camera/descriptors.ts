/**
 * Descriptors of the video class: typed literals in, bytes out (UVC 1.1 §3.7 to §3.9, Uncompressed Payload 1.1 §3). Each `put…`
 * writes one descriptor at `at` and answers the offset behind it.
 */
import { bytesOf, put16 } from "../descriptor.ts";

/** UVC 1.1 appendix A. */
export const CC_VIDEO = 0x0e;
export const SC_VIDEOCONTROL = 0x01;
export const SC_VIDEOSTREAMING = 0x02;
export const SC_VIDEO_INTERFACE_COLLECTION = 0x03;
export const CS_INTERFACE = 0x24;
const VC_HEADER = 0x01;
const VC_INPUT_TERMINAL = 0x02;
const VC_OUTPUT_TERMINAL = 0x03;
const VC_PROCESSING_UNIT = 0x05;
const VS_INPUT_HEADER = 0x01;
const VS_FORMAT_UNCOMPRESSED = 0x04;
const VS_FRAME_UNCOMPRESSED = 0x05;
const VS_COLORFORMAT = 0x0d;
const ITT_CAMERA = 0x0201;
const TT_STREAMING = 0x0101;

const UVC_VERSION = 0x0110;
const SECOND = 10_000_000;

/** 32595559-0000-0010-8000-00AA00389B71 in the order of the wire. */
const GUID_YUY2 = Uint8Array.of(
  ...[0x59, 0x55, 0x59, 0x32, 0x00, 0x00, 0x10, 0x00],
  ...[0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71],
);

export interface FrameDescriptor {
  /** bFrameIndex, from 1. */
  readonly index: number;
  readonly width: number;
  readonly height: number;
  /** dwMaxVideoFrameBufferSize. */
  readonly bytes: number;
  /** Units of 100 ns, shortest first. */
  readonly intervals: readonly number[];
  /** dwDefaultFrameInterval. */
  readonly defaultInterval: number;
}

export interface VideoControlDescriptors {
  /** dwClockFrequency: Hz of the clock of payload headers. */
  readonly clockFrequency: number;
  /** baInterfaceNr: the one streaming interface. */
  readonly streamingInterface: number;
  /** Ids of the units, in the order the picture passes them. */
  readonly camera: number;
  readonly processing: number;
  readonly output: number;
}

export interface VideoStreamingDescriptors {
  /** bEndpointAddress. */
  readonly endpoint: number;
  /** bTerminalLink: the output terminal. */
  readonly terminal: number;
  readonly frames: readonly FrameDescriptor[];
  /** bDefaultFrameIndex. */
  readonly defaultFrame: number;
}

/** The class-specific descriptors of the control interface: a camera, a processing unit without controls, the USB. */
export function videoControl(video: VideoControlDescriptors): Uint8Array {
  return bytesOf((into) => {
    let end = putHeader(into, 0, video);
    end = putCameraTerminal(into, end, video.camera);
    end = putProcessingUnit(into, end, video.processing, video.camera);
    end = putOutputTerminal(into, end, video.output, video.processing);
    put16(into, 5, end); // wTotalLength
    return end;
  });
}

/** The class-specific descriptors of alternate 0 of the streaming interface: one format, its frames, its colours. */
export function videoStreaming(video: VideoStreamingDescriptors): Uint8Array {
  return bytesOf((into) => {
    let end = putInputHeader(into, 0, video);
    end = putFormat(into, end, video);
    for (const frame of video.frames) end = putFrame(into, end, frame);
    end = putColorMatching(into, end);
    put16(into, 4, end); // wTotalLength
    return end;
  });
}

/** UVC 1.1 §3.7.2. wTotalLength stays open. */
function putHeader(into: Uint8Array, at: number, video: VideoControlDescriptors): number {
  begin(into, at, 13, VC_HEADER);
  put16(into, at + 3, UVC_VERSION);
  put32(into, at + 7, video.clockFrequency);
  into[at + 11] = 1; // bInCollection
  into[at + 12] = video.streamingInterface;
  return at + 13;
}

/** UVC 1.1 §3.7.2.3: no zoom lens, no controls. */
function putCameraTerminal(into: Uint8Array, at: number, id: number): number {
  begin(into, at, 18, VC_INPUT_TERMINAL);
  into[at + 3] = id;
  put16(into, at + 4, ITT_CAMERA);
  into.fill(0, at + 6, at + 14); // bAssocTerminal, iTerminal, focal lengths
  into[at + 14] = 3; // bControlSize
  into.fill(0, at + 15, at + 18); // bmControls
  return at + 18;
}

/** UVC 1.1 §3.7.2.5: no controls. */
function putProcessingUnit(into: Uint8Array, at: number, id: number, source: number): number {
  begin(into, at, 12, VC_PROCESSING_UNIT);
  into[at + 3] = id;
  into[at + 4] = source;
  put16(into, at + 5, 0); // wMaxMultiplier
  into[at + 7] = 2; // bControlSize
  into.fill(0, at + 8, at + 12); // bmControls, iProcessing, bmVideoStandards
  return at + 12;
}

/** UVC 1.1 §3.7.2.2. */
function putOutputTerminal(into: Uint8Array, at: number, id: number, source: number): number {
  begin(into, at, 9, VC_OUTPUT_TERMINAL);
  into[at + 3] = id;
  put16(into, at + 4, TT_STREAMING);
  into[at + 6] = 0; // bAssocTerminal
  into[at + 7] = source;
  into[at + 8] = 0; // iTerminal
  return at + 9;
}

/** UVC 1.1 §3.9.2.1: no still pictures. wTotalLength stays open. */
function putInputHeader(into: Uint8Array, at: number, video: VideoStreamingDescriptors): number {
  begin(into, at, 14, VS_INPUT_HEADER);
  into[at + 3] = 1; // bNumFormats
  into[at + 6] = video.endpoint;
  into[at + 7] = 0; // bmInfo
  into[at + 8] = video.terminal;
  into.fill(0, at + 9, at + 12); // bStillCaptureMethod, bTriggerSupport, bTriggerUsage
  into[at + 12] = 1; // bControlSize
  into[at + 13] = 0; // bmaControls
  return at + 14;
}

/** Uncompressed Payload 1.1 §3.1.1: YUY2, progressive. */
function putFormat(into: Uint8Array, at: number, video: VideoStreamingDescriptors): number {
  begin(into, at, 27, VS_FORMAT_UNCOMPRESSED);
  into[at + 3] = 1; // bFormatIndex
  into[at + 4] = video.frames.length;
  into.set(GUID_YUY2, at + 5);
  into[at + 21] = 16; // bBitsPerPixel
  into[at + 22] = video.defaultFrame;
  into.fill(0, at + 23, at + 27); // bAspectRatioX and Y, bmInterlaceFlags, bCopyProtect
  return at + 27;
}

/** Uncompressed Payload 1.1 §3.1.2. */
function putFrame(into: Uint8Array, at: number, frame: FrameDescriptor): number {
  const { intervals, bytes } = frame;
  const length = 26 + 4 * intervals.length;
  begin(into, at, length, VS_FRAME_UNCOMPRESSED);
  into[at + 3] = frame.index;
  into[at + 4] = 0; // bmCapabilities
  put16(into, at + 5, frame.width);
  put16(into, at + 7, frame.height);
  put32(into, at + 9, bitRate(bytes, intervals.at(-1)));
  put32(into, at + 13, bitRate(bytes, intervals[0]));
  put32(into, at + 17, bytes);
  put32(into, at + 21, frame.defaultInterval);
  into[at + 25] = intervals.length;
  for (const [index, interval] of intervals.entries()) put32(into, at + 26 + 4 * index, interval);
  return at + length;
}

/** UVC 1.1 §3.9.2.6: primaries and transfer of BT.709, the luma and chroma of SMPTE 170M (BT.601). */
function putColorMatching(into: Uint8Array, at: number): number {
  begin(into, at, 6, VS_COLORFORMAT);
  into[at + 3] = 1;
  into[at + 4] = 1;
  into[at + 5] = 4;
  return at + 6;
}

/** Bits a second. */
function bitRate(bytes: number, interval = SECOND): number {
  return Math.round((bytes * 8 * SECOND) / interval);
}

function begin(into: Uint8Array, at: number, length: number, subtype: number): void {
  into[at] = length;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = subtype;
}

export function put32(into: Uint8Array, at: number, value: number): void {
  put16(into, at, value);
  put16(into, at + 2, value >>> 16);
}
