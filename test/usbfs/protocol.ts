/**
 * Frames between the stand-in (link.h) and the test's process: little-endian words of 32 bits. Each begins with the number of
 * bytes that follow its head, and its type. A URB is named by its address in the browser's memory, two words.
 *
 *   OPEN      call, file, device             → REPLY
 *   CLOSE     file
 *   IOCTL     call, file, request, argument, second argument   → REPLY
 *   SUBMIT    file, URB (2), type, endpoint, flags, length, packets; each packet's length; an OUT's data, a control's setup
 *   DISCARD   call, file, URB (2)            → REPLY
 *
 *   ADD       device; its attributes, pairs of strings that end with a zero
 *   REMOVE    device
 *   READY     all devices of the beginning were told
 *   REPLY     call, result: 0 or more, or a negative errno
 *   COMPLETE  file, URB (2), status, bytes, failed packets, packets; bytes and status of each; an IN's data
 *   GONE      file: its device was pulled out, and all its URBs are completed
 */

export const OPEN = 1;
export const CLOSE = 2;
export const IOCTL = 3;
export const SUBMIT = 4;
export const DISCARD = 5;

export const ADD = 1;
export const REMOVE = 2;
export const READY = 3;
export const REPLY = 4;
export const COMPLETE = 5;
export const GONE = 6;

const HEAD = 8;

export interface Frame {
  readonly type: number;
  readonly body: DataView;
}

/** Cuts a stream into frames. */
export class FrameReader {
  #rest = Buffer.alloc(0);

  *take(chunk: Buffer): Generator<Frame> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= HEAD) {
      const end = HEAD + this.#rest.readUInt32LE(0);
      if (this.#rest.length < end) return;
      const type = this.#rest.readUInt32LE(4);
      const body = new Uint8Array(this.#rest.subarray(HEAD, end));
      this.#rest = this.#rest.subarray(end);
      yield { type, body: new DataView(body.buffer) };
    }
  }
}

export function frame(type: number, words: readonly number[], data: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.alloc(HEAD + words.length * 4 + data.length);
  [words.length * 4 + data.length, type, ...words].forEach((word, index) => {
    bytes.writeUInt32LE(word >>> 0, index * 4);
  });
  bytes.set(data, HEAD + words.length * 4);
  return bytes;
}
