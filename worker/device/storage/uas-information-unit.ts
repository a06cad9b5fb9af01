/** The information units of USB Attached SCSI (UAS-3 §6.2): what a host sends on the command pipe, and hears on status. */
import type { Request } from "../../request.ts";
import type { Command } from "./command-set.ts";
import { be16, byte, putBe16 } from "./scsi-command.ts";

/** IU ID (UAS-3 §6.2.1). */
export const COMMAND_IU = 0x01;
export const SENSE_IU = 0x03;
export const RESPONSE_IU = 0x04;
export const TASK_MANAGEMENT_IU = 0x05;
export const READ_READY_IU = 0x06;
export const WRITE_READY_IU = 0x07;

/** TASK ATTRIBUTE of a COMMAND IU (UAS-3 §6.2.2, SAM-5 §8.6). ACA is carried out as SIMPLE. */
export const SIMPLE = 0;
export const HEAD_OF_QUEUE = 1;
export const ORDERED = 2;

/** TASK MANAGEMENT FUNCTION (UAS-3 §6.2.7). */
export const ABORT_TASK = 0x01;
export const ABORT_TASK_SET = 0x02;
export const CLEAR_TASK_SET = 0x04;
export const LOGICAL_UNIT_RESET = 0x08;
export const I_T_NEXUS_RESET = 0x10;
export const QUERY_TASK = 0x80;
export const QUERY_TASK_SET = 0x81;

/** RESPONSE CODE (UAS-3 §6.2.6). */
export const FUNCTION_COMPLETE = 0x00;
export const INVALID_INFORMATION_UNIT = 0x02;
export const FUNCTION_NOT_SUPPORTED = 0x04;
export const FUNCTION_SUCCEEDED = 0x08;
export const INCORRECT_LOGICAL_UNIT = 0x09;
export const OVERLAPPED_TAG = 0x0a;

/** STATUS of a SENSE IU (SAM-5 §5.3.1). */
export const GOOD = 0x00;
export const CHECK_CONDITION = 0x02;

/** The command block that every COMMAND IU has; an additional one (in 4-byte words) is for commands that a disk has not. */
export const COMMAND_BLOCK_LENGTH = 16;
/** A logical unit number that is no unit's. */
const NO_UNIT = 0xffff;

const HEADER_LENGTH = 4;
const RESPONSE_LENGTH = 8;
const TASK_MANAGEMENT_LENGTH = 16;
const SENSE_HEADER_LENGTH = 16;
const COMMAND_LENGTH = 32;
/** Fixed format, without additional bytes (SPC-4 §4.5.3). */
const SENSE_LENGTH = 18;

/**
 * What comes on the command pipe, big-endian:
 *
 *   COMMAND          0 id   2 tag   4 priority, task attribute   6 additional length   8 logical unit number   16 CDB
 *   TASK MANAGEMENT  0 id   2 tag   4 function                   6 tag of the task     8 logical unit number
 */
export class CommandPipeUnit {
  /** 0 when it is neither of the two. */
  id = 0;
  /** 0 when it is too short to have one. */
  tag = 0;
  unit = 0;
  /** Of a COMMAND IU. */
  attribute = SIMPLE;
  /** Of a COMMAND IU. */
  readonly block: Uint8Array;
  /** Of a TASK MANAGEMENT IU. */
  function = 0;
  taskTag = 0;
  readonly #bytes = new Uint8Array(COMMAND_LENGTH);

  constructor() {
    this.block = this.#bytes.subarray(COMMAND_LENGTH - COMMAND_BLOCK_LENGTH);
  }

  /** Copies and reads a unit. */
  parse(request: Request): void {
    const bytes = this.#bytes;
    const length = request.read(bytes);
    this.tag = length >= HEADER_LENGTH ? be16(bytes, 2) : 0;
    this.id = byte(bytes, 0);
    const needed =
      this.id === COMMAND_IU
        ? COMMAND_LENGTH + (byte(bytes, 6) & 0xfc)
        : this.id === TASK_MANAGEMENT_IU
          ? TASK_MANAGEMENT_LENGTH
          : Number.POSITIVE_INFINITY;
    if (request.length < needed) this.id = 0;
    this.unit = logicalUnit(bytes);
    this.attribute = byte(bytes, 4) & 0x07;
    this.function = byte(bytes, 4);
    this.taskTag = be16(bytes, 6);
  }
}

/** SAM-5 §4.7: peripheral device addressing, one level. Anything else is no unit of ours. */
function logicalUnit(bytes: Uint8Array): number {
  for (let at = 8; at < 16; at++) {
    if (at !== 9 && byte(bytes, at) !== 0) return NO_UNIT;
  }
  return byte(bytes, 9);
}

/**
 * What goes out on the status pipe, big-endian. Each `put…` makes `bytes` that unit:
 *
 *   SENSE        0 id   2 tag   4 status qualifier   6 status   14 length of   16 sense data
 *   RESPONSE     0 id   2 tag   4 additional information   7 response code
 *   READ READY, WRITE READY   0 id   2 tag
 */
export class StatusPipeUnit {
  readonly #bytes = new Uint8Array(SENSE_HEADER_LENGTH + SENSE_LENGTH);
  // The lengths it comes in, made once: a unit allocates none.
  readonly #header = this.#bytes.subarray(0, HEADER_LENGTH);
  readonly #response = this.#bytes.subarray(0, RESPONSE_LENGTH);
  readonly #senseHeader = this.#bytes.subarray(0, SENSE_HEADER_LENGTH);
  readonly #sense = this.#bytes.subarray(SENSE_HEADER_LENGTH);
  bytes: Uint8Array = this.#header;

  /** `failed` is the command, when it has. */
  putSense(tag: number, failed: Command | undefined): void {
    this.#begin(SENSE_IU, tag);
    this.bytes = this.#senseHeader;
    if (!failed) return;
    this.#bytes[6] = CHECK_CONDITION;
    putBe16(this.#bytes, 14, failed.putSense(this.#sense));
    this.bytes = this.#bytes;
  }

  /** As `bytes` was. False when no unit is so long. */
  put(bytes: Uint8Array): boolean {
    const units = [this.#header, this.#response, this.#senseHeader, this.#bytes];
    const unit = units.find(({ length }) => length === bytes.length);
    unit?.set(bytes);
    this.bytes = unit ?? this.bytes;
    return unit !== undefined;
  }

  putResponse(tag: number, code: number): void {
    this.#begin(RESPONSE_IU, tag);
    this.#bytes[7] = code;
    this.bytes = this.#response;
  }

  putReady(tag: number, isIn: boolean): void {
    this.#begin(isIn ? READ_READY_IU : WRITE_READY_IU, tag);
    this.bytes = this.#header;
  }

  #begin(id: number, tag: number): void {
    this.#bytes.fill(0);
    this.#bytes[0] = id;
    putBe16(this.#bytes, 2, tag);
  }
}
