/** A disk in memory, which grows as it is written: a large blank one costs nothing. */
import { Saved } from "../../../../asm/saved.ts";
import type { ImageSource } from "../../../protocol.ts";
import type { Request } from "../../../request.ts";
import { checkSize, type Image, ImageError, paddingNotes, wholeSectors } from "../image.ts";

const CHUNK_SHIFT = 20;
const CHUNK_SIZE = 1 << CHUNK_SHIFT;
/** What a saved state leaves out, where it is all zeros. Divides CHUNK_SIZE. */
const BLOCK_SIZE = 1 << 16;

export class MemoryImage implements Image {
  readonly size: number;
  readonly readOnly: boolean;
  readonly cached = false;
  readonly volatile = true;
  readonly notes: readonly string[];
  /** Its bytes are in the state. */
  readonly source: ImageSource;
  /** 1 MiB each; one that was never written is missing and reads as zeros. */
  readonly #chunks = new Map<number, Uint8Array>();

  private constructor(bytes: number, readOnly: boolean) {
    this.size = wholeSectors(bytes);
    this.readOnly = readOnly;
    this.notes = paddingNotes(bytes);
    this.source = { size: bytes };
  }

  static blank(size: number, readOnly: boolean): MemoryImage {
    checkSize(size);
    return new MemoryImage(size, readOnly);
  }

  /** Starts as a copy of these bytes, with zeros behind them up to `size`. */
  static of(bytes: Uint8Array, readOnly: boolean, size = bytes.length): MemoryImage {
    checkSize(size);
    if (size < bytes.length) throw new ImageError(`A disk of ${size} bytes has no room for ${bytes.length}.`);
    const image = new MemoryImage(size, readOnly);
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

  bytes(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const within = (offset + done) % CHUNK_SIZE;
      const count = Math.min(length - done, CHUNK_SIZE - within);
      const chunk = this.#chunks.get(Math.floor((offset + done) / CHUNK_SIZE));
      if (chunk) bytes.set(chunk.subarray(within, within + count), done);
      done += count;
    }
    return bytes;
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

  /** Blocks that are not all zeros: copies, since the disk may be written before the state is. */
  save(): unknown {
    const blocks: { at: number; bytes: Uint8Array }[] = [];
    for (const [index, chunk] of this.#chunks) {
      const end = Math.min(CHUNK_SIZE, this.size - index * CHUNK_SIZE);
      for (let within = 0; within < end; within += BLOCK_SIZE) {
        const block = chunk.subarray(within, within + BLOCK_SIZE);
        if (!isZero(block)) blocks.push({ at: index * CHUNK_SIZE + within, bytes: block.slice() });
      }
    }
    return { size: this.size, blocks };
  }

  restore(state: unknown): undefined {
    const saved = new Saved(state, "the disk's image");
    if (saved.integer("size", Number.MAX_SAFE_INTEGER) !== this.size) throw saved.wrong("size");
    const blocks = saved.records("blocks", Math.ceil(this.size / BLOCK_SIZE)).map((block) => {
      const at = block.integer("at", this.size - 1);
      if (at % BLOCK_SIZE !== 0) throw block.wrong("at");
      return { at, bytes: block.bytes("bytes", BLOCK_SIZE) };
    });
    this.#chunks.clear();
    for (const { at, bytes } of blocks) this.#chunk(Math.floor(at / CHUNK_SIZE)).set(bytes, at % CHUNK_SIZE);
  }

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

function isZero(block: Uint8Array): boolean {
  for (const word of new Uint32Array(block.buffer, block.byteOffset, block.length >> 2)) if (word !== 0) return false;
  return true;
}
