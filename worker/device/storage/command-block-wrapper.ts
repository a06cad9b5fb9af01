/** The wrappers of the bulk-only transport: what comes before a command's data, and what comes behind it (BOT 1.0 §5). */
import type { Request } from "../../request.ts";

/**
 * Command Block Wrapper (BOT 1.0 §5.1), little-endian:
 *
 *   0 dCBWSignature   4 dCBWTag   8 dCBWDataTransferLength   12 bmCBWFlags   13 bCBWLUN   14 bCBWCBLength   15 CBWCB
 */
export const COMMAND_WRAPPER_LENGTH = 31;
const COMMAND_SIGNATURE = 0x43425355;
/** The longest command block. */
const COMMAND_MAX = 16;

/**
 * Command Status Wrapper (BOT 1.0 §5.2), little-endian:
 *
 *   0 dCSWSignature   4 dCSWTag   8 dCSWDataResidue   12 bCSWStatus
 */
export const STATUS_WRAPPER_LENGTH = 13;
const STATUS_SIGNATURE = 0x53425355;

/** bCSWStatus (BOT 1.0 table 5.3). */
export const COMMAND_PASSED = 0;
export const COMMAND_FAILED = 1;
export const PHASE_ERROR = 2;

export class CommandBlockWrapper {
  tag = 0;
  /** Bytes of the data stage that the host expects, and their direction if there are any. */
  length = 0;
  isIn = false;
  unit = 0;
  /** The command block, with zeros behind its length. */
  readonly command = new Uint8Array(COMMAND_MAX);
  readonly #bytes = new Uint8Array(COMMAND_WRAPPER_LENGTH);
  readonly #view = new DataView(this.#bytes.buffer);

  /** Copies and reads a wrapper; false when it is not valid (BOT 1.0 §6.2.1) or not meaningful (§6.2.2). */
  parse(request: Request): boolean {
    if (request.length !== COMMAND_WRAPPER_LENGTH) return false;
    request.read(this.#bytes);
    const view = this.#view;
    const commandLength = view.getUint8(14);
    if (view.getUint32(0, true) !== COMMAND_SIGNATURE) return false;
    if ((view.getUint8(12) & 0x7f) !== 0 || (view.getUint8(13) & 0xf0) !== 0) return false;
    if (commandLength < 1 || commandLength > COMMAND_MAX) return false;
    this.tag = view.getUint32(4, true);
    this.length = view.getUint32(8, true);
    this.isIn = (view.getUint8(12) & 0x80) !== 0;
    this.unit = view.getUint8(13);
    for (let index = 0; index < COMMAND_MAX; index++) {
      this.command[index] = index < commandLength ? (this.#bytes[15 + index] ?? 0) : 0;
    }
    return true;
  }
}

export class CommandStatusWrapper {
  readonly bytes = new Uint8Array(STATUS_WRAPPER_LENGTH);
  readonly #view = new DataView(this.bytes.buffer);

  put(tag: number, residue: number, status: number): void {
    this.#view.setUint32(0, STATUS_SIGNATURE, true);
    this.#view.setUint32(4, tag, true);
    this.#view.setUint32(8, residue, true);
    this.#view.setUint8(12, status);
  }
}
