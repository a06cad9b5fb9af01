/** What the commands of a direct-access SCSI device do (SPC-4 §6, SBC-3 §5). */
import { Saved } from "../../../asm/saved.ts";
import type { Request } from "../../request.ts";
import type { Command, Direction, SavedCommand } from "./command-set.ts";
import { SECTOR_SIZE } from "./image.ts";
import * as scsi from "./scsi-command.ts";
import { be16, be32, byte } from "./scsi-command.ts";
import * as data from "./scsi-data.ts";
import type { ScsiDisk } from "./scsi-disk.ts";
import { modeSelect, modeSense } from "./scsi-mode.ts";

/** Where the bytes of the command's data stage come from or go to. */
type Data = NoData | Response | Read | Write | ModeSelect;
interface NoData {
  readonly kind: "none";
}
/** In, from the response buffer. */
interface Response {
  readonly kind: "response";
}
/** In, from the image. */
interface Read {
  readonly kind: "read";
  offset: number;
}
/** Out, to the image. */
interface Write {
  readonly kind: "write";
  offset: number;
}
/** Out, to the parameter buffer. */
interface ModeSelect {
  readonly kind: "mode-select";
  long: boolean;
}

const DATA_KINDS = ["none", "response", "read", "write", "mode-select"] as const;
const NO_DATA: Data = { kind: "none" };
const RESPONSE: Data = { kind: "response" };

/** MODE SELECT's list may be this long. */
const PARAMETERS_MAX = 255;

export class ScsiCommand implements Command {
  readonly #disk: ScsiDisk;
  readonly #response = new Uint8Array(256);
  readonly #parameters = new Uint8Array(PARAMETERS_MAX);
  // The data stages that carry fields, made once: a command allocates none.
  readonly #reading: Read = { kind: "read", offset: 0 };
  readonly #writing: Write = { kind: "write", offset: 0 };
  readonly #selecting: ModeSelect = { kind: "mode-select", long: false };

  #data: Data = NO_DATA;
  #length = 0;
  #failed = false;
  /** Why it failed. */
  #sense: scsi.Sense = scsi.SENSE_NONE;

  constructor(disk: ScsiDisk) {
    this.#disk = disk;
  }

  get direction(): Direction {
    switch (this.#data.kind) {
      case "none":
        return "none";
      case "response":
      case "read":
        return "in";
      case "write":
      case "mode-select":
        return "out";
      default:
        return this.#data satisfies never;
    }
  }

  get length(): number {
    return this.#length;
  }

  execute(unit: number, command: Uint8Array): void {
    const operation = byte(command, 0);
    this.#data = NO_DATA;
    this.#length = 0;
    this.#failed = false;
    if (operation === scsi.REQUEST_SENSE) {
      this.#requestSense(unit, command);
      return;
    }
    this.#disk.sense = scsi.SENSE_NONE;
    if (operation === scsi.INQUIRY) {
      this.#inquiry(unit, command);
      return;
    }
    if (unit !== 0) {
      this.#fail(scsi.SENSE_NO_SUCH_UNIT);
      return;
    }
    if (operation === scsi.REPORT_LUNS) {
      if (be32(command, 6) < 16) this.#fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
      else this.#respond(data.putLuns(this.#response), be32(command, 6));
      return;
    }
    if (this.#disk.attention !== scsi.SENSE_NONE) {
      this.#fail(this.#disk.attention);
      this.#disk.attention = scsi.SENSE_NONE;
      return;
    }
    this.#executeReady(operation, command);
  }

  read(position: number, length: number, request: Request, at: number): boolean | Promise<Uint8Array | undefined> {
    switch (this.#data.kind) {
      case "response":
        request.write(this.#response.subarray(position, position + length), at);
        return true;
      case "read":
        try {
          const promised = this.#disk.image.read(this.#data.offset + position, length, request, at);
          return promised ? promised.catch(() => undefined) : true;
        } catch {
          this.#fail(scsi.SENSE_UNRECOVERED_READ);
          return false;
        }
      default:
        return false;
    }
  }

  lost(): void {
    this.#fail(scsi.SENSE_UNRECOVERED_READ);
  }

  write(position: number, length: number, request: Request): boolean {
    switch (this.#data.kind) {
      case "write":
        try {
          this.#disk.image.write(this.#data.offset + position, length, request, 0);
          return true;
        } catch {
          this.#fail(scsi.SENSE_WRITE_ERROR);
          return false;
        }
      case "mode-select":
        request.read(this.#parameters.subarray(position, position + length));
        return true;
      default:
        return false;
    }
  }

  finish(moved: number): boolean {
    if (this.#failed) return false;
    if (this.direction === "out" && moved < this.#length) this.#fail(scsi.SENSE_DATA_PHASE);
    else if (this.#data.kind === "mode-select") this.#modeSelect(this.#data.long);
    return !this.#failed;
  }

  /** In fixed format. REQUEST SENSE has nothing more to say of it. */
  putSense(into: Uint8Array): number {
    this.#disk.sense = scsi.SENSE_NONE;
    return data.putFixedSense(into, this.#sense);
  }

  save(): SavedCommand {
    const data = this.#data;
    return {
      data: data.kind,
      offset: data.kind === "read" || data.kind === "write" ? data.offset : 0,
      long: data.kind === "mode-select" && data.long,
      length: this.#length,
      failed: this.#failed,
      sense: this.#sense,
      response: this.#response.slice(),
      parameters: this.#parameters.slice(),
    };
  }

  restore(state: unknown): () => void {
    const saved = new Saved(state, "a SCSI command");
    const kind = saved.choice("data", DATA_KINDS);
    const offset = saved.integer("offset", this.#disk.blocks * SECTOR_SIZE);
    const long = saved.flag("long");
    const length = saved.integer("length", this.#roomFor(kind, offset));
    const failed = saved.flag("failed");
    const sense = saved.integer("sense", scsi.SENSE_MAX);
    const response = saved.bytes("response", this.#response.length);
    const parameters = saved.bytes("parameters", PARAMETERS_MAX);
    return () => {
      this.#reading.offset = offset;
      this.#writing.offset = offset;
      this.#selecting.long = long;
      this.#data = this.#dataOf(kind);
      this.#length = length;
      this.#failed = failed;
      this.#sense = sense;
      this.#response.set(response);
      this.#parameters.set(parameters);
    };
  }

  /** The most that a command with such data may move: nothing beyond the medium or a buffer. */
  #roomFor(kind: Data["kind"], offset: number): number {
    switch (kind) {
      case "none":
        return 0;
      case "response":
        return this.#response.length;
      case "read":
      case "write":
        return this.#disk.blocks * SECTOR_SIZE - offset;
      case "mode-select":
        return PARAMETERS_MAX;
      default:
        return kind satisfies never;
    }
  }

  #dataOf(kind: Data["kind"]): Data {
    switch (kind) {
      case "none":
        return NO_DATA;
      case "response":
        return RESPONSE;
      case "read":
        return this.#reading;
      case "write":
        return this.#writing;
      case "mode-select":
        return this.#selecting;
      default:
        return kind satisfies never;
    }
  }

  /** Commands that an attention holds back, for unit 0. */
  #executeReady(operation: number, command: Uint8Array): void {
    switch (operation) {
      case scsi.TEST_UNIT_READY:
        this.#hasMedium();
        break;
      case scsi.READ_6:
      case scsi.READ_10:
      case scsi.READ_12:
      case scsi.READ_16:
        if (this.#hasMedium() && this.#inRange(command)) {
          this.#reading.offset = scsi.logicalBlock(command) * SECTOR_SIZE;
          this.#move(this.#reading, scsi.blockCount(command) * SECTOR_SIZE);
        }
        break;
      case scsi.WRITE_6:
      case scsi.WRITE_10:
      case scsi.WRITE_12:
      case scsi.WRITE_16:
        if (this.#hasMedium() && this.#writable() && this.#inRange(command)) {
          this.#writing.offset = scsi.logicalBlock(command) * SECTOR_SIZE;
          this.#move(this.#writing, scsi.blockCount(command) * SECTOR_SIZE);
        }
        break;
      case scsi.VERIFY_10:
      case scsi.VERIFY_12:
      case scsi.VERIFY_16: // SBC-3 §5.31: BYTCHK, which compares with data of the host, is not supported
        if (byte(command, 1) & 0x06) this.#fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
        else if (this.#hasMedium()) this.#inRange(command);
        break;
      case scsi.SYNCHRONIZE_CACHE_10:
      case scsi.SYNCHRONIZE_CACHE_16:
        if (this.#hasMedium() && this.#inRange(command)) this.#flush();
        break;
      case scsi.READ_CAPACITY_10:
        if (this.#hasMedium()) this.#respond(data.putCapacity10(this.#response, this.#disk.blocks, SECTOR_SIZE), 8);
        break;
      case scsi.SERVICE_ACTION_IN_16:
        if ((byte(command, 1) & 0x1f) !== scsi.SERVICE_READ_CAPACITY_16) {
          this.#fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
        } else if (this.#hasMedium()) {
          this.#respond(data.putCapacity16(this.#response, this.#disk.blocks, SECTOR_SIZE), be32(command, 10));
        }
        break;
      case scsi.READ_FORMAT_CAPACITIES: {
        const end = data.putFormatCapacities(this.#response, this.#disk.blocks, SECTOR_SIZE, !this.#disk.ejected);
        this.#respond(end, be16(command, 7));
        break;
      }
      case scsi.MODE_SENSE_6:
        this.#modeSense(command, false, byte(command, 4));
        break;
      case scsi.MODE_SENSE_10:
        this.#modeSense(command, true, be16(command, 7));
        break;
      case scsi.MODE_SELECT_6:
        this.#takeParameters(command, false, byte(command, 4));
        break;
      case scsi.MODE_SELECT_10:
        this.#takeParameters(command, true, be16(command, 7));
        break;
      case scsi.START_STOP_UNIT:
        this.#startStop(byte(command, 4));
        break;
      case scsi.PREVENT_ALLOW_MEDIUM_REMOVAL:
        if (this.#hasMedium()) this.#disk.removalPrevented = (byte(command, 4) & 0x01) !== 0;
        break;
      default:
        this.#fail(scsi.SENSE_INVALID_OPERATION);
    }
  }

  /** SPC-4 §6.6. Answers in every state, and says of other units that there are none. */
  #inquiry(unit: number, command: Uint8Array): void {
    const vital = (byte(command, 1) & 0x01) !== 0;
    const page = byte(command, 2);
    const end = vital
      ? data.putVitalProductData(this.#response, page, this.#disk.identity)
      : data.putInquiry(this.#response, this.#disk.identity);
    if (end === 0 || (!vital && page !== 0)) {
      this.#fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
      return;
    }
    if (unit !== 0) this.#response[0] = 0x7f;
    this.#respond(end, be16(command, 3));
  }

  /** SPC-4 §6.39: the sense of the command before, or what it would be now. */
  #requestSense(unit: number, command: Uint8Array): void {
    let sense = unit === 0 ? this.#disk.sense : scsi.SENSE_NO_SUCH_UNIT;
    if (sense === scsi.SENSE_NONE) {
      sense = this.#disk.attention;
      this.#disk.attention = scsi.SENSE_NONE;
    }
    if (sense === scsi.SENSE_NONE && this.#disk.ejected) sense = scsi.SENSE_NO_MEDIUM;
    if (unit === 0) this.#disk.sense = scsi.SENSE_NONE;
    const descriptors = (byte(command, 1) & 0x01) !== 0;
    const put = descriptors ? data.putDescriptorSense : data.putFixedSense;
    this.#respond(put(this.#response, sense), byte(command, 4));
  }

  #modeSense(command: Uint8Array, long: boolean, allocated: number): void {
    const { cached, readOnly } = this.#disk.image;
    const end = modeSense(this.#response, command, long, cached, readOnly);
    if (end === 0) this.#fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
    else this.#respond(end, allocated);
  }

  /** MODE SELECT, before its parameter list has come (SPC-4 §6.9 and §6.10). */
  #takeParameters(command: Uint8Array, long: boolean, length: number): void {
    if (byte(command, 1) & 0x01) {
      this.#fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND); // SP: nothing is saved
    } else if (length > PARAMETERS_MAX) {
      this.#fail(scsi.SENSE_PARAMETER_LIST_LENGTH);
    } else if (length > 0) {
      this.#selecting.long = long;
      this.#move(this.#selecting, length);
    }
  }

  #modeSelect(long: boolean): void {
    const sense = modeSelect(this.#parameters, this.#length, long, this.#disk.image.cached, this.#response);
    if (sense !== scsi.SENSE_NONE) this.#fail(sense);
  }

  /** SBC-3 §5.25: LOEJ with START loads, without it ejects; a stopped unit starts again by itself. */
  #startStop(bits: number): void {
    const start = (bits & 0x01) !== 0;
    const loadEject = (bits & 0x02) !== 0;
    if (!start) this.#flush();
    if ((bits & 0xf0) !== 0 || !loadEject || this.#failed) return; // a power condition is not about the medium
    if (start) {
      if (this.#disk.ejected) this.#disk.attention = scsi.SENSE_MEDIUM_CHANGED;
      this.#disk.ejected = false;
    } else if (this.#disk.removalPrevented) {
      this.#fail(scsi.SENSE_REMOVAL_PREVENTED);
    } else {
      this.#disk.ejected = true;
    }
  }

  #flush(): void {
    try {
      this.#disk.image.flush();
    } catch {
      this.#fail(scsi.SENSE_WRITE_ERROR);
    }
  }

  #hasMedium(): boolean {
    if (this.#disk.ejected) this.#fail(scsi.SENSE_NO_MEDIUM);
    return !this.#disk.ejected;
  }

  #writable(): boolean {
    if (this.#disk.image.readOnly) this.#fail(scsi.SENSE_WRITE_PROTECTED);
    return !this.#disk.image.readOnly;
  }

  /** Are all blocks of the command on the medium? An empty range may begin at its very end. */
  #inRange(command: Uint8Array): boolean {
    const inside = scsi.logicalBlock(command) + scsi.blockCount(command) <= this.#disk.blocks;
    if (!inside) this.#fail(scsi.SENSE_LBA_OUT_OF_RANGE);
    return inside;
  }

  #move(what: Data, length: number): void {
    this.#data = length > 0 ? what : NO_DATA;
    this.#length = length;
  }

  /** Answers `length` bytes of the response buffer, or as many as the host allocated (SPC-4 §4.2.5.6). */
  #respond(length: number, allocated: number): void {
    this.#move(RESPONSE, Math.min(length, allocated));
  }

  /** CHECK CONDITION. */
  #fail(sense: scsi.Sense): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#sense = sense;
    this.#disk.sense = sense;
  }
}
