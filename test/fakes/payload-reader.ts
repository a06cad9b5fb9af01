/** A host's reading of video payloads (UVC 1.1 §2.4.3): headers are checked, pictures put together, what is odd is said. */
const FID = 0x01;
const EOF = 0x02;
const PTS = 0x04;
const SCR = 0x08;
const ERR = 0x40;
const EOH = 0x80;

export interface Picture {
  readonly bytes: Uint8Array;
  readonly frameId: number;
  readonly error: boolean;
  /** The payloads it came in. */
  readonly payloads: number;
  /** Presentation time and, for each payload, source clock and frame number, where headers carry them. */
  readonly presentation: number | undefined;
  readonly clocks: readonly { readonly time: number; readonly frame: number }[];
}

export class PayloadReader {
  readonly pictures: Picture[] = [];
  /** What a host would complain of. */
  readonly faults: string[] = [];
  #parts: Uint8Array[] = [];
  #clocks: { time: number; frame: number }[] = [];
  #presentation: number | undefined;
  #frameId: number | undefined;
  #last: number | undefined;

  /** A picture is under way. */
  get open(): boolean {
    return this.#frameId !== undefined;
  }

  /** One payload: of an isochronous interval, or of a bulk transfer up to its short packet. */
  take(payload: Uint8Array): void {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const [length = 0, info = 0] = payload;
    const expected = 2 + (info & PTS ? 4 : 0) + (info & SCR ? 6 : 0);
    if (length !== expected || length > payload.length) this.#fault(`a header of ${length} bytes, and not ${expected}`);
    if ((info & EOH) === 0) this.#fault("a header without its end");
    const frameId = info & FID;
    if (this.#frameId === undefined) {
      if (frameId === this.#last) this.#fault("a picture with the frame id of the one before");
      this.#presentation = undefined;
    } else if (frameId !== this.#frameId) {
      this.#fault("a picture without its end");
      this.#end(false);
    }
    const begins = this.#frameId === undefined;
    this.#frameId = frameId;
    let at = 2;
    if (info & PTS) {
      const time = view.getUint32(at, true);
      if (begins) this.#presentation = time;
      else if (time !== this.#presentation) this.#fault("two presentation times in a picture");
      at += 4;
    }
    if (info & SCR) this.#clocks.push({ time: view.getUint32(at, true), frame: view.getUint16(at + 4, true) });
    this.#parts.push(payload.slice(length));
    if (info & EOF) this.#end((info & ERR) !== 0);
  }

  #end(error: boolean): void {
    this.pictures.push({
      bytes: Uint8Array.from(Buffer.concat(this.#parts)),
      frameId: this.#frameId ?? 0,
      error,
      payloads: this.#parts.length,
      presentation: this.#presentation,
      clocks: this.#clocks,
    });
    this.#last = this.#frameId;
    this.#frameId = undefined;
    this.#parts = [];
    this.#clocks = [];
  }

  #fault(what: string): void {
    this.faults.push(`picture ${this.pictures.length}: ${what}`);
  }
}
