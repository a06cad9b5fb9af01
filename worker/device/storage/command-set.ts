/** The seam between a storage transport (bulk-only.ts, uas.ts) and the commands it carries (scsi.ts). */
import type { ImageReading } from "../../device.ts";
import type { DriveOutput } from "../../protocol.ts";
import type { Request } from "../../request.ts";

/** Where the data of a command goes, as the host sees it. */
export type Direction = "none" | "in" | "out";

/** What a transport carries commands for. Only `close` throws. */
export interface CommandSet {
  /** Highest logical unit number. */
  readonly lastUnit: number;

  /** Makes room for a command, used again and again: a transport has one for each that may be under way at once. */
  createCommand(): Command;

  /** A reset of the port or of the logical unit. */
  reset(): void;

  /** What a person does to the unit. Rejects with a sentence when it cannot be done. */
  input?(message: unknown): Promise<void> | void;

  /** What the unit has to tell a person. */
  output(): DriveOutput;

  openImage(): ImageReading | undefined;

  /** What a saved state keeps of the unit and its medium: plain data. */
  save(): unknown;

  /** As `Device.restore`. */
  restore(state: unknown): string | undefined;

  /** The unplug: what was written lasts. Throws when it cannot. */
  close(): void;
}

/** Plain data of a command that is under way. `length` is its own: a transport's state must fit it. */
export interface SavedCommand {
  readonly length: number;
  readonly [field: string]: unknown;
}

/** One command: `execute`, then the data it asks for piece by piece, then `finish`. Forgotten by the next `execute`. */
export interface Command {
  /** The data stage that the command intends: a failed command intends none. */
  readonly direction: Direction;
  readonly length: number;

  /** Begins the command in `block`, whose bytes behind its length are 0. */
  execute(unit: number, block: Uint8Array): void;

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

  /** Writes why the command failed and answers the bytes of it: the host need not ask (SAM-5 §5.13). */
  putSense(into: Uint8Array): number;

  save(): SavedCommand;

  /** Checks what `save` said and answers what becomes that. Throws a StateError. */
  restore(state: unknown): () => void;
}
