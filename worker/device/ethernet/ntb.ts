/**
 * NCM Transfer Blocks of 16 bits without CRC (NCM 1.0 §3): several frames in one transfer, here with the datagram pointers
 * last.
 *
 *   0        12                                          wNdpIndex
 *   ┌────────┬──┬───────────┬──┬───────────┬─ … ─────────┬────────┬────────────────┬─────┐
 *   │ NTH16  │  │ datagram  │  │ datagram  │             │ NDP16  │ index, length… │ 0 0 │
 *   └────────┴──┴───────────┴──┴───────────┴─ … ─────────┴────────┴────────────────┴─────┘
 */
import { FRAME_MAX } from "./ethernet-port.ts";

/** dwNtbInMaxSize and dwNtbOutMaxSize: more than Linux asks for unless it is told to. */
export const NTB_SIZE_MAX = 16384;
/** The smallest that a host may set (NCM 1.0 §6.2.7). */
export const NTB_SIZE_MIN = 2048;

/** wNtbOutMaxDatagrams, and what we put into one of ours: Linux takes and sends up to 40. */
export const DATAGRAMS_MAX = 40;

const NTH16_SIGNATURE = 0x484d434e; // "NCMH" (NCM 1.0 §3.2.1)
const NTH16_LENGTH = 12;
const NDP16_SIGNATURE = 0x304d434e; // "NCM0": Ethernet, no CRC (NCM 1.0 §3.3.1)
const NDP16_LENGTH = 8;
const NDP16_LENGTH_MIN = 16;
const POINTER_LENGTH = 4;
/** wNdpInAlignment and wNdpOutAlignment. */
export const NDP_ALIGNMENT = 4;
/** wNdpInDivisor, wNdpInPayloadRemainder 0: what is behind a frame's 14 bytes of header is aligned to this (NCM 1.0 §3.3.4). */
export const PAYLOAD_DIVISOR = 4;
const ETHERNET_HEADER = 14;

/** Places that an NTB may name: its header, its NDPs, its datagrams. */
const PIECES_MAX = 1 + DATAGRAMS_MAX * 2;

export class NtbReader {
  /** Where each piece begins and ends. */
  readonly #starts = new Uint16Array(PIECES_MAX);
  readonly #ends = new Uint16Array(PIECES_MAX);
  #pieces = 0;
  /** Pieces that are datagrams. */
  readonly #datagrams = new Uint8Array(DATAGRAMS_MAX);
  #count = 0;

  /** Datagrams of the NTB that was read. */
  get count(): number {
    return this.#count;
  }

  start(datagram: number): number {
    return this.#starts[this.#datagrams[datagram] ?? 0] ?? 0;
  }

  end(datagram: number): number {
    return this.#ends[this.#datagrams[datagram] ?? 0] ?? 0;
  }

  /**
   * Finds the datagrams of an NTB, the first `length` of these bytes. False, and no datagram, when anything in it is not as
   * it must be: nothing may lie outside, and no two things in one place, so that a loop of NDPs is none either.
   */
  read(bytes: Uint8Array, length: number): boolean {
    this.#pieces = 0;
    this.#count = 0;
    if (this.#readHeader(bytes, Math.min(length, bytes.length, NTB_SIZE_MAX))) return true;
    this.#count = 0;
    return false;
  }

  #readHeader(bytes: Uint8Array, length: number): boolean {
    if (length < NTH16_LENGTH || get32(bytes, 0) !== NTH16_SIGNATURE || get16(bytes, 4) !== NTH16_LENGTH) return false;
    const blockLength = get16(bytes, 8) || length; // 0: the transfer's length
    if (blockLength > length || !this.#claim(0, NTH16_LENGTH, blockLength)) return false;
    let index = get16(bytes, 10);
    while (index !== 0) {
      const next = this.#readPointers(bytes, index, blockLength);
      if (next < 0) return false;
      index = next;
    }
    return true;
  }

  /** An NDP16 (NCM 1.0 §3.3.1). Answers wNextNdpIndex, or -1. */
  #readPointers(bytes: Uint8Array, index: number, blockLength: number): number {
    if (index % NDP_ALIGNMENT !== 0 || index + NDP16_LENGTH_MIN > blockLength) return -1;
    const end = index + get16(bytes, index + 4);
    if (get32(bytes, index) !== NDP16_SIGNATURE || (end - index) % POINTER_LENGTH !== 0) return -1;
    if (end - index < NDP16_LENGTH_MIN || !this.#claim(index, end, blockLength)) return -1;
    for (let at = index + NDP16_LENGTH; at < end; at += POINTER_LENGTH) {
      const start = get16(bytes, at);
      const length = get16(bytes, at + 2);
      if (start === 0 || length === 0) return get16(bytes, index + 6);
      if (this.#count === DATAGRAMS_MAX || !this.#claim(start, start + length, blockLength)) return -1;
      this.#datagrams[this.#count++] = this.#pieces - 1;
    }
    return -1; // "The last entry … shall be zero"
  }

  /** Nothing else may be there, and it may not reach beyond the block. */
  #claim(start: number, end: number, blockLength: number): boolean {
    if (end > blockLength || this.#pieces === PIECES_MAX) return false;
    for (let piece = 0; piece < this.#pieces; piece++) {
      if (start < (this.#ends[piece] ?? 0) && end > (this.#starts[piece] ?? 0)) return false;
    }
    this.#starts[this.#pieces] = start;
    this.#ends[this.#pieces++] = end;
    return true;
  }
}

export class NtbWriter {
  /** Room behind it for a frame's copy that is longer than the frame (`EthernetPort.take`). */
  readonly bytes = new Uint8Array(NTB_SIZE_MAX + FRAME_MAX);
  readonly #starts = new Uint16Array(DATAGRAMS_MAX);
  readonly #ends = new Uint16Array(DATAGRAMS_MAX);
  #count = 0;
  #limit = 0;
  #sequence = 0;

  /** Datagrams in it so far. */
  get count(): number {
    return this.#count;
  }

  /** A new one of at most `limit` bytes. */
  begin(limit: number): void {
    this.#count = 0;
    this.#limit = Math.min(limit, NTB_SIZE_MAX);
  }

  /** Sequence numbers begin anew, as when the host selects alternate 0. */
  reset(): void {
    this.#sequence = 0;
  }

  /** Where in `bytes` to put the next datagram, or -1 when there is no room for so many bytes. */
  place(length: number): number {
    if (this.#count === DATAGRAMS_MAX) return -1;
    const start = align(this.#end + ETHERNET_HEADER, PAYLOAD_DIVISOR) - ETHERNET_HEADER;
    const end = start + length;
    if (align(end, NDP_ALIGNMENT) + pointersLength(this.#count + 1) > this.#limit) return -1;
    this.#starts[this.#count] = start;
    this.#ends[this.#count++] = end;
    return start;
  }

  /** Writes what is around the datagrams. Answers the length of the whole. */
  finish(): number {
    const { bytes } = this;
    const index = align(this.#end, NDP_ALIGNMENT);
    const length = index + pointersLength(this.#count);
    put32(bytes, 0, NTH16_SIGNATURE);
    put16(bytes, 4, NTH16_LENGTH);
    put16(bytes, 6, this.#sequence++);
    put16(bytes, 8, length);
    put16(bytes, 10, index);
    put32(bytes, index, NDP16_SIGNATURE);
    put16(bytes, index + 4, length - index);
    put16(bytes, index + 6, 0);
    let at = index + NDP16_LENGTH;
    for (let datagram = 0; datagram < this.#count; datagram++, at += POINTER_LENGTH) {
      const start = this.#starts[datagram] ?? 0;
      put16(bytes, at, start);
      put16(bytes, at + 2, (this.#ends[datagram] ?? 0) - start);
    }
    put32(bytes, at, 0);
    return length;
  }

  get #end(): number {
    return this.#count === 0 ? NTH16_LENGTH : (this.#ends[this.#count - 1] ?? 0);
  }
}

/** Of an NDP16 with the zeros at its end. */
function pointersLength(datagrams: number): number {
  return NDP16_LENGTH + POINTER_LENGTH * (datagrams + 1);
}

function align(at: number, to: number): number {
  return Math.ceil(at / to) * to;
}

function get16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

function get32(bytes: Uint8Array, at: number): number {
  return (get16(bytes, at) | (get16(bytes, at + 2) << 16)) >>> 0;
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
}

function put32(bytes: Uint8Array, at: number, value: number): void {
  put16(bytes, at, value);
  put16(bytes, at + 2, value >>> 16);
}
