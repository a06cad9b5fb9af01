/**
 * Reads an image piece by piece, as it was when that began: what the guest writes over meanwhile, and was not read yet, is put
 * aside first.
 */
import type { ImageReading } from "../../device.ts";
import { type Image, ImageError } from "./image.ts";

/** Bytes of a piece. */
const PIECE_SIZE = 1 << 20;
/** What is put aside at once. Divides PIECE_SIZE. */
const BLOCK_SIZE = 1 << 16;
/** Blocks put aside at most: 256 MiB. */
const BLOCKS_MAX = 1 << 12;

/** What a reader tells its medium. */
export interface ReaderEnd {
  /** All is read, or nobody wants it any more. */
  over(): void;
  /** What was read is kept elsewhere. */
  saved(): void;
  /** As Image.replace(). */
  replace(): (blob?: Blob) => void;
}

export class ImageReader implements ImageReading {
  readonly size: number;
  readonly #image: Image;
  readonly #end: ReaderEnd;
  #next = 0;
  readonly #aside = new Map<number, Uint8Array | Promise<Uint8Array>>();
  #failure: ImageError | undefined;
  #replace: ((blob?: Blob) => void) | undefined;

  constructor(image: Image, end: ReaderEnd) {
    this.#image = image;
    this.#end = end;
    this.size = image.size;
  }

  async next(): Promise<Uint8Array | undefined> {
    if (this.#failure) throw this.#failure;
    const begin = this.#next;
    const end = Math.min(begin + PIECE_SIZE, this.size);
    if (begin === end) return undefined;
    // All of the piece is asked for before anything can be written.
    const parts: (Uint8Array | Promise<Uint8Array>)[] = [];
    for (let at = begin; at < end; ) {
      const aside = this.#take(at);
      const length = aside ? this.#blockLength(at) : this.#runLength(at, end);
      parts.push(aside ?? this.#image.bytes(at, length));
      at += length;
    }
    this.#next = end;
    if (end === this.size) this.#end.over();
    const read = await Promise.all(parts);
    if (read[0] && read.length === 1) return read[0];
    const piece = new Uint8Array(end - begin);
    let at = 0;
    for (const part of read) {
      piece.set(part, at);
      at += part.length;
    }
    return piece;
  }

  /** These bytes will be written over. */
  preserve(offset: number, length: number): void {
    for (let index = Math.floor(offset / BLOCK_SIZE); index * BLOCK_SIZE < offset + length; index++) {
      const at = index * BLOCK_SIZE;
      if (this.#failure || at < this.#next || this.#aside.has(index)) continue;
      if (this.#aside.size === BLOCKS_MAX) {
        this.fail(
          "The guest writes more than can be put aside while the drive is read: unmount it in the guest first.",
        );
        return;
      }
      try {
        const bytes = this.#image.bytes(at, this.#blockLength(at));
        if (!(bytes instanceof Uint8Array)) bytes.catch(() => undefined); // whoever reads it hears of it
        this.#aside.set(index, bytes);
      } catch (error) {
        this.fail(`The drive could not be read: ${error instanceof Error ? error.message : error}`);
      }
    }
  }

  fail(reason: string): void {
    this.#failure ??= new ImageError(reason);
    this.#aside.clear();
    this.#end.over();
  }

  hold(): void {
    this.#replace ??= this.#end.replace();
  }

  close(saved: boolean, blob?: Blob): void {
    this.#replace?.(saved ? blob : undefined);
    this.#replace = undefined;
    if (saved) this.#end.saved();
    this.fail("Reading the drive was given up.");
  }

  #take(at: number): Uint8Array | Promise<Uint8Array> | undefined {
    const index = at / BLOCK_SIZE;
    const bytes = this.#aside.get(index);
    this.#aside.delete(index);
    return bytes;
  }

  #blockLength(at: number): number {
    return Math.min(BLOCK_SIZE, this.size - at);
  }

  /** Up to the next block that was put aside. */
  #runLength(begin: number, end: number): number {
    let at = begin + this.#blockLength(begin);
    while (at < end && !this.#aside.has(at / BLOCK_SIZE)) at += this.#blockLength(at);
    return at - begin;
  }
}
