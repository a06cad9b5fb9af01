/** A disk in memory, which grows as it is written: a large blank one costs nothing. */
import type { Request } from "../../request.ts";
import { checkSize, type Image, paddingNotes, wholeSectors } from "../image.ts";

const CHUNK_SHIFT = 20;
const CHUNK_SIZE = 1 << CHUNK_SHIFT;

export class MemoryImage implements Image {
  readonly size: number;
  readonly readOnly: boolean;
  readonly cached = false;
  readonly notes: readonly string[];
  /** 1 MiB each; one that was never written is missing and reads as zeros. */
  readonly #chunks = new Map<number, Uint8Array>();

  private constructor(bytes: number, readOnly: boolean) {
    this.size = wholeSectors(bytes);
    this.readOnly = readOnly;
    this.notes = paddingNotes(bytes);
  }

  static blank(size: number, readOnly: boolean): MemoryImage {
    checkSize(size);
    return new MemoryImage(size, readOnly);
  }

  /** Starts as a copy of these bytes. */
  static of(bytes: Uint8Array, readOnly: boolean): MemoryImage {
    checkSize(bytes.length);
    const image = new MemoryImage(bytes.length, readOnly);
    for (let at = 0; at < bytes.length; at += CHUNK_SIZE) {
      image.#chunk(at >> CHUNK_SHIFT).set(bytes.subarray(at, at + CHUNK_SIZE));
    }
    return image;
  }

  read(offset: number, length: number, request: Request, at: number): undefined {
    for (let done = 0; done < length; ) {
      const chunk = this.#chunks.get(Math.floor((offset + done) / CHUNK_SIZE));
      const within = (offset + done) % CHUNK_SIZE;
      const window = request.window(at + done, Math.min(length - done, CHUNK_SIZE - within));
      if (chunk) window.set(chunk.subarray(within, within + window.length));
      else window.fill(0);
      done += window.length;
    }
  }

  write(offset: number, length: number, request: Request, at: number): void {
    for (let done = 0; done < length; ) {
      const chunk = this.#chunk(Math.floor((offset + done) / CHUNK_SIZE));
      const within = (offset + done) % CHUNK_SIZE;
      const window = request.window(at + done, Math.min(length - done, CHUNK_SIZE - within));
      chunk.set(window, within);
      done += window.length;
    }
  }

  flush(): void {}

  close(): void {
    this.#chunks.clear();
  }

  /** Allocates the chunk when it is written first. */
  #chunk(index: number): Uint8Array {
    let chunk = this.#chunks.get(index);
    if (!chunk) {
      chunk = new Uint8Array(CHUNK_SIZE);
      this.#chunks.set(index, chunk);
    }
    return chunk;
  }
}
