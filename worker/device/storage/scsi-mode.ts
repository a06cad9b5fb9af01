/** Mode pages (SPC-4 §7.5): what MODE SENSE tells of a unit, and what MODE SELECT may change: nothing. */
import {
  be16,
  byte,
  putBe16,
  SENSE_INVALID_FIELD_IN_PARAMETERS,
  SENSE_NONE,
  SENSE_PARAMETER_LIST_LENGTH,
  type Sense,
} from "./scsi-command.ts";

/** The mode pages of a unit. */
export interface ModePages {
  readonly codes: readonly number[];
  /** The device-specific parameter of the header (SPC-4 §7.5.5). */
  readonly parameter: number;
  /**
   * Puts a page. `changeable` asks for the mask of what MODE SELECT could change, which is nothing. Answers the offset behind it,
   * or `at` when there is no such page.
   */
  put(into: Uint8Array, at: number, page: number, changeable: boolean): number;
}

const MODE_PAGES_ALL = 0x3f;

/** Which values of the pages are meant: page control, in byte 2 of the command (SPC-4 table 142). */
const CONTROL_CHANGEABLE = 1;
const CONTROL_SAVED = 3;

/** MODE SENSE(6) and (10) (SPC-4 §6.11, §6.12). Answers the length of its data, or 0 for a field that is not supported. */
export function modeSense(into: Uint8Array, command: Uint8Array, long: boolean, pages: ModePages): number {
  const page = byte(command, 2) & 0x3f;
  const control = byte(command, 2) >> 6;
  const subpage = byte(command, 3);
  if (control === CONTROL_SAVED || (subpage !== 0 && subpage !== 0xff)) return 0;
  const header = long ? 8 : 4;
  let end = header;
  for (const each of pages.codes) {
    if (page === MODE_PAGES_ALL || page === each) end = pages.put(into, end, each, control === CONTROL_CHANGEABLE);
  }
  if (end === header) return 0;
  putModeHeader(into, end, long, pages.parameter);
  return end;
}

/**
 * The parameter list of MODE SELECT(6) or (10), `length` bytes of it. Nothing can be changed, so each page must say what
 * is so already. `room` is for a page to compare with.
 */
export function modeSelect(list: Uint8Array, length: number, long: boolean, pages: ModePages, room: Uint8Array): Sense {
  const header = long ? 8 : 4;
  let at = header + (long ? be16(list, 6) : byte(list, 3));
  while (length >= header && at + 1 < length) {
    const size = pages.put(room, 0, byte(list, at) & 0x3f, false);
    if (size === 0) return SENSE_INVALID_FIELD_IN_PARAMETERS;
    if (at + size > length) break;
    for (let index = 1; index < size; index++) {
      if (byte(list, at + index) !== byte(room, index)) return SENSE_INVALID_FIELD_IN_PARAMETERS;
    }
    at += size;
  }
  return at === length ? SENSE_NONE : SENSE_PARAMETER_LIST_LENGTH;
}

/** A page of zeros. Answers the offset behind it. */
export function putPage(into: Uint8Array, at: number, page: number, length: number): number {
  into.fill(0, at, at + 2 + length);
  into[at] = page;
  into[at + 1] = length;
  return at + 2 + length;
}

/** The mode parameter header of MODE SENSE(6), 4 bytes, or (10), 8 bytes, without block descriptors (SPC-4 §7.5.5). */
function putModeHeader(into: Uint8Array, length: number, long: boolean, parameter: number): void {
  into.fill(0, 0, long ? 8 : 4);
  if (long) putBe16(into, 0, length - 2);
  else into[0] = length - 1;
  into[long ? 3 : 2] = parameter;
}
