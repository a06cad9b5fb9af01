/** Where a disk's bytes are. An image moves them straight between its store and a transfer's payload. */
import { PlugError } from "../../plug-error.ts";
import type { ImageSource } from "../../protocol.ts";
import type { Request } from "../../request.ts";

export const SECTOR_SIZE = 512;

export interface Image {
  /** Bytes, a multiple of SECTOR_SIZE. */
  readonly size: number;
  readonly readOnly: boolean;
  /** Do writes need `flush` to last? Decides whether the guest is told of a write cache. */
  readonly cached: boolean;
  /** What is written is only in memory: it is lost when the image is closed. */
  readonly volatile: boolean;
  /** Sentences for the person, such as a size that was rounded. */
  readonly notes: readonly string[];

  /**
   * Puts `length` bytes from `offset` on into the request's payload from byte `at` on, and answers undefined; or promises
   * them, for the caller to put there if the request is still the same. The caller keeps both ranges in bounds. Throws
   * or rejects when the store fails.
   */
  read(offset: number, length: number, request: Request, at: number): Promise<Uint8Array> | undefined;

  /** A copy of the bytes as they are now, or a promise of it. The caller keeps the range in bounds. Throws or rejects when the store fails. */
  bytes(offset: number, length: number): Uint8Array | Promise<Uint8Array>;

  /** Takes bytes `at` to `at + length` of the request's payload as the bytes from `offset` on. Throws when the store fails. */
  write(offset: number, length: number, request: Request, at: number): void;

  /** Makes the writes so far last. Throws when the store fails. */
  flush(): void;

  /** What a restored state opens it from again, or a sentence that says why it cannot be. */
  readonly source: ImageSource | string;

  /**
   * What a saved state keeps: all that is in a memory image; of a file only how to tell that it is the same one, since its
   * bytes stay where they are.
   */
  save(): unknown;

  /** As `Device.restore`: an ImageError when the store is not the one of then. */
  restore(state: unknown): string | undefined;

  /** Where what is written is kept beside a Blob: a mark for `replace`, for what is in the image now. */
  mark?(): number;

  /**
   * The Blob is about to be written over with the image as it was at `mark`: nothing is read from it until the answer is called, with
   * the Blob that it is from then on, or without one when it stayed as it was. Throws when that would lose what was written since.
   */
  replace?(mark: number): (blob?: Blob) => void;

  /** Flushes and lets go of the store. */
  close(): void;
}

/** The image cannot be used as a disk; the message is a sentence for the person. */
export class ImageError extends PlugError {
  constructor(message: string, options?: ErrorOptions) {
    super("ImageError", message, options);
  }
}

/** Bytes rounded up to whole sectors. */
export function wholeSectors(bytes: number): number {
  return Math.ceil(bytes / SECTOR_SIZE) * SECTOR_SIZE;
}

/** What the person is told when a size is no whole number of sectors. */
export function paddingNotes(bytes: number): readonly string[] {
  if (bytes % SECTOR_SIZE === 0) return [];
  return [`The image's ${bytes} bytes are not whole sectors of ${SECTOR_SIZE}: its last sector is padded with zeros.`];
}

/** Checks a size given by a person for a new disk. */
export function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size <= 0) {
    throw new ImageError(`A disk's size must be a positive whole number of bytes, and ${size} is not.`);
  }
}
