/** SCSI command descriptor blocks: bytes to fields (SPC-4 §4.2.5), and the codes that SPC and SBC name. */

/** Operation codes (SPC-4 annex D.3, MMC-6 §6). */
export const TEST_UNIT_READY = 0x00;
export const REQUEST_SENSE = 0x03;
export const READ_6 = 0x08;
export const WRITE_6 = 0x0a;
export const INQUIRY = 0x12;
export const MODE_SELECT_6 = 0x15;
export const MODE_SENSE_6 = 0x1a;
export const START_STOP_UNIT = 0x1b;
export const PREVENT_ALLOW_MEDIUM_REMOVAL = 0x1e;
export const READ_FORMAT_CAPACITIES = 0x23;
export const READ_CAPACITY_10 = 0x25;
export const READ_10 = 0x28;
export const WRITE_10 = 0x2a;
export const VERIFY_10 = 0x2f;
export const SYNCHRONIZE_CACHE_10 = 0x35;
export const MODE_SELECT_10 = 0x55;
export const MODE_SENSE_10 = 0x5a;
export const READ_TOC_PMA_ATIP = 0x43;
export const GET_CONFIGURATION = 0x46;
export const GET_EVENT_STATUS_NOTIFICATION = 0x4a;
export const READ_DISC_INFORMATION = 0x51;
export const SET_CD_SPEED = 0xbb;
export const MECHANISM_STATUS = 0xbd;
export const READ_CD = 0xbe;
export const READ_16 = 0x88;
export const WRITE_16 = 0x8a;
export const VERIFY_16 = 0x8f;
export const SYNCHRONIZE_CACHE_16 = 0x91;
export const SERVICE_ACTION_IN_16 = 0x9e;
export const REPORT_LUNS = 0xa0;
export const READ_12 = 0xa8;
export const WRITE_12 = 0xaa;
export const VERIFY_12 = 0xaf;

/** Service action of SERVICE ACTION IN(16) (SBC-3 §5.16). */
export const SERVICE_READ_CAPACITY_16 = 0x10;

/** A sense key with its additional codes, as (key << 16) | (code << 8) | qualifier (SPC-4 §4.5). */
export type Sense = number;
export const SENSE_MAX: Sense = 0xffffff;
export const SENSE_NONE: Sense = 0x000000;
export const SENSE_NO_MEDIUM: Sense = 0x023a00;
export const SENSE_NO_MEDIUM_TRAY_CLOSED: Sense = 0x023a01;
export const SENSE_NO_MEDIUM_TRAY_OPEN: Sense = 0x023a02;
export const SENSE_UNRECOVERED_READ: Sense = 0x031100;
export const SENSE_WRITE_ERROR: Sense = 0x030c00;
export const SENSE_PARAMETER_LIST_LENGTH: Sense = 0x051a00;
export const SENSE_INVALID_OPERATION: Sense = 0x052000;
export const SENSE_LBA_OUT_OF_RANGE: Sense = 0x052100;
export const SENSE_INVALID_FIELD_IN_COMMAND: Sense = 0x052400;
export const SENSE_NO_SUCH_UNIT: Sense = 0x052500;
export const SENSE_INVALID_FIELD_IN_PARAMETERS: Sense = 0x052600;
export const SENSE_REMOVAL_PREVENTED: Sense = 0x055302;
export const SENSE_ILLEGAL_MODE_FOR_TRACK: Sense = 0x056400;
export const SENSE_MEDIUM_CHANGED: Sense = 0x062800;
export const SENSE_POWER_ON: Sense = 0x062900;
export const SENSE_WRITE_PROTECTED: Sense = 0x072700;
/** DATA PHASE ERROR: the data stage ended early. */
export const SENSE_DATA_PHASE: Sense = 0x0b4b00;

export function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

export function be16(bytes: Uint8Array, at: number): number {
  return (byte(bytes, at) << 8) | byte(bytes, at + 1);
}

export function be24(bytes: Uint8Array, at: number): number {
  return (be16(bytes, at) << 8) | byte(bytes, at + 2);
}

export function be32(bytes: Uint8Array, at: number): number {
  return ((be16(bytes, at) << 16) | be16(bytes, at + 2)) >>> 0;
}

export function putBe16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}

export function putBe32(bytes: Uint8Array, at: number, value: number): void {
  putBe16(bytes, at, value >>> 16);
  putBe16(bytes, at + 2, value);
}

/** Logical block address of a command on blocks. Beyond 2^53 it is rounded, and out of every disk's range all the same. */
export function logicalBlock(command: Uint8Array): number {
  switch (byte(command, 0) >> 5) {
    case 0:
      return ((byte(command, 1) & 0x1f) << 16) | be16(command, 2);
    case 4:
      return be32(command, 2) * 0x1_0000_0000 + be32(command, 6);
    default:
      return be32(command, 2);
  }
}

/** Blocks that a command on blocks is about. In a 6-byte command 0 stands for 256 (SBC-3 §5.6). */
export function blockCount(command: Uint8Array): number {
  switch (byte(command, 0) >> 5) {
    case 0:
      return byte(command, 4) || 256;
    case 4:
      return be32(command, 10);
    case 5:
      return be32(command, 6);
    default:
      return be16(command, 7);
  }
}
