/** SCSI commands and sense as a person reads them (SPC-4, SBC-3, MMC-6; SENSE: SPC-4 §4.5). */
import { be16, be32, be64, count, hex, hexBytes, u8 } from "./bytes.ts";
import { type Description, field, named, say } from "./description.ts";

const OPERATIONS: Readonly<Record<number, string>> = {
  0: "TEST UNIT READY",
  1: "REZERO UNIT",
  3: "REQUEST SENSE",
  4: "FORMAT UNIT",
  8: "READ(6)",
  10: "WRITE(6)",
  18: "INQUIRY",
  21: "MODE SELECT(6)",
  26: "MODE SENSE(6)",
  27: "START STOP UNIT",
  30: "PREVENT ALLOW MEDIUM REMOVAL",
  35: "READ FORMAT CAPACITIES",
  37: "READ CAPACITY(10)",
  40: "READ(10)",
  42: "WRITE(10)",
  43: "SEEK(10)",
  46: "WRITE AND VERIFY(10)",
  47: "VERIFY(10)",
  53: "SYNCHRONIZE CACHE(10)",
  65: "WRITE SAME(10)",
  66: "UNMAP",
  67: "READ TOC/PMA/ATIP",
  70: "GET CONFIGURATION",
  74: "GET EVENT STATUS NOTIFICATION",
  81: "READ DISC INFORMATION",
  82: "READ TRACK INFORMATION",
  85: "MODE SELECT(10)",
  90: "MODE SENSE(10)",
  133: "ATA PASS-THROUGH(16)",
  136: "READ(16)",
  138: "WRITE(16)",
  143: "VERIFY(16)",
  145: "SYNCHRONIZE CACHE(16)",
  147: "WRITE SAME(16)",
  158: "SERVICE ACTION IN(16)",
  160: "REPORT LUNS",
  161: "ATA PASS-THROUGH(12)",
  163: "MAINTENANCE IN",
  168: "READ(12)",
  170: "WRITE(12)",
  172: "GET PERFORMANCE",
  173: "READ DISC STRUCTURE",
  187: "SET CD SPEED",
  189: "MECHANISM STATUS",
  190: "READ CD",
};
const READ_6 = 0x08;
const WRITE_6 = 0x0a;
const INQUIRY = 0x12;
const START_STOP_UNIT = 0x1b;
const PREVENT_ALLOW_MEDIUM_REMOVAL = 0x1e;
const SERVICE_ACTION_IN_16 = 0x9e;
const READ_CAPACITY_16 = 0x10;
/** Operation codes of commands that are about blocks, by the length of their command block. */
const BLOCKS_10: ReadonlySet<number> = new Set([0x28, 0x2a, 0x2e, 0x2f, 0x35, 0x41]);
const BLOCKS_12: ReadonlySet<number> = new Set([0xa8, 0xaa]);
const BLOCKS_16: ReadonlySet<number> = new Set([0x88, 0x8a, 0x8f, 0x91, 0x93]);

const STATUSES: Readonly<Record<number, string>> = {
  0: "GOOD",
  2: "CHECK CONDITION",
  8: "BUSY",
  24: "RESERVATION CONFLICT",
  40: "TASK SET FULL",
  64: "TASK ABORTED",
};

const SENSE_KEYS: readonly string[] =
  "NO SENSE,RECOVERED ERROR,NOT READY,MEDIUM ERROR,HARDWARE ERROR,ILLEGAL REQUEST,UNIT ATTENTION,DATA PROTECT,BLANK CHECK".split(
    ",",
  );

/** Additional sense codes with their qualifiers, those that one meets (SPC-4 annex F). */
const ADDITIONAL: Readonly<Record<number, string>> = {
  1024: "not ready",
  8192: "invalid operation code",
  8448: "block address out of range",
  9216: "invalid field in CDB",
  9472: "logical unit not supported",
  9984: "write protected",
  10240: "medium may have changed",
  10496: "power on or reset",
  14848: "medium not present",
  18176: "overlapped commands",
  21250: "medium removal prevented",
};

export function commandName(block: Uint8Array): string {
  const operation = u8(block, 0);
  if (operation === SERVICE_ACTION_IN_16 && (u8(block, 1) & 0x1f) === READ_CAPACITY_16) return "READ CAPACITY(16)";
  return named(OPERATIONS, operation, "SCSI command");
}

/** "READ(10) block 2,048, 8 blocks". */
export function describeCommand(block: Uint8Array): Description {
  const name = commandName(block);
  const raw = field("command block", hexBytes(block));
  const at = blocksOf(block);
  if (at) {
    const [address, blocks] = at;
    return say(
      `${name} block ${address.toLocaleString("en")}, ${count(blocks, "block")}`,
      field("operation code", hex(u8(block, 0))),
      field("LBA", address),
      field("blocks", blocks),
      raw,
    );
  }
  return say([name, ...more(block)].join(" "), field("operation code", hex(u8(block, 0))), raw);
}

/** The first block and how many, of a command that is about blocks. */
function blocksOf(block: Uint8Array): readonly [number, number] | undefined {
  const operation = u8(block, 0);
  if (BLOCKS_10.has(operation)) return [be32(block, 2), be16(block, 7)];
  if (BLOCKS_12.has(operation)) return [be32(block, 2), be32(block, 6)];
  if (BLOCKS_16.has(operation)) return [be64(block, 2), be32(block, 10)];
  // 0 is 256 (SBC-3 §5.8).
  if (operation === READ_6 || operation === WRITE_6) return [be32(block, 0) & 0x1fffff, u8(block, 4) || 256];
  return undefined;
}

function more(block: Uint8Array): string[] {
  switch (u8(block, 0)) {
    case INQUIRY:
      return u8(block, 1) & 1 ? [`page ${hex(u8(block, 2))}`] : [];
    case START_STOP_UNIT:
      return [["stop", "start", "eject", "load"][u8(block, 4) & 3] ?? ""];
    case PREVENT_ALLOW_MEDIUM_REMOVAL:
      return [u8(block, 4) & 1 ? "(prevent)" : "(allow)"];
    default:
      return [];
  }
}

/** Of a SENSE IU. */
export function statusName(status: number): string {
  return named(STATUSES, status, "status");
}

/** Sense data, in either format. Undefined if it is none. */
export function senseWords(sense: Uint8Array): string | undefined {
  const format = u8(sense, 0) & 0x7f;
  const isFixed = format === 0x70 || format === 0x71;
  if (!isFixed && format !== 0x72 && format !== 0x73) return undefined;
  const key = u8(sense, isFixed ? 2 : 1) & 0x0f;
  const additional = be16(sense, isFixed ? 12 : 2);
  const name = SENSE_KEYS[key] ?? `sense key ${key}`;
  return additional === 0 ? name : `${name}, ${ADDITIONAL[additional] ?? hex(additional, 4)}`;
}
