/**
 * The pcapng file format (IETF draft-ietf-opsawg-pcapng), which Wireshark and tshark read: a section, one interface per
 * controller, then packets. Codec only. Little-endian; each block and each option ends on a multiple of four.
 *
 *   block                 type u32 | bytes u32 | body | bytes u32, the same again
 *   Section Header        0x0A0D0D0A: magic u32 | version 1.0, u16 each | section's length s64, -1 unknown | options
 *   Interface Description 1: link type u16 | 0 u16 | longest packet u32 | options
 *   Enhanced Packet       6: interface u32 | time, upper u32, lower u32 | captured u32 | was u32 | packet | options
 *   option                code u16 | bytes u16 | value; the last one is 0 of 0 bytes
 */

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const VERSION_MAJOR = 1;
const VERSION_MINOR = 0;

const OPT_COMMENT = 1;
const SHB_USERAPPL = 4;
const IF_NAME = 2;
const IF_DESCRIPTION = 3;
const IF_TSRESOL = 9;
/** A power of ten: the unit of time is 10^-6 s. */
const MICROSECONDS = 6;

const BLOCK_FRAME = 12;
const OPTION_HEAD = 4;

type Option = readonly [code: number, value: Uint8Array];

/** What a file begins with; `application` is the program that wrote it. */
export function sectionHeader(application: string): Uint8Array<ArrayBuffer> {
  return block(SECTION_HEADER, 16, [[SHB_USERAPPL, text(application)]], (view, at) => {
    view.setUint32(at, BYTE_ORDER_MAGIC, true);
    view.setUint16(at + 4, VERSION_MAJOR, true);
    view.setUint16(at + 6, VERSION_MINOR, true);
    view.setBigInt64(at + 8, -1n, true);
  });
}

export interface InterfaceDescription {
  readonly linkType: number;
  /** Bytes of the longest packet that is captured whole. */
  readonly longest: number;
  readonly name: string;
  readonly description: string;
}

/** Interfaces are numbered from 0, in their order in the section. */
export function interfaceDescription(of: InterfaceDescription): Uint8Array<ArrayBuffer> {
  const options: Option[] = [
    [IF_NAME, text(of.name)],
    [IF_DESCRIPTION, text(of.description)],
    [IF_TSRESOL, Uint8Array.of(MICROSECONDS)],
  ];
  return block(INTERFACE_DESCRIPTION, 8, options, (view, at) => {
    view.setUint16(at, of.linkType, true);
    view.setUint32(at + 4, of.longest, true);
  });
}

export interface Packet {
  /** Which interface of the section. */
  readonly interface: number;
  /** µs since 1970. */
  readonly time: number;
  readonly bytes: Uint8Array;
  /** Bytes that there were, of which `bytes` are the first. */
  readonly originalLength: number;
  readonly comment?: string | undefined;
}

export function enhancedPacket(packet: Packet): Uint8Array<ArrayBuffer> {
  const { bytes, comment, time } = packet;
  const options: Option[] = comment === undefined ? [] : [[OPT_COMMENT, text(comment)]];
  return block(ENHANCED_PACKET, 20 + padded(bytes.length), options, (view, at) => {
    view.setUint32(at, packet.interface, true);
    view.setUint32(at + 4, Math.floor(time / 2 ** 32), true);
    view.setUint32(at + 8, time % 2 ** 32, true);
    view.setUint32(at + 12, bytes.length, true);
    view.setUint32(at + 16, packet.originalLength, true);
    new Uint8Array(view.buffer).set(bytes, at + 20);
  });
}

function block(
  type: number,
  bodyLength: number,
  options: readonly Option[],
  writeBody: (view: DataView<ArrayBuffer>, at: number) => void,
): Uint8Array<ArrayBuffer> {
  const size = BLOCK_FRAME + bodyLength + optionsSize(options);
  const view = new DataView(new ArrayBuffer(size));
  const bytes = new Uint8Array(view.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, size, true);
  view.setUint32(size - 4, size, true);
  writeBody(view, 8);
  let at = 8 + bodyLength;
  for (const [code, value] of options) {
    view.setUint16(at, code, true);
    view.setUint16(at + 2, value.length, true);
    bytes.set(value, at + OPTION_HEAD);
    at += OPTION_HEAD + padded(value.length);
  }
  return bytes;
}

/** Without options there is no end of options either. */
function optionsSize(options: readonly Option[]): number {
  if (options.length === 0) return 0;
  return options.reduce((size, [, value]) => size + OPTION_HEAD + padded(value.length), OPTION_HEAD);
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

/** An option's length is 16 bits. */
const TEXT_MAX = 0xffff;

function text(words: string): Uint8Array {
  const bytes = new TextEncoder().encode(words);
  return bytes.length > TEXT_MAX ? bytes.subarray(0, TEXT_MAX) : bytes;
}
