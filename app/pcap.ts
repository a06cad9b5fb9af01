/**
 * Captures in the pcap format with usbmon's records, link type 220 (LINKTYPE_USB_LINUX_MMAPPED), which Wireshark and
 * tcpdump read. Little-endian.
 *
 *   file    magic u32 | version 2.4 | zone u32 | accuracy u32 | longest packet u32 | link type u32
 *   packet  seconds u32 | µs u32 | bytes captured u32 | bytes there were u32 | usbmon's header, 64 bytes | data
 *
 *   usbmon  0x00 id u64          0x08 'S' or 'C'    0x09 transfer type   0x0A endpoint    0x0B device u8   0x0C bus u16
 *           0x0E setup flag      0x0F data flag     0x10 seconds s64     0x18 µs s32      0x1C status s32
 *           0x20 length u32      0x24 captured u32  0x28 setup[8]        0x30 interval, start frame, flags, descriptors
 */
import {
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
} from "../asm/layout.ts";
import type { UrbTrace } from "./urb-trace.ts";

const MAGIC = 0xa1b2c3d4;
const LINK_TYPE = 220;
const FILE_HEADER_SIZE = 24;
const PACKET_HEADER_SIZE = 16;
const USBMON_HEADER_SIZE = 64;
/** Wireshark takes no longer packets. */
const PACKET_MAX = 262_144;

const BUS = 1;
/** Every plug of a port is another device; ports are at most 15, usbmon's devices at most 127. */
const PLUGS_TOLD_APART = 8;
const PORTS_PER_PLUG = 16;

const ABSENT = "-".charCodeAt(0);
const ABSENT_IN = "<".charCodeAt(0);
const ABSENT_OUT = ">".charCodeAt(0);

/** usbmon's numbers for transfer types. */
const TRANSFER_TYPES: Readonly<Record<number, number>> = {
  [TYPE_ISOCHRONOUS]: 0,
  [TYPE_INTERRUPT]: 1,
  [TYPE_CONTROL]: 2,
  [TYPE_BULK]: 3,
};

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

/** What a capture begins with. */
export function pcapHeader(): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(FILE_HEADER_SIZE));
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(8, 0, true);
  view.setUint32(12, 0, true);
  view.setUint32(16, PACKET_MAX, true);
  view.setUint32(20, LINK_TYPE, true);
  return new Uint8Array(view.buffer);
}

/** One submission or completion. */
export function pcapPacket(trace: UrbTrace): Uint8Array<ArrayBuffer> {
  const { phase, setup, data, endpoint } = trace;
  const captured = Math.min(data.length, PACKET_MAX - USBMON_HEADER_SIZE);
  const bytes = new Uint8Array(PACKET_HEADER_SIZE + USBMON_HEADER_SIZE + captured);
  const view = new DataView(bytes.buffer);
  const seconds = Math.floor(trace.time / 1e6);
  const micros = Math.floor(trace.time % 1e6);
  view.setUint32(0, seconds, true);
  view.setUint32(4, micros, true);
  view.setUint32(8, USBMON_HEADER_SIZE + captured, true);
  view.setUint32(12, USBMON_HEADER_SIZE + data.length, true);

  const at = PACKET_HEADER_SIZE;
  const submitted = phase === "submit";
  const carriesSetup = submitted && setup !== undefined;
  view.setBigUint64(at, BigInt(trace.id), true);
  view.setUint8(at + 0x08, (submitted ? "S" : "C").charCodeAt(0));
  view.setUint8(at + 0x09, TRANSFER_TYPES[trace.type] ?? 0);
  view.setUint8(at + 0x0a, endpoint);
  view.setUint8(at + 0x0b, trace.port + PORTS_PER_PLUG * ((trace.plug - 1) % PLUGS_TOLD_APART));
  view.setUint16(at + 0x0c, BUS, true);
  view.setUint8(at + 0x0e, carriesSetup ? 0 : ABSENT);
  view.setUint8(at + 0x0f, data.length > 0 ? 0 : endpoint & 0x80 ? ABSENT_IN : ABSENT_OUT);
  view.setBigInt64(at + 0x10, BigInt(seconds), true);
  view.setInt32(at + 0x18, micros, true);
  view.setInt32(at + 0x1c, submitted ? -EINPROGRESS : -(ERRORS[trace.status] ?? 0), true);
  view.setUint32(at + 0x20, submitted ? trace.length : trace.actual, true);
  view.setUint32(at + 0x24, captured, true);
  if (carriesSetup) bytes.set(setup, at + 0x28);
  bytes.set(data.subarray(0, captured), at + USBMON_HEADER_SIZE);
  return bytes;
}

const TYPE_WORDS: Readonly<Record<number, string>> = {
  [TYPE_CONTROL]: "control",
  [TYPE_ISOCHRONOUS]: "isochronous",
  [TYPE_BULK]: "bulk",
  [TYPE_INTERRUPT]: "interrupt",
};

const STATUS_WORDS: Readonly<Record<number, string>> = {
  [STATUS_OK]: "ok",
  [STATUS_STALL]: "stall",
  [STATUS_BABBLE]: "babble",
  [STATUS_TRANSACTION_ERROR]: "error",
  [STATUS_NO_DEVICE]: "no device",
  [STATUS_CANCELLED]: "cancelled",
  [STATUS_INVALID]: "invalid",
};

const BYTES_SHOWN = 16;

/** One line for a person: `3.141593 port 1 #7 S bulk 0x81 512` and `3.141771 port 1 #7 C bulk 0x81 ok 13/512 5553…`. */
export function traceLine(trace: UrbTrace, since: number): string {
  const seconds = ((trace.time - since) / 1e6).toFixed(6);
  const endpoint = `0x${trace.endpoint.toString(16).padStart(2, "0")}`;
  const head = `${seconds} port ${trace.port} #${trace.id}`;
  const what = `${TYPE_WORDS[trace.type]} ${endpoint}`;
  const setup = trace.setup ? `[${hex(trace.setup)}]` : "";
  const shown = hex(trace.data.subarray(0, BYTES_SHOWN)) + (trace.data.length > BYTES_SHOWN ? "…" : "");
  const parts =
    trace.phase === "submit"
      ? [head, "S", what, setup, trace.length, shown]
      : [head, "C", what, STATUS_WORDS[trace.status], `${trace.actual}/${trace.length}`, shown];
  return parts.filter((part) => part !== "").join(" ");
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
