/** The seam between a storage transport (bulk-only.ts) and the commands it carries (scsi.ts). */
import type { Request } from "../request.ts";

/** Where the data of a command goes, as the host sees it. */
export type Direction = "none" | "in" | "out";

/** One command at a time: `execute`, then the data it asks for piece by piece, then `finish`. Only `close` throws. */
export interface CommandSet {
  /** Highest logical unit number. */
  readonly lastUnit: number;
  /** The data stage that the command executed last intends: a failed command intends none. */
  readonly direction: Direction;
  readonly length: number;
  /** Did the command fail so far? */
  readonly failed: boolean;

  /** Begins the command in `command`, whose bytes behind its length are 0. */
  execute(unit: number, command: Uint8Array): void;

  /**
   * Puts bytes `position` to `position + length` of the command's data into the payload from `at` on and answers true; or
   * answers false when that failed; or promises the bytes, and undefined when that failed.
   */
  read(position: number, length: number, request: Request, at: number): boolean | Promise<Uint8Array | undefined>;

  /** What `read` promised has come as undefined. */
  lost(): void;

  /** Takes the payload's first `length` bytes as the command's data from `position` on. False when that failed. */
  write(position: number, length: number, request: Request): boolean;

  /** The data stage is over, with `moved` bytes. True when the command has succeeded. */
  finish(moved: number): boolean;

  /** A reset of the port. */
  reset(): void;

  /** The unplug: what was written lasts. Throws when it cannot. */
  close(): void;
}
