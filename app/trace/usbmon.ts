/**
 * A URB as Linux's usbmon records it, link type 220 (LINKTYPE_USB_LINUX_MMAPPED): Documentation/usb/usbmon.rst, "Raw
 * binary format and API". Codec only. Little-endian.
 *
 *   0x00 id u64          0x08 'S' or 'C'    0x09 transfer type   0x0A endpoint    0x0B device u8   0x0C bus u16
 *   0x0E setup flag      0x0F data flag     0x10 seconds s64     0x18 µs s32      0x1C status s32
 *   0x20 length u32      0x24 captured u32, with the packets' descriptors
 *   0x28 setup[8], or (isochronous) packets with an error s32, packets s32
 *   0x30 interval s32    0x34 first frame s32                    0x38 flags u32   0x3C packets' descriptors u32
 *   0x40 packets' descriptors: status s32, offset u32, length u32, 0 u32; then the data
 *
 * Intervals and frames count in frames on a low or full speed bus, and in microframes on a faster one. An isochronous
 * URB has one packet here: that of one service interval.
 */
import {
  FLAG_ZERO_PACKET,
  SPEED_FULL,
  SPEED_LOW,
  STATUS_BABBLE,
  STATUS_CANCELLED,
  STATUS_INVALID,
  STATUS_NO_DEVICE,
  STATUS_OK,
  STATUS_STALL,
  STATUS_TRANSACTION_ERROR,
  TYPE_BULK,
  TYPE_CONTROL,
  TYPE_INTERRUPT,
  TYPE_ISOCHRONOUS,
} from "../../asm/layout.ts";
import type { UrbTrace } from "./urb-trace.ts";

export const LINKTYPE_USB_LINUX_MMAPPED = 220;
/** Wireshark takes no longer packets. */
export const PACKET_MAX = 262_144;

const HEADER_SIZE = 64;
const DESCRIPTOR_SIZE = 16;

const SUBMISSION = "S".charCodeAt(0);
const COMPLETION = "C".charCodeAt(0);
const NO_SETUP = "-".charCodeAt(0);
const DATA_COMES_LATER = "<".charCodeAt(0);
const DATA_CAME_BEFORE = ">".charCodeAt(0);

/** usbmon's numbers for transfer types. */
const TRANSFER_TYPES: Readonly<Record<number, number>> = {
  [TYPE_ISOCHRONOUS]: 0,
  [TYPE_INTERRUPT]: 1,
  [TYPE_CONTROL]: 2,
  [TYPE_BULK]: 3,
};

// Flags of a URB, as Linux numbers them in include/linux/usb.h
const URB_ZERO_PACKET = 0x0040;
const URB_DIR_IN = 0x0200;

const EXDEV = 18;
const EINPROGRESS = 115;
/** Linux's error numbers for a URB's status: Documentation/driver-api/usb/error-codes.rst. */
const ERRORS: Readonly<Record<number, number>> = {
  [STATUS_OK]: 0,
  [STATUS_STALL]: 32, // EPIPE
  [STATUS_BABBLE]: 75, // EOVERFLOW
  [STATUS_TRANSACTION_ERROR]: 71, // EPROTO
  [STATUS_NO_DEVICE]: 19, // ENODEV
  [STATUS_CANCELLED]: 104, // ECONNRESET
  [STATUS_INVALID]: 22, // EINVAL
};

/** Of an isochronous URB, what is wrong with a packet is the packet's; the URB as a whole ends well. */
const OF_ALL: ReadonlySet<number> = new Set([STATUS_NO_DEVICE, STATUS_CANCELLED]);

export interface UsbmonPacket {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of the whole, of which `bytes` are the first. */
  readonly originalLength: number;
}

/** One submission or completion, on the bus of that number. */
export function usbmonPacket(trace: UrbTrace, bus: number): UsbmonPacket {
  const { data, endpoint, setup, time, type } = trace;
  const submitted = trace.phase === "submit";
  const isIn = (endpoint & 0x80) !== 0;
  const isIsochronous = type === TYPE_ISOCHRONOUS;
  const isPeriodic = isIsochronous || type === TYPE_INTERRUPT;
  const dataAt = HEADER_SIZE + (isIsochronous ? DESCRIPTOR_SIZE : 0);
  const captured = data.subarray(0, PACKET_MAX - dataAt);
  const error = ERRORS[trace.status] ?? 0;

  const view = new DataView(new ArrayBuffer(dataAt + captured.length));
  const bytes = new Uint8Array(view.buffer);
  view.setBigUint64(0x00, BigInt(trace.id), true);
  view.setUint8(0x08, submitted ? SUBMISSION : COMPLETION);
  view.setUint8(0x09, TRANSFER_TYPES[type] ?? 0);
  view.setUint8(0x0a, endpoint);
  view.setUint8(0x0b, trace.address);
  view.setUint16(0x0c, bus, true);
  view.setUint8(0x0e, submitted && setup ? 0 : NO_SETUP);
  view.setUint8(0x0f, submitted !== isIn ? 0 : isIn ? DATA_COMES_LATER : DATA_CAME_BEFORE);
  view.setBigInt64(0x10, BigInt(Math.floor(time / 1e6)), true);
  view.setInt32(0x18, time % 1e6, true);
  if (submitted) view.setInt32(0x1c, -EINPROGRESS, true);
  else if (!isIsochronous || OF_ALL.has(trace.status)) view.setInt32(0x1c, -error, true);
  view.setUint32(0x20, submitted ? trace.length : trace.actual, true);
  view.setUint32(0x24, bytes.length - HEADER_SIZE, true);
  if (submitted && setup) bytes.set(setup, 0x28);
  if (isPeriodic) {
    view.setInt32(0x30, trace.interval / unit(trace.speed), true);
  }
  view.setUint32(0x38, (trace.flags & FLAG_ZERO_PACKET ? URB_ZERO_PACKET : 0) | (isIn ? URB_DIR_IN : 0), true);
  if (isIsochronous) {
    view.setInt32(0x28, error === 0 ? 0 : 1, true);
    view.setInt32(0x2c, 1, true);
    view.setInt32(0x34, (trace.frame * MICROFRAME) / unit(trace.speed), true);
    view.setUint32(0x3c, 1, true);
    view.setInt32(HEADER_SIZE, submitted ? -EXDEV : -error, true);
    view.setUint32(HEADER_SIZE + 8, submitted ? trace.length : trace.actual, true);
  }
  bytes.set(captured, dataAt);
  return { bytes, originalLength: dataAt + data.length };
}

const MICROFRAME = 125;
const FRAME = 1000;

/** In µs, what intervals are multiples of. */
function unit(speed: number): number {
  return speed === SPEED_FULL || speed === SPEED_LOW ? FRAME : MICROFRAME;
}
