/** The parameter data that a unit answers: fields in, bytes out (SPC-4 §6, §7; SBC-3 §5, §6). mmc-data.ts has a CD drive's own. */
import { putBe16, putBe32, type Sense } from "./scsi-command.ts";

/** Who the unit says it is. ASCII; longer texts are cut, shorter ones padded with spaces. */
export interface UnitIdentity {
  readonly type: PeripheralDeviceType;
  /** T10 vendor identification, 8 characters. */
  readonly vendor: string;
  /** Product identification, 16 characters. */
  readonly product: string;
  /** Product revision level, 4 characters. */
  readonly revision: string;
  readonly serial: string;
  /** Does it take several commands at once? */
  readonly queues?: boolean;
}

/** Peripheral device type (SPC-4 table 147). */
export const DIRECT_ACCESS = 0x00;
export const MULTIMEDIA = 0x05;
export type PeripheralDeviceType = typeof DIRECT_ACCESS | typeof MULTIMEDIA;

/** Vital product data pages (SPC-4 §7.8, SBC-3 §6.6), in the order that page 0 lists them. */
export const VPD_SUPPORTED_PAGES = 0x00;
export const VPD_UNIT_SERIAL_NUMBER = 0x80;
export const VPD_DEVICE_IDENTIFICATION = 0x83;
export const VPD_BLOCK_LIMITS = 0xb0;
export const VPD_BLOCK_DEVICE_CHARACTERISTICS = 0xb1;
const VPD_PAGES = [VPD_SUPPORTED_PAGES, VPD_UNIT_SERIAL_NUMBER, VPD_DEVICE_IDENTIFICATION];
const VPD_BLOCK_PAGES = [VPD_BLOCK_LIMITS, VPD_BLOCK_DEVICE_CHARACTERISTICS];

/** The most characters of a serial number that the vital product data carries. */
const SERIAL_MAX = 64;

/** Writes `width` characters of ASCII. Answers the offset behind them. */
function putText(into: Uint8Array, at: number, text: string, width: number): number {
  for (let index = 0; index < width; index++) {
    const code = index < text.length ? text.charCodeAt(index) : 0x20;
    into[at + index] = code >= 0x20 && code < 0x7f ? code : 0x3f;
  }
  return at + width;
}

/** Standard INQUIRY data (SPC-4 §6.6.2), 36 bytes: a removable device of SPC-4. */
export function putInquiry(into: Uint8Array, identity: UnitIdentity): number {
  into[0] = identity.type; // connected
  into[1] = 0x80; // RMB
  into[2] = 0x06; // version: SPC-4
  into[3] = 0x02; // response data format
  into[4] = 36 - 5;
  into[5] = 0;
  into[6] = 0;
  into[7] = identity.queues ? 0x02 : 0; // CMDQUE
  putText(into, 8, identity.vendor, 8);
  putText(into, 16, identity.product, 16);
  return putText(into, 32, identity.revision, 4);
}

/** One vital product data page. Answers its length, or 0 when there is no such page. */
export function putVitalProductData(into: Uint8Array, page: number, identity: UnitIdentity): number {
  const serial = Math.min(identity.serial.length, SERIAL_MAX);
  if (identity.type !== DIRECT_ACCESS && VPD_BLOCK_PAGES.includes(page)) return 0;
  into[0] = identity.type;
  into[1] = page;
  let end = 4;
  switch (page) {
    case VPD_SUPPORTED_PAGES:
      for (const each of VPD_PAGES) into[end++] = each;
      if (identity.type === DIRECT_ACCESS) for (const each of VPD_BLOCK_PAGES) into[end++] = each;
      break;
    case VPD_UNIT_SERIAL_NUMBER:
      end = putText(into, end, identity.serial, serial);
      break;
    case VPD_DEVICE_IDENTIFICATION:
      into[end] = 0x02; // code set: ASCII
      into[end + 1] = 0x01; // designator: T10 vendor id, of the logical unit
      into[end + 2] = 0;
      into[end + 3] = 8 + 16 + serial;
      end = putText(into, end + 4, identity.vendor, 8);
      end = putText(into, end, identity.product, 16);
      end = putText(into, end, identity.serial, serial);
      break;
    case VPD_BLOCK_LIMITS: // all zero: no limit is reported
      into.fill(0, 4, 64);
      end = 64;
      break;
    case VPD_BLOCK_DEVICE_CHARACTERISTICS:
      into.fill(0, 4, 64);
      putBe16(into, 4, 1); // medium rotation rate: it does not rotate
      end = 64;
      break;
    default:
      return 0;
  }
  putBe16(into, 2, end - 4);
  return end;
}

/** Sense data in fixed format, 18 bytes (SPC-4 §4.5.3). */
export function putFixedSense(into: Uint8Array, sense: Sense): number {
  into.fill(0, 0, 18);
  into[0] = 0x70;
  into[2] = sense >> 16;
  into[7] = 18 - 8;
  into[12] = sense >> 8;
  into[13] = sense;
  return 18;
}

/** Sense data in descriptor format, without descriptors, 8 bytes (SPC-4 §4.5.2). */
export function putDescriptorSense(into: Uint8Array, sense: Sense): number {
  into.fill(0, 0, 8);
  into[0] = 0x72;
  into[1] = sense >> 16;
  into[2] = sense >> 8;
  into[3] = sense;
  return 8;
}

/** SBC-3 §5.15.2. A last block that does not fit is 0xFFFFFFFF: ask READ CAPACITY(16). */
export function putCapacity10(into: Uint8Array, blocks: number, blockSize: number): number {
  putBe32(into, 0, Math.min(blocks - 1, 0xffffffff));
  putBe32(into, 4, blockSize);
  return 8;
}

/** SBC-3 §5.16.2. */
export function putCapacity16(into: Uint8Array, blocks: number, blockSize: number): number {
  into.fill(0, 0, 32);
  putBe32(into, 0, Math.floor((blocks - 1) / 0x1_0000_0000));
  putBe32(into, 4, (blocks - 1) % 0x1_0000_0000);
  putBe32(into, 8, blockSize);
  return 32;
}

/** READ FORMAT CAPACITIES (UFI 1.0 §4.10): the current capacity, formatted, or that there is no medium. */
export function putFormatCapacities(into: Uint8Array, blocks: number, blockSize: number, medium: boolean): number {
  putBe32(into, 0, 8);
  putBe32(into, 4, Math.min(blocks, 0xffffffff));
  putBe32(into, 8, blockSize);
  into[8] = medium ? 0x02 : 0x03;
  return 12;
}

/** REPORT LUNS (SPC-4 §6.33): logical unit 0. */
export function putLuns(into: Uint8Array): number {
  into.fill(0, 0, 16);
  putBe32(into, 0, 8);
  return 16;
}
