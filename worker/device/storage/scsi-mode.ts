/** Mode pages (SPC-4 §7.5, SBC-3 §6.5): what MODE SENSE tells of the disk, and what MODE SELECT may change: nothing. */
import {
  be16,
  byte,
  putBe16,
  SENSE_INVALID_FIELD_IN_PARAMETERS,
  SENSE_NONE,
  SENSE_PARAMETER_LIST_LENGTH,
  type Sense,
} from "./scsi-command.ts";

/** Mode pages (SBC-3 §6.5, SPC-4 §7.5). */
const MODE_PAGE_CACHING = 0x08;
const MODE_PAGE_INFORMATIONAL_EXCEPTIONS = 0x1c;
const MODE_PAGES_ALL = 0x3f;

/** Which values of the pages are meant: page control, in byte 2 of the command (SPC-4 table 142). */
const CONTROL_CHANGEABLE = 1;
const CONTROL_SAVED = 3;

/** MODE SENSE(6) and (10) (SPC-4 §6.11, §6.12). Answers the length of its data, or 0 for a field that is not supported. */
export function modeSense(
  into: Uint8Array,
  command: Uint8Array,
  long: boolean,
  writeCache: boolean,
  writeProtected: boolean,
): number {
  const page = byte(command, 2) & 0x3f;
  const control = byte(command, 2) >> 6;
  const subpage = byte(command, 3);
  if (control === CONTROL_SAVED || (subpage !== 0 && subpage !== 0xff)) return 0;
  const header = long ? 8 : 4;
  let end = header;
  for (const each of [MODE_PAGE_CACHING, MODE_PAGE_INFORMATIONAL_EXCEPTIONS]) {
    if (page !== MODE_PAGES_ALL && page !== each) continue;
    end = putModePage(into, end, each, writeCache, control === CONTROL_CHANGEABLE);
  }
  if (end === header) return 0;
  putModeHeader(into, end, long, writeProtected);
  return end;
}

/**
 * The parameter list of MODE SELECT(6) or (10), `length` bytes of it. Nothing can be changed, so each page must say what
 * is so already. `room` is for a page to compare with.
 */
export function modeSelect(
  list: Uint8Array,
  length: number,
  long: boolean,
  writeCache: boolean,
  room: Uint8Array,
): Sense {
  const header = long ? 8 : 4;
  let at = header + (long ? be16(list, 6) : byte(list, 3));
  while (length >= header && at + 1 < length) {
    const size = putModePage(room, 0, byte(list, at) & 0x3f, writeCache, false);
    if (size === 0) return SENSE_INVALID_FIELD_IN_PARAMETERS;
    if (at + size > length) break;
    for (let index = 1; index < size; index++) {
      if (byte(list, at + index) !== byte(room, index)) return SENSE_INVALID_FIELD_IN_PARAMETERS;
    }
    at += size;
  }
  return at === length ? SENSE_NONE : SENSE_PARAMETER_LIST_LENGTH;
}

/**
 * A mode page. `changeable` answers the mask of what MODE SELECT could change, which is nothing. Answers the offset behind
 * it, or `at` when there is no such page.
 */
function putModePage(into: Uint8Array, at: number, page: number, writeCache: boolean, changeable: boolean): number {
  switch (page) {
    case MODE_PAGE_CACHING: // SBC-3 §6.5.5
      into.fill(0, at, at + 20);
      into[at] = page;
      into[at + 1] = 18;
      if (writeCache && !changeable) into[at + 2] = 0x04; // WCE
      return at + 20;
    case MODE_PAGE_INFORMATIONAL_EXCEPTIONS: // SPC-4 §7.5.11: none are reported
      into.fill(0, at, at + 12);
      into[at] = page;
      into[at + 1] = 10;
      return at + 12;
    default:
      return at;
  }
}

/** The mode parameter header of MODE SENSE(6), 4 bytes, or (10), 8 bytes, without block descriptors (SPC-4 §7.5.5). */
function putModeHeader(into: Uint8Array, length: number, long: boolean, writeProtected: boolean): void {
  into.fill(0, 0, long ? 8 : 4);
  if (long) putBe16(into, 0, length - 2);
  else into[0] = length - 1;
  into[long ? 3 : 2] = writeProtected ? 0x80 : 0; // WP (SBC-3 §6.5.1)
}
