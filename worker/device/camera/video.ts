/**
 * The pictures of one video, cut into payloads (UVC 1.1 §2.4.3). Who sends them has the clock, and says when one begins.
 *
 *   waiting ── begin() ──▶ sending ── sent(), the last one ──▶ waiting
 */
import type { VideoParameters } from "./parameters.ts";
import type { PictureSource } from "./picture-source.ts";

/** bmHeaderInfo (UVC 1.1 table 2-6). */
const HEADER_FID = 0x01;
const HEADER_EOF = 0x02;
const HEADER_PTS = 0x04;
const HEADER_SCR = 0x08;
const HEADER_ERR = 0x40;
const HEADER_EOH = 0x80;

const HEADER_LENGTH = 2;
const CLOCKED_HEADER_LENGTH = 12;
const NO_DATA = new Uint8Array(0);

export interface VideoOptions {
  readonly parameters: VideoParameters;
  readonly source: PictureSource;
  /** The longest payload, with its header. */
  readonly payload: number;
  /** Headers carry the bus's time: presentation time and source clock reference. */
  readonly clocked: boolean;
  /** The source had no picture. */
  failed(): void;
}

export class Video {
  /** Of two pictures, in units of 100 ns. */
  readonly interval: number;
  readonly #source: PictureSource;
  readonly #failed: () => void;
  readonly #picture: Uint8Array;
  /** The picture's bytes, one payload each. */
  readonly #chunks: readonly Uint8Array[];
  readonly #header: Uint8Array;
  readonly #clocked: boolean;
  /** The payload to send next; behind the last one when no picture is being sent. */
  #next: number;
  #frameId = 0;
  #error = 0;
  /** µs of the bus, when the picture began. */
  #presentation = 0;

  constructor({ parameters, source, payload, clocked, failed }: VideoOptions) {
    this.#source = source;
    this.#failed = failed;
    this.interval = parameters.interval;
    this.#clocked = clocked;
    this.#header = new Uint8Array(clocked ? CLOCKED_HEADER_LENGTH : HEADER_LENGTH);
    this.#picture = new Uint8Array(parameters.frame.bytes);
    this.#chunks = cut(this.#picture, payload - this.#header.length);
    this.#next = this.#chunks.length;
  }

  get sending(): boolean {
    return this.#next < this.#chunks.length;
  }

  /** Begins a picture; only while none is being sent. `microframe`: of the bus, now. */
  begin(number: number, microframe = 0): void {
    this.#frameId ^= HEADER_FID;
    this.#presentation = microframe * 125;
    const filled = this.#source.fill(number, this.#picture);
    this.#error = filled ? 0 : HEADER_ERR;
    this.#next = filled ? 0 : this.#chunks.length - 1;
    if (!filled) this.#failed();
  }

  /** The header of the next payload; valid until the next call. */
  header(microframe = 0): Uint8Array {
    const header = this.#header;
    const last = this.#next === this.#chunks.length - 1;
    header[0] = header.length;
    header[1] = HEADER_EOH | this.#error | (last ? HEADER_EOF : 0) | this.#frameId;
    if (this.#clocked) {
      header[1] |= HEADER_PTS | HEADER_SCR;
      putClock(header, 2, this.#presentation);
      putClock(header, 6, microframe * 125);
      header[10] = microframe >>> 3; // the frame number of the SOF, 11 bits
      header[11] = (microframe >>> 11) & 0x07;
    }
    return header;
  }

  /** The data of the next payload. */
  get data(): Uint8Array {
    return (this.#error ? undefined : this.#chunks[this.#next]) ?? NO_DATA;
  }

  /** The next payload is sent. */
  sent(): void {
    this.#next++;
  }

  /** Gives up what is left of the picture. */
  drop(): void {
    this.#next = this.#chunks.length;
  }
}

function cut(picture: Uint8Array, length: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < picture.length; at += length) chunks.push(picture.subarray(at, at + length));
  return chunks;
}

/** The low 32 bits of a count of µs. */
function putClock(header: Uint8Array, at: number, time: number): void {
  const low = time >>> 0;
  header[at] = low;
  header[at + 1] = low >>> 8;
  header[at + 2] = low >>> 16;
  header[at + 3] = low >>> 24;
}
