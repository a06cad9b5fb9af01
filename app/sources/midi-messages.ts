/** Takes the guest's MIDI apart into messages, as Web MIDI wants them: whole, each with its status byte. */

const SYSEX = 0xf0;
const SYSEX_END = 0xf7;
const REAL_TIME = 0xf8;
/** Of a SysEx; a longer one is dropped. */
const LENGTH_MAX = 1 << 20;

/** Bytes of a message by its status (MIDI 1.0 table 1); 0 for what is not defined. */
function lengthOf(status: number): number {
  if (status < SYSEX) return (status & 0xe0) === 0xc0 ? 2 : 3;
  return { [SYSEX]: LENGTH_MAX, 241: 2, 242: 3, 243: 2, 246: 1 }[status] ?? 0;
}

export class MidiMessages {
  /** Of the message under way. */
  #bytes: number[] = [];
  /** 0 while there is none. */
  #length = 0;

  /** Calls `message` with each message that is whole now. What belongs to none is left out. */
  take(bytes: Uint8Array, message: (message: Uint8Array<ArrayBuffer>) => void): void {
    for (const byte of bytes) {
      if (byte >= REAL_TIME) message(Uint8Array.of(byte));
      else if (byte < 0x80 || (byte === SYSEX_END && this.#bytes[0] === SYSEX)) this.#goOn(byte, message);
      else this.#begin(byte, message);
    }
  }

  #begin(status: number, message: (message: Uint8Array<ArrayBuffer>) => void): void {
    this.#bytes = [];
    this.#length = lengthOf(status);
    if (this.#length > 0) this.#goOn(status, message);
  }

  #goOn(byte: number, message: (message: Uint8Array<ArrayBuffer>) => void): void {
    if (this.#length === 0) return;
    this.#bytes.push(byte);
    const isSysex = this.#bytes[0] === SYSEX;
    if (isSysex ? byte !== SYSEX_END && this.#bytes.length < this.#length : this.#bytes.length < this.#length) return;
    if (!isSysex || byte === SYSEX_END) message(Uint8Array.from(this.#bytes));
    this.#bytes = [];
    this.#length = 0;
  }
}
