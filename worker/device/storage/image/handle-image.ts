/** A disk that is a file with synchronous access: one on Node's disk, or one of the origin's private file system. */
import { Saved } from "../../../../asm/saved.ts";
import type { ImageSource } from "../../../protocol.ts";
import type { Request } from "../../../request.ts";
import { type Image, ImageError, paddingNotes, wholeSectors } from "../image.ts";

/** The few things such a file does. Both kinds take views of shared memory or say so when it is opened. */
export interface FileHandle {
  /** Answers the bytes read, fewer at the file's end. */
  read(into: Uint8Array, at: number): number;
  /** Answers the bytes written. */
  write(from: Uint8Array, at: number): number;
  flush(): void;
  /** When it was last written, where that can be told. */
  written?(): number;
  close(): void;
}

export class HandleImage implements Image {
  readonly size: number;
  readonly readOnly: boolean;
  readonly cached: boolean;
  readonly volatile = false;
  readonly notes: readonly string[];
  readonly source: ImageSource;
  readonly #handle: FileHandle;
  /** Bytes the file really has; a write to its last sector may make it whole. */
  readonly #bytes: number;
  #dirty = false;

  constructor(
    handle: FileHandle,
    source: ImageSource,
    bytes: number,
    readOnly: boolean,
    notes: readonly string[] = [],
  ) {
    this.#handle = handle;
    this.source = source;
    this.#bytes = bytes;
    this.size = wholeSectors(bytes);
    this.readOnly = readOnly;
    this.cached = !readOnly;
    this.notes = [...notes, ...paddingNotes(bytes)];
  }

  read(offset: number, length: number, request: Request, at: number): undefined {
    for (let done = 0; done < length; ) {
      const window = request.window(at + done, length - done);
      this.#fill(window, offset + done);
      done += window.length;
    }
  }

  bytes(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#fill(bytes, offset);
    return bytes;
  }

  write(offset: number, length: number, request: Request, at: number): void {
    this.#dirty = true;
    for (let done = 0; done < length; ) {
      const window = request.window(at + done, length - done);
      for (let put = 0; put < window.length; ) {
        const count = this.#handle.write(put === 0 ? window : window.subarray(put), offset + done + put);
        if (count <= 0) throw new ImageError("The file takes no more bytes.");
        put += count;
      }
      done += window.length;
    }
  }

  flush(): void {
    if (!this.#dirty) return;
    this.#handle.flush();
    this.#dirty = false;
  }

  save(): unknown {
    return { bytes: this.#bytes, written: this.#handle.written?.() ?? 0 };
  }

  restore(state: unknown): string | undefined {
    const saved = new Saved(state, "the disk's file");
    const written = saved.get("written");
    if (typeof written !== "number") throw saved.wrong("written");
    if (saved.integer("bytes", Number.MAX_SAFE_INTEGER) !== this.#bytes) {
      throw new ImageError("The disk's file has another size than when the state was saved.");
    }
    if (written === (this.#handle.written?.() ?? 0)) return undefined;
    return "The disk's file was written after the state was saved. The guest does not know that: have it mount the disk anew.";
  }

  close(): void {
    try {
      this.flush();
    } finally {
      this.#handle.close();
    }
  }

  /** Reads all of `window`; behind the file's end there are zeros in the last sector, and nothing more to expect. */
  #fill(window: Uint8Array, offset: number): void {
    let got = 0;
    while (got < window.length) {
      const count = this.#handle.read(got === 0 ? window : window.subarray(got), offset + got);
      if (count <= 0) break;
      got += count;
    }
    if (offset + got < Math.min(offset + window.length, this.#bytes)) {
      throw new ImageError("The file is shorter than when it was opened.");
    }
    window.fill(0, got);
  }
}
