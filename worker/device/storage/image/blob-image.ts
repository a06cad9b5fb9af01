/** A read-only disk that is a Blob or a File: of a browser, of Node, or of anything with the same methods. */
import { Saved } from "../../../../asm/saved.ts";
import type { Request } from "../../../request.ts";
import { checkSize, type Image, ImageError, paddingNotes, wholeSectors } from "../image.ts";

/** Only workers of a browser have it; TypeScript's DOM library does not. */
interface SyncReader {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

export class BlobImage implements Image {
  readonly size: number;
  readonly readOnly = true;
  readonly cached = false;
  readonly volatile = false;
  readonly notes: readonly string[];
  readonly source = "a saved state cannot keep the File that its disk was made of: plug it again.";
  readonly #blob: Blob;
  readonly #reader: SyncReader | undefined;

  constructor(blob: Blob) {
    if (typeof blob?.slice !== "function" || typeof blob.arrayBuffer !== "function") {
      throw new ImageError("The image must be a Blob or a File.");
    }
    checkSize(blob.size);
    this.size = wholeSectors(blob.size);
    this.notes = paddingNotes(blob.size);
    this.#blob = blob;
    const Reader = (globalThis as { FileReaderSync?: new () => SyncReader }).FileReaderSync;
    this.#reader = Reader && blob instanceof Blob ? new Reader() : undefined;
  }

  read(offset: number, length: number, request: Request, at: number): Promise<Uint8Array> | undefined {
    const bytes = this.bytes(offset, length);
    if (!(bytes instanceof Uint8Array)) return bytes;
    request.write(bytes, at);
    return undefined;
  }

  bytes(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    const slice = this.#blob.slice(offset, Math.min(offset + length, this.#blob.size));
    if (!this.#reader) return slice.arrayBuffer().then((bytes) => padded(bytes, slice.size, length));
    return padded(this.#reader.readAsArrayBuffer(slice), slice.size, length);
  }

  write(): void {
    throw new ImageError("A Blob cannot be written.");
  }

  flush(): void {}

  save(): unknown {
    return { size: this.#blob.size };
  }

  restore(state: unknown): undefined {
    const saved = new Saved(state, "the disk's File");
    if (saved.integer("size", Number.MAX_SAFE_INTEGER) !== this.#blob.size) throw saved.wrong("size");
  }

  close(): void {}
}

/** All of a slice, and zeros behind it where the last sector is not whole. */
function padded(buffer: ArrayBuffer, expected: number, length: number): Uint8Array {
  if (buffer.byteLength !== expected) throw new ImageError("The file has changed since it was opened.");
  const bytes = new Uint8Array(buffer);
  if (expected === length) return bytes;
  const whole = new Uint8Array(length);
  whole.set(bytes);
  return whole;
}
