/**
 * USB-MIDI event packets (USB-MIDI 1.0 §4): four bytes each, of which the first says what the others are.
 *
 *   byte 0   cable number (4 bits), code index number (4 bits)      bytes 1 to 3   MIDI, zeros behind it
 */
import type { Saved } from "../../../asm/saved.ts";

export const EVENT_SIZE = 4;

/** Bytes of MIDI by code index number (USB-MIDI 1.0 table 4-1); the first two are reserved. */
const LENGTHS = [0, 0, 2, 3, 3, 1, 2, 3, 3, 3, 3, 3, 2, 2, 3, 1] as const;

const COMMON_2 = 0x2;
const COMMON_3 = 0x3;
const SYSEX_GOES_ON = 0x4;
const COMMON_1 = 0x5;
const SINGLE_BYTE = 0xf;

const SYSEX = 0xf0;
const SYSEX_END = 0xf7;
const REAL_TIME = 0xf8;

/** Bytes of MIDI in a packet that begins with this byte; none if it is of another cable than ours. */
export function midiLength(first: number): number {
  return first >> 4 === 0 ? (LENGTHS[first & 0x0f] ?? 0) : 0;
}

/** Bytes of a message by its status byte (MIDI 1.0 table 1); 0 for SysEx and for what is not defined. */
function messageLength(status: number): number {
  if (status < SYSEX) return (status & 0xe0) === 0xc0 ? 2 : 3;
  switch (status) {
    case 0xf1:
    case 0xf3:
      return 2;
    case 0xf2:
      return 3;
    case 0xf6:
      return 1;
    default:
      return 0;
  }
}

/** Makes packets of a stream of MIDI bytes, with or without running status. Bytes that belong to no message are left out. */
export class EventEncoder {
  readonly #packet: (first: number, second: number, third: number, fourth: number) => void;
  /** Of the message under way; that of a channel stays for the next one. 0 is none. */
  #status = 0;
  readonly #bytes = new Uint8Array(3);
  #count = 0;

  /** `packet` takes the four bytes of each. */
  constructor(packet: (first: number, second: number, third: number, fourth: number) => void) {
    this.#packet = packet;
  }

  take(byte: number): void {
    if (byte >= REAL_TIME) this.#packet(SINGLE_BYTE, byte, 0, 0);
    else if (byte >= 0x80) this.#begin(byte);
    else if (this.#status !== 0) this.#goOn(byte);
  }

  reset(): void {
    this.#status = 0;
    this.#count = 0;
  }

  save(): unknown {
    return { status: this.#status, bytes: this.#bytes.slice(0, this.#count) };
  }

  /** A way to become what `save` said, checked. */
  read(saved: Saved): () => void {
    const status = saved.integer("status", SYSEX_END);
    const bytes = saved.bytes("bytes", 2, 0);
    const room = status === SYSEX ? 2 : Math.max(0, messageLength(status) - 1);
    if ((status !== 0 && status < 0x80) || bytes.length > room) throw saved.wrong("bytes");
    return () => {
      this.#status = status;
      this.#bytes.set(bytes);
      this.#count = bytes.length;
    };
  }

  #begin(status: number): void {
    if (this.#status === SYSEX) this.#endSysex(); // any status but those of real time does
    this.reset();
    if (status === SYSEX_END) return;
    if (status === SYSEX || messageLength(status) > 1) {
      this.#status = status;
      this.#bytes[this.#count++] = status;
    } else if (messageLength(status) === 1) {
      this.#packet(COMMON_1, status, 0, 0);
    }
  }

  #goOn(byte: number): void {
    this.#bytes[this.#count++] = byte;
    if (this.#status === SYSEX) {
      if (this.#count === 3) this.#emit(SYSEX_GOES_ON);
      return;
    }
    const length = messageLength(this.#status);
    if (this.#count < length) return;
    if (this.#status < SYSEX) {
      this.#emit(this.#status >> 4);
      this.#count = 1; // the status, again
    } else {
      this.#emit(length === 2 ? COMMON_2 : COMMON_3);
      this.reset();
    }
  }

  #endSysex(): void {
    this.#bytes[this.#count++] = SYSEX_END;
    this.#emit(SYSEX_GOES_ON + this.#count);
  }

  #emit(code: number): void {
    const [first = 0, second = 0, third = 0] = this.#bytes;
    this.#packet(code, first, this.#count > 1 ? second : 0, this.#count > 2 ? third : 0);
    this.#count = 0;
  }
}
