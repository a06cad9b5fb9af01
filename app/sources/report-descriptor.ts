/**
 * A report descriptor again, out of what WebHID makes of it (HID 1.11 §6.2.2): other bytes, and the same meaning.
 *
 * A report's items are in the top-level collection in their order, all of them, and again in each collection below that they
 * belong to. So the place of a collection among the items is found by its items: as long as it is open, no other collection's
 * come in between.
 *
 *   top level     A B C D E         →    A { B C } D { E }
 *   its children  B C   E
 *
 * Lost are strings, designators, delimiters, and which of an item's usages came before its range.
 */
import type { HidCollection, HidReport, HidReportItem } from "./hid-api.ts";

/** Item tags with their types (§6.2.2.4, §6.2.2.7, §6.2.2.8); the two lowest bits are for the size. */
const MAIN_INPUT = 0x80;
const MAIN_OUTPUT = 0x90;
const MAIN_FEATURE = 0xb0;
const MAIN_COLLECTION = 0xa0;
const MAIN_END_COLLECTION = 0xc0;
const GLOBAL_USAGE_PAGE = 0x04;
const GLOBAL_LOGICAL_MINIMUM = 0x14;
const GLOBAL_LOGICAL_MAXIMUM = 0x24;
const GLOBAL_PHYSICAL_MINIMUM = 0x34;
const GLOBAL_PHYSICAL_MAXIMUM = 0x44;
const GLOBAL_UNIT_EXPONENT = 0x54;
const GLOBAL_UNIT = 0x64;
const GLOBAL_REPORT_SIZE = 0x74;
const GLOBAL_REPORT_ID = 0x84;
const GLOBAL_REPORT_COUNT = 0x94;
const LOCAL_USAGE = 0x08;
const LOCAL_USAGE_MINIMUM = 0x18;
const LOCAL_USAGE_MAXIMUM = 0x28;

/** Units (§6.2.2.7): the lowest nibble is the system, and each one above an exponent. */
const UNIT_SYSTEMS = ["none", "si-linear", "si-rotation", "english-linear", "english-rotation", "reserved"];
const UNIT_VENDOR = 0xf;

/** What is left to write of a report, in one collection. */
interface Run {
  /** MAIN_INPUT, MAIN_OUTPUT or MAIN_FEATURE. */
  readonly tag: number;
  readonly id: number;
  readonly items: readonly HidReportItem[];
  /** Items that are written. */
  done: number;
}

export function rebuildReportDescriptor(collections: readonly HidCollection[]): Uint8Array {
  const writer = new Writer();
  for (const each of collections) writeCollection(writer, each, runsOf(each));
  return Uint8Array.from(writer.bytes);
}

/**
 * Browsers keep some reports, such as those of keyboards and mice, out of the top-level collection; what is nothing else they
 * leave out whole. True where that can be seen.
 */
export function hasBlockedReports(collections: readonly HidCollection[]): boolean {
  return collections.some((top) => {
    const runs = runsOf(top);
    return (top.children ?? []).some((child) => runsOf(child).some((run) => !runs.some((other) => isOf(other, run))));
  });
}

function runsOf(collection: HidCollection): Run[] {
  const runs = (tag: number, reports: readonly HidReport[] = []): Run[] =>
    reports.map(({ reportId = 0, items = [] }) => ({ tag, id: reportId, items, done: 0 })).sort((a, b) => a.id - b.id);
  return [
    ...runs(MAIN_INPUT, collection.inputReports),
    ...runs(MAIN_OUTPUT, collection.outputReports),
    ...runs(MAIN_FEATURE, collection.featureReports),
  ];
}

function isOf(run: Run, other: Run): boolean {
  return run.tag === other.tag && run.id === other.id;
}

function writeCollection(writer: Writer, collection: HidCollection, runs: readonly Run[]): void {
  writer.beginCollection(collection);
  for (const child of collection.children ?? []) {
    const inside = runsOf(child).filter((run) => {
      const mine = runs.find((other) => isOf(other, run));
      const at = mine ? placeOf(run.items, mine) : -1;
      if (!mine || at < 0) return false;
      writer.items(mine, at);
      mine.done += run.items.length;
      return true;
    });
    writeCollection(writer, child, inside);
  }
  for (const run of runs) writer.items(run, run.items.length);
  writer.endCollection();
}

/** Where these items begin among those that are not written yet, or -1. */
function placeOf(items: readonly HidReportItem[], run: Run): number {
  for (let at = run.done; at + items.length <= run.items.length; at++) {
    if (items.every((item, index) => isSame(item, run.items[at + index]))) return at;
  }
  return -1;
}

/** Each collection has objects of its own for the same item. */
function isSame(item: HidReportItem, other: HidReportItem | undefined): boolean {
  return JSON.stringify(item) === JSON.stringify(other);
}

class Writer {
  readonly bytes: number[] = [];
  /** Global items as they are now, by tag: what has not changed is not said again. */
  readonly #globals = new Map<number, string>();

  beginCollection({ usagePage = 0, usage = 0, type = 0 }: HidCollection): void {
    this.#global(GLOBAL_USAGE_PAGE, unsigned(usagePage));
    if (usage !== 0) this.#item(LOCAL_USAGE, unsigned(usage));
    this.#item(MAIN_COLLECTION, [type]);
  }

  endCollection(): void {
    this.#item(MAIN_END_COLLECTION, []);
  }

  /** The items of a run up to this place. */
  items(run: Run, end: number): void {
    if (run.done >= end) return;
    if (run.id !== 0) this.#global(GLOBAL_REPORT_ID, [run.id]);
    for (; run.done < end; run.done++) {
      const item = run.items[run.done];
      if (item) this.#main(run.tag, item);
    }
  }

  #main(tag: number, item: HidReportItem): void {
    const { usages = [], usageMinimum = 0, usageMaximum = 0 } = item;
    const size = item.reportSize ?? 0;
    this.#range(GLOBAL_LOGICAL_MINIMUM, GLOBAL_LOGICAL_MAXIMUM, item.logicalMinimum, item.logicalMaximum, size);
    this.#range(GLOBAL_PHYSICAL_MINIMUM, GLOBAL_PHYSICAL_MAXIMUM, item.physicalMinimum, item.physicalMaximum, size);
    this.#global(GLOBAL_UNIT_EXPONENT, [(item.unitExponent ?? 0) & 0xf]);
    this.#global(GLOBAL_UNIT, unsigned(unitOf(item)));
    this.#global(GLOBAL_REPORT_SIZE, unsigned(size));
    this.#global(GLOBAL_REPORT_COUNT, unsigned(item.reportCount ?? 0));
    const hasRange = usageMinimum !== 0 || usageMaximum !== 0;
    const all = hasRange ? [...usages, usageMinimum, usageMaximum] : usages;
    const pages = new Set(all.map((usage) => usage >>> 16));
    // Where a usage says its own page, the global one does not matter; page 0 cannot be said so.
    const page = pages.has(0) ? 0 : all[0] === undefined ? undefined : all[0] >>> 16;
    if (page !== undefined) this.#global(GLOBAL_USAGE_PAGE, unsigned(page));
    const say = (usage: number): number[] => (pages.size > 1 ? little(usage, 4) : unsigned(usage & 0xffff));
    for (const usage of usages) this.#item(LOCAL_USAGE, say(usage));
    if (hasRange) {
      this.#item(LOCAL_USAGE_MINIMUM, say(usageMinimum));
      this.#item(LOCAL_USAGE_MAXIMUM, say(usageMaximum));
    }
    this.#item(tag, unsigned(flagsOf(item)));
  }

  /**
   * A maximum below a minimum of 0 and more is what many devices mean as unsigned, and hosts take for that: -1 was 255 in one
   * byte, or 65535 in two. The field's size tells which.
   */
  #range(minimumTag: number, maximumTag: number, minimum = 0, maximum = 0, size = 0): void {
    this.#global(minimumTag, signed(minimum));
    const isUnsigned = minimum >= 0 && maximum < 0;
    const length = Math.max(signed(maximum).length, isUnsigned ? lengthOf(size) : 1);
    this.#global(maximumTag, little(maximum, length));
  }

  #global(tag: number, data: readonly number[]): void {
    const said = data.join();
    if (this.#globals.get(tag) === said) return;
    this.#globals.set(tag, said);
    this.#item(tag, data);
  }

  /** A short item (§6.2.2.2): 0, 1, 2 or 4 bytes of data. */
  #item(tag: number, data: readonly number[]): void {
    this.bytes.push(tag | (data.length === 4 ? 3 : data.length), ...data);
  }
}

function flagsOf(item: HidReportItem): number {
  const flags = [
    item.isConstant,
    item.isArray === false,
    item.isAbsolute === false,
    item.wrap,
    item.isLinear === false,
    item.hasPreferredState === false,
    item.hasNull,
    item.isVolatile,
    item.isBufferedBytes,
  ];
  return flags.reduce((bits, flag, bit) => bits | (flag ? 1 << bit : 0), 0);
}

function unitOf(item: HidReportItem): number {
  const system =
    item.unitSystem === "vendor-defined" ? UNIT_VENDOR : Math.max(0, UNIT_SYSTEMS.indexOf(item.unitSystem ?? "none"));
  const exponents = [
    item.unitFactorLengthExponent,
    item.unitFactorMassExponent,
    item.unitFactorTimeExponent,
    item.unitFactorTemperatureExponent,
    item.unitFactorCurrentExponent,
    item.unitFactorLuminousIntensityExponent,
  ];
  return exponents.reduce<number>(
    (unit, exponent, index) => unit | (((exponent ?? 0) & 0xf) << (4 + 4 * index)),
    system,
  );
}

/** Bytes of a field of so many bits, as an item has them. */
function lengthOf(bits: number): number {
  return bits <= 8 ? 1 : bits <= 16 ? 2 : 4;
}

function unsigned(value: number): number[] {
  return little(value, value <= 0xff ? 1 : value <= 0xffff ? 2 : 4);
}

function signed(value: number): number[] {
  return little(value, (value << 24) >> 24 === value ? 1 : (value << 16) >> 16 === value ? 2 : 4);
}

function little(value: number, length: number): number[] {
  return Array.from({ length }, (_, byte) => (value >>> (8 * byte)) & 0xff);
}
