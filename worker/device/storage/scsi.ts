/** What the commands of a SCSI unit do that all kinds of units have (SPC-4 §6): scsi-block.ts and scsi-multimedia.ts go on from here. */
import { Saved } from "../../../asm/saved.ts";
import type { Request } from "../../request.ts";
import type { Command, Direction, SavedCommand } from "./command-set.ts";
import type { Medium } from "./medium.ts";
import * as scsi from "./scsi-command.ts";
import { be16, be32, byte } from "./scsi-command.ts";
import * as data from "./scsi-data.ts";
import { modeSelect, modeSense } from "./scsi-mode.ts";
import type { ScsiUnit } from "./scsi-unit.ts";

/** Where the bytes of the command's data stage come from or go to. */
type Data = NoData | Response | Read | Write | ModeSelect;
interface NoData {
  readonly kind: "none";
}
/** In, from the response buffer. */
interface Response {
  readonly kind: "response";
}
/** In, from the medium. */
interface Read {
  readonly kind: "read";
  offset: number;
}
/** Out, to the medium. */
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

export abstract class ScsiCommand implements Command {
  readonly #unit: ScsiUnit;
  /** What a command answers from, when it is not the medium. */
  protected readonly response = new Uint8Array(256);
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
  /** What its blocks are of: a person may put another medium in. */
  #medium: Medium | undefined;

  constructor(unit: ScsiUnit) {
    this.#unit = unit;
  }

  /** Commands of the kind of unit that is meant, for unit 0. False for one that it does not have. */
  protected abstract executeOther(operation: number, command: Uint8Array): boolean;

  /** Is it carried out in spite of an attention, which stays? */
  protected abstract passesAttention(operation: number): boolean;

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
    this.#unit.sense = scsi.SENSE_NONE;
    if (operation === scsi.INQUIRY) {
      this.#inquiry(unit, command);
      return;
    }
    if (unit !== 0) {
      this.fail(scsi.SENSE_NO_SUCH_UNIT);
      return;
    }
    if (operation === scsi.REPORT_LUNS) {
      if (be32(command, 6) < 16) this.fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
      else this.respond(data.putLuns(this.response), be32(command, 6));
      return;
    }
    if (this.#unit.attention !== scsi.SENSE_NONE && !this.passesAttention(operation)) {
      this.fail(this.#unit.attention);
      this.#unit.attention = scsi.SENSE_NONE;
      return;
    }
    this.#executeReady(operation, command);
  }

  read(position: number, length: number, request: Request, at: number): boolean | Promise<Uint8Array | undefined> {
    switch (this.#data.kind) {
      case "response":
        request.write(this.response.subarray(position, position + length), at);
        return true;
      case "read":
        try {
          const offset = this.#data.offset + position;
          const promised = this.#present(offset + length)?.image.read(offset, length, request, at);
          return promised ? promised.catch(() => undefined) : !this.#failed;
        } catch {
          this.fail(scsi.SENSE_UNRECOVERED_READ);
          return false;
        }
      default:
        return false;
    }
  }

  lost(): void {
    this.fail(scsi.SENSE_UNRECOVERED_READ);
  }

  write(position: number, length: number, request: Request): boolean {
    switch (this.#data.kind) {
      case "write":
        try {
          const offset = this.#data.offset + position;
          this.#present(offset + length)?.write(offset, length, request);
          return !this.#failed;
        } catch {
          this.fail(scsi.SENSE_WRITE_ERROR);
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
    if (this.direction === "out" && moved < this.#length) this.fail(scsi.SENSE_DATA_PHASE);
    else if (this.#data.kind === "mode-select") this.#modeSelect(this.#data.long);
    return !this.#failed;
  }

  /** In fixed format. REQUEST SENSE has nothing more to say of it. */
  putSense(into: Uint8Array): number {
    this.#unit.sense = scsi.SENSE_NONE;
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
      response: this.response.slice(),
      parameters: this.#parameters.slice(),
    };
  }

  restore(state: unknown): () => void {
    const saved = new Saved(state, "a SCSI command");
    const kind = saved.choice("data", DATA_KINDS);
    const offset = saved.integer("offset", Number.MAX_SAFE_INTEGER);
    const long = saved.flag("long");
    const length = saved.integer("length", this.#roomFor(kind));
    const failed = saved.flag("failed");
    const sense = saved.integer("sense", scsi.SENSE_MAX);
    const response = saved.bytes("response", this.response.length);
    const parameters = saved.bytes("parameters", PARAMETERS_MAX);
    return () => {
      this.#reading.offset = offset;
      this.#writing.offset = offset;
      this.#selecting.long = long;
      this.#data = this.#dataOf(kind);
      this.#length = length;
      this.#medium = this.#unit.medium;
      this.#failed = failed;
      this.#sense = sense;
      this.response.set(response);
      this.#parameters.set(parameters);
    };
  }

  /** The most that a command with such data may move: nothing beyond a buffer; the medium's end is looked at when it is read. */
  #roomFor(kind: Data["kind"]): number {
    switch (kind) {
      case "none":
        return 0;
      case "response":
        return this.response.length;
      case "read":
      case "write":
        return 0xffffffff;
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
        this.hasMedium();
        break;
      case scsi.READ_10:
      case scsi.READ_12:
        this.readBlocks(scsi.logicalBlock(command), scsi.blockCount(command));
        break;
      case scsi.READ_CAPACITY_10:
        if (!this.hasMedium()) break;
        this.respond(data.putCapacity10(this.response, this.#unit.blocks, this.#unit.blockSize), 8);
        break;
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
      default:
        if (!this.executeOther(operation, command)) this.fail(scsi.SENSE_INVALID_OPERATION);
    }
  }

  protected readBlocks(block: number, count: number): void {
    if (!this.hasMedium() || !this.inRange(block, count)) return;
    this.#reading.offset = block * this.#unit.blockSize;
    this.#move(this.#reading, count * this.#unit.blockSize);
  }

  protected writeBlocks(block: number, count: number): void {
    if (!this.hasMedium() || !this.#writable() || !this.inRange(block, count)) return;
    this.#writing.offset = block * this.#unit.blockSize;
    this.#move(this.#writing, count * this.#unit.blockSize);
  }

  /** SPC-4 §6.6. Answers in every state, and says of other units that there are none. */
  #inquiry(unit: number, command: Uint8Array): void {
    const vital = (byte(command, 1) & 0x01) !== 0;
    const page = byte(command, 2);
    const end = vital
      ? data.putVitalProductData(this.response, page, this.#unit.identity)
      : data.putInquiry(this.response, this.#unit.identity);
    if (end === 0 || (!vital && page !== 0)) {
      this.fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
      return;
    }
    if (unit !== 0) this.response[0] = 0x7f;
    this.respond(end, be16(command, 3));
  }

  /** SPC-4 §6.39: the sense of the command before, or what it would be now. */
  #requestSense(unit: number, command: Uint8Array): void {
    let sense = unit === 0 ? this.#unit.sense : scsi.SENSE_NO_SUCH_UNIT;
    if (sense === scsi.SENSE_NONE) {
      sense = this.#unit.attention;
      this.#unit.attention = scsi.SENSE_NONE;
    }
    if (sense === scsi.SENSE_NONE && !this.#unit.loaded) sense = this.#unit.noMedium;
    if (unit === 0) this.#unit.sense = scsi.SENSE_NONE;
    const descriptors = (byte(command, 1) & 0x01) !== 0;
    const put = descriptors ? data.putDescriptorSense : data.putFixedSense;
    this.respond(put(this.response, sense), byte(command, 4));
  }

  #modeSense(command: Uint8Array, long: boolean, allocated: number): void {
    const end = modeSense(this.response, command, long, this.#unit.modePages);
    if (end === 0) this.fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND);
    else this.respond(end, allocated);
  }

  /** MODE SELECT, before its parameter list has come (SPC-4 §6.9 and §6.10). */
  #takeParameters(command: Uint8Array, long: boolean, length: number): void {
    if (byte(command, 1) & 0x01) {
      this.fail(scsi.SENSE_INVALID_FIELD_IN_COMMAND); // SP: nothing is saved
    } else if (length > PARAMETERS_MAX) {
      this.fail(scsi.SENSE_PARAMETER_LIST_LENGTH);
    } else if (length > 0) {
      this.#selecting.long = long;
      this.#move(this.#selecting, length);
    }
  }

  #modeSelect(long: boolean): void {
    const sense = modeSelect(this.#parameters, this.#length, long, this.#unit.modePages, this.response);
    if (sense !== scsi.SENSE_NONE) this.fail(sense);
  }

  /** SBC-3 §5.25, MMC-6 §6.42: LOEJ with START loads, without it ejects; a stopped unit starts again by itself. */
  #startStop(bits: number): void {
    const start = (bits & 0x01) !== 0;
    const loadEject = (bits & 0x02) !== 0;
    if (!start) this.flush();
    if ((bits & 0xf0) !== 0 || !loadEject || this.#failed) return; // a power condition is not about the medium
    if (start) {
      if (this.#unit.ejected && this.#unit.medium) this.#unit.attention = scsi.SENSE_MEDIUM_CHANGED;
      this.#unit.setEjected(false);
    } else if (this.#unit.removalPrevented) {
      this.fail(scsi.SENSE_REMOVAL_PREVENTED);
    } else {
      this.#unit.setEjected(true);
    }
  }

  protected flush(): void {
    try {
      this.#unit.medium?.image.flush();
    } catch {
      this.fail(scsi.SENSE_WRITE_ERROR);
    }
  }

  protected hasMedium(): boolean {
    if (!this.#unit.loaded) this.fail(this.#unit.noMedium);
    return this.#unit.loaded;
  }

  #writable(): boolean {
    const writable = this.#unit.medium?.image.readOnly === false;
    if (!writable) this.fail(scsi.SENSE_WRITE_PROTECTED);
    return writable;
  }

  /** Are all these blocks on the medium? An empty range may begin at its very end. */
  protected inRange(block: number, count: number): boolean {
    const inside = block + count <= this.#unit.blocks;
    if (!inside) this.fail(scsi.SENSE_LBA_OUT_OF_RANGE);
    return inside;
  }

  /** The medium that the command is about, if that is still in and reaches up to `end`. */
  #present(end: number): Medium | undefined {
    const { medium } = this.#unit;
    if (!medium || medium !== this.#medium) this.fail(scsi.SENSE_MEDIUM_CHANGED);
    else if (end > medium.image.size) this.fail(scsi.SENSE_LBA_OUT_OF_RANGE);
    else return medium;
    return undefined;
  }

  #move(what: Data, length: number): void {
    this.#data = length > 0 ? what : NO_DATA;
    this.#length = length;
    this.#medium = this.#unit.medium;
  }

  /** Answers `length` bytes of the response buffer, or as many as the host allocated (SPC-4 §4.2.5.6). */
  protected respond(length: number, allocated: number): void {
    this.#move(RESPONSE, Math.min(length, allocated));
  }

  /** CHECK CONDITION. */
  protected fail(sense: scsi.Sense): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#sense = sense;
    this.#unit.sense = sense;
  }
}
