/** Mass storage: Bulk-Only Transport 1.0 §5, and the information units of UAS-3 §6.2. */
import { be16, count, hexBytes, u8, u32 } from "./bytes.ts";
import { PROTOCOL_BULK_ONLY, PROTOCOL_UAS } from "./classes.ts";
import { type Description, field, named, type Setup, say, type Transfer } from "./description.ts";
import { commandName, describeCommand, senseWords, statusName } from "./scsi.ts";

const CBW_SIGNATURE = 0x43425355;
const CBW_LENGTH = 31;
const CSW_SIGNATURE = 0x53425355;
const CSW_LENGTH = 13;
const CSW_STATUSES = ["passed", "failed", "phase error"];

const REQUESTS: Readonly<Record<number, string>> = { 254: "Get Max LUN", 255: "Bulk-Only Mass Storage Reset" };

// IU ID (UAS-3 §6.2.1).
const COMMAND = 0x01;
const SENSE = 0x03;
const RESPONSE = 0x04;
const TASK_MANAGEMENT = 0x05;
const READ_READY = 0x06;
const WRITE_READY = 0x07;
/** bPipeID (UAS-3 §5.2.3.4). */
export const COMMAND_PIPE = 1;
export const STATUS_PIPE = 2;

const RESPONSES: Readonly<Record<number, string>> = {
  0: "complete",
  2: "invalid information unit",
  4: "not supported",
  5: "failed",
  8: "succeeded",
  9: "incorrect logical unit",
  10: "overlapped tag",
};
const FUNCTIONS: Readonly<Record<number, string>> = {
  1: "ABORT TASK",
  2: "ABORT TASK SET",
  4: "CLEAR TASK SET",
  8: "LOGICAL UNIT RESET",
  16: "I_T NEXUS RESET",
  64: "CLEAR ACA",
  128: "QUERY TASK",
  129: "QUERY TASK SET",
};

export function describeStorageRequest({ request }: Setup, { data }: Transfer): Description {
  const answer = data.length > 0 ? ` → ${u8(data, 0)}` : "";
  return say(`${named(REQUESTS, request, "mass storage request")}${answer}`);
}

/** A bulk transfer of a drive. Undefined when nothing says that it is one. */
export function describeStorage(transfer: Transfer): Description | undefined {
  const { command, data, endpoint, role } = transfer;
  const isIn = (endpoint & 0x80) !== 0;
  if (!isIn && isCommandBlock(data)) return commandWrapper(data);
  if (isIn && isStatusWrapper(data)) return statusWrapper(data, command);
  if (role?.pipe === COMMAND_PIPE) return commandUnit(data);
  if (role?.pipe === STATUS_PIPE) return statusUnit(data, command);
  const isDrive = role?.protocol === PROTOCOL_BULK_ONLY || role?.protocol === PROTOCOL_UAS;
  if (!command && !isDrive) return undefined;
  const moved = count(transfer.actual, "byte");
  return say(`${isIn ? "data in" : "data out"}${command ? ` of ${command}` : ""}, ${moved}`);
}

/** What is to be remembered for the data and the status that follow: the tag of a command, and its name. */
export function commandOf(data: Uint8Array, pipe: number): { readonly tag: number; readonly name: string } | undefined {
  if (isCommandBlock(data)) return { tag: u32(data, 4), name: commandName(blockOf(data)) };
  if (pipe === COMMAND_PIPE && u8(data, 0) === COMMAND)
    return { tag: be16(data, 2), name: commandName(data.subarray(16)) };
  return undefined;
}

/** Of a status, the tag; of what has none, undefined. */
export function tagOf(data: Uint8Array, pipe: number): number | undefined {
  if (pipe === STATUS_PIPE) return be16(data, 2);
  return isStatusWrapper(data) ? u32(data, 4) : undefined;
}

function isCommandBlock(data: Uint8Array): boolean {
  return data.length === CBW_LENGTH && u32(data, 0) === CBW_SIGNATURE;
}

function isStatusWrapper(data: Uint8Array): boolean {
  return data.length === CSW_LENGTH && u32(data, 0) === CSW_SIGNATURE;
}

function blockOf(wrapper: Uint8Array): Uint8Array {
  return wrapper.subarray(15, 15 + Math.min(16, u8(wrapper, 14) & 0x1f));
}

function commandWrapper(data: Uint8Array): Description {
  const { fields, text } = describeCommand(blockOf(data));
  const length = u32(data, 8);
  const way = length === 0 ? "no data" : `${count(length, "byte")} ${u8(data, 12) & 0x80 ? "in" : "out"}`;
  return say(
    `${text} (${way})`,
    field("dCBWTag", u32(data, 4)),
    field("dCBWDataTransferLength", length),
    field("bCBWLUN", u8(data, 13) & 0x0f),
    ...fields,
  );
}

function statusWrapper(data: Uint8Array, command: string | undefined): Description {
  const status = CSW_STATUSES[u8(data, 12)] ?? `status ${u8(data, 12)}`;
  const residue = u32(data, 8);
  return say(
    `${command ?? "command"} ${status}${residue ? `, residue ${residue.toLocaleString("en")}` : ""}`,
    field("dCSWTag", u32(data, 4)),
    field("dCSWDataResidue", residue),
    field("bCSWStatus", status),
  );
}

function commandUnit(data: Uint8Array): Description {
  const tag = be16(data, 2);
  switch (u8(data, 0)) {
    case COMMAND: {
      const { fields, text } = describeCommand(data.subarray(16, 32));
      return say(`COMMAND IU, tag ${tag}: ${text}`, field("tag", tag), ...fields);
    }
    case TASK_MANAGEMENT: {
      const name = named(FUNCTIONS, u8(data, 4), "function");
      return say(`TASK MANAGEMENT IU, tag ${tag}: ${name} of tag ${be16(data, 6)}`, field("tag", tag));
    }
    default:
      return say(`information unit ${u8(data, 0)}: ${hexBytes(data)}`);
  }
}

function statusUnit(data: Uint8Array, command: string | undefined): Description {
  const tag = be16(data, 2);
  const of = command ? ` (${command})` : "";
  switch (u8(data, 0)) {
    case SENSE: {
      const sense = senseWords(data.subarray(16));
      const words = [statusName(u8(data, 6)), ...(sense ? [sense] : [])].join(": ");
      return say(`SENSE IU, tag ${tag}${of}: ${words}`, field("tag", tag), field("status", words));
    }
    case RESPONSE:
      return say(`RESPONSE IU, tag ${tag}${of}: ${named(RESPONSES, u8(data, 7), "response")}`, field("tag", tag));
    case READ_READY:
    case WRITE_READY:
      return say(`${u8(data, 0) === READ_READY ? "READ" : "WRITE"} READY IU, tag ${tag}${of}`, field("tag", tag));
    default:
      return say(`information unit ${u8(data, 0)}: ${hexBytes(data)}`);
  }
}
