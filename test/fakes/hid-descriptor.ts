/**
 * Report descriptors, read twice and in different ways: into the collections that Chromium shows a page (its
 * services/device/public/cpp/hid, and HIDDevice in Blink), and into what each bit of each report means.
 */
import type { HidCollection, HidReport, HidReportItem } from "../../app/sources/hid-api.ts";

interface Item {
  /** With its type, without its size. */
  readonly tag: number;
  readonly size: number;
  readonly unsigned: number;
  readonly signed: number;
}

function* itemsOf(descriptor: Uint8Array): Generator<Item> {
  const view = new DataView(descriptor.buffer, descriptor.byteOffset, descriptor.byteLength);
  for (let at = 0; at < descriptor.length; ) {
    const prefix = view.getUint8(at++);
    const size = [0, 1, 2, 4][prefix & 3] ?? 0;
    const unsigned =
      size === 0
        ? 0
        : size === 1
          ? view.getUint8(at)
          : size === 2
            ? view.getUint16(at, true)
            : view.getUint32(at, true);
    const signed =
      size === 0 ? 0 : size === 1 ? view.getInt8(at) : size === 2 ? view.getInt16(at, true) : view.getInt32(at, true);
    at += size;
    yield { tag: prefix & 0xfc, size, unsigned, signed };
  }
}

type Reports = Map<number, HidReportItem[]>;

interface Building {
  readonly parent: Building | undefined;
  readonly usagePage: number;
  readonly usage: number;
  readonly type: number;
  readonly children: Building[];
  /** By main item tag. */
  readonly reports: Readonly<Record<number, Reports>>;
}

const INPUT = 0x80;
const OUTPUT = 0x90;
const FEATURE = 0xb0;
const nibble = (value: number, at: number): number => ((value >> at) << 28) >> 28;
const SYSTEMS = ["none", "si-linear", "si-rotation", "english-linear", "english-rotation"];

/** What HIDDevice.collections has, but for reports that the browser keeps to itself. */
export function chromiumCollections(descriptor: Uint8Array): HidCollection[] {
  const tops: Building[] = [];
  let open: Building | undefined;
  let globals = { page: 0, logical: [0, 0], physical: [0, 0], exponent: 0, unit: 0, size: 0, count: 0 };
  const stack: (typeof globals)[] = [];
  let id = 0;
  let usages: number[] = [];
  let range = [0, 0];
  const usageOf = ({ unsigned }: Item): number =>
    unsigned > 0xffff ? unsigned : ((globals.page << 16) | unsigned) >>> 0;
  const forget = () => {
    usages = [];
    range = [0, 0];
  };
  for (const item of itemsOf(descriptor)) {
    const { tag, unsigned, signed } = item;
    switch (tag) {
      case 0xa0: {
        const [usage = 0] = usages;
        const usagePage = usage >>> 16 || globals.page;
        const reports = { [INPUT]: new Map(), [OUTPUT]: new Map(), [FEATURE]: new Map() };
        const building: Building = {
          parent: open,
          usagePage,
          usage: usage & 0xffff,
          type: unsigned,
          children: [],
          reports,
        };
        (open?.children ?? tops).push(building);
        open = building;
        forget();
        break;
      }
      case 0xc0:
        open = open?.parent;
        forget();
        break;
      case INPUT:
      case OUTPUT:
      case FEATURE: {
        const bit = (at: number) => (unsigned & (1 << at)) !== 0;
        for (let collection = open; collection; collection = collection.parent) {
          const reports = collection.reports[tag];
          reports?.set(id, [
            ...(reports.get(id) ?? []),
            {
              isAbsolute: !bit(2),
              isArray: !bit(1),
              isBufferedBytes: bit(8),
              isConstant: bit(0),
              isLinear: !bit(4),
              isRange: range[0] !== range[1],
              isVolatile: bit(7),
              hasNull: bit(6),
              hasPreferredState: !bit(5),
              wrap: bit(3),
              reportSize: globals.size,
              reportCount: globals.count,
              unitExponent: nibble(globals.exponent, 0),
              logicalMinimum: globals.logical[0] ?? 0,
              logicalMaximum: globals.logical[1] ?? 0,
              physicalMinimum: globals.physical[0] ?? 0,
              physicalMaximum: globals.physical[1] ?? 0,
              usages: [...usages],
              usageMinimum: range[0] ?? 0,
              usageMaximum: range[1] ?? 0,
              unitSystem: (globals.unit & 0xf) === 0xf ? "vendor-defined" : (SYSTEMS[globals.unit & 0xf] ?? "reserved"),
              unitFactorLengthExponent: nibble(globals.unit, 4),
              unitFactorMassExponent: nibble(globals.unit, 8),
              unitFactorTimeExponent: nibble(globals.unit, 12),
              unitFactorTemperatureExponent: nibble(globals.unit, 16),
              unitFactorCurrentExponent: nibble(globals.unit, 20),
              unitFactorLuminousIntensityExponent: nibble(globals.unit, 24),
            },
          ]);
        }
        forget();
        break;
      }
      case 0x04:
        globals = { ...globals, page: unsigned };
        break;
      case 0x14:
        globals = { ...globals, logical: [signed, globals.logical[1] ?? 0] };
        break;
      case 0x24:
        globals = { ...globals, logical: [globals.logical[0] ?? 0, signed] };
        break;
      case 0x34:
        globals = { ...globals, physical: [signed, globals.physical[1] ?? 0] };
        break;
      case 0x44:
        globals = { ...globals, physical: [globals.physical[0] ?? 0, signed] };
        break;
      case 0x54:
        globals = { ...globals, exponent: unsigned };
        break;
      case 0x64:
        globals = { ...globals, unit: unsigned };
        break;
      case 0x74:
        globals = { ...globals, size: unsigned };
        break;
      case 0x84:
        id = unsigned;
        break;
      case 0x94:
        globals = { ...globals, count: unsigned };
        break;
      case 0xa4:
        stack.push(globals);
        break;
      case 0xb4:
        globals = stack.pop() ?? globals;
        break;
      case 0x08:
        usages.push(usageOf(item));
        break;
      case 0x18:
        range = [usageOf(item), range[1] ?? 0];
        break;
      case 0x28:
        range = [range[0] ?? 0, usageOf(item)];
        break;
    }
  }
  return tops.map(finished);
}

/** Reports come in no order: Chromium has them in a hash map. Here it is the other way round than anybody would write them. */
function finished({ usagePage, usage, type, children, reports }: Building): HidCollection {
  const list = (tag: number): HidReport[] =>
    [...(reports[tag] ?? [])].sort(([a], [b]) => b - a).map(([reportId, items]) => ({ reportId, items }));
  return {
    usagePage,
    usage,
    type,
    children: children.map(finished),
    inputReports: list(INPUT),
    outputReports: list(OUTPUT),
    featureReports: list(FEATURE),
  };
}

/** One main item, as a host's parser has it (HID 1.11 §5.4, §6.2.2). */
export interface Field {
  /** "input 1", and so on. */
  readonly report: string;
  /** From the beginning of the report, its id not counted. */
  readonly bit: number;
  readonly size: number;
  readonly count: number;
  readonly flags: number;
  /** Of all its usages and ranges, in order, with their pages. */
  readonly usages: readonly string[];
  /** With the maximum unsigned where it otherwise were below the minimum, as hosts have it. */
  readonly logical: readonly number[];
  readonly physical: readonly number[];
  readonly unit: readonly number[];
  /** Usages and types of the collections around it. */
  readonly path: string;
}

export function meaningOf(descriptor: Uint8Array): Field[] {
  const NAMES: Readonly<Record<number, string>> = { [INPUT]: "input", [OUTPUT]: "output", [FEATURE]: "feature" };
  const fields: Field[] = [];
  const lengths = new Map<string, number>();
  const path: string[] = [];
  /** The last item of each global tag. */
  let globals = new Map<number, Item>();
  const stack: (typeof globals)[] = [];
  let locals: Item[] = [];
  const value = (tag: number): number => globals.get(tag)?.unsigned ?? 0;
  const range = (minimumTag: number, maximumTag: number): number[] => {
    const minimum = globals.get(minimumTag)?.signed ?? 0;
    const maximum = globals.get(maximumTag);
    return [minimum, (minimum < 0 ? maximum?.signed : maximum?.unsigned) ?? 0];
  };
  /** The page of the main item, and not of the usage's own time (§6.2.2.8). */
  const named = ({ size, unsigned }: Item): string =>
    size === 4 && unsigned >>> 16 !== 0
      ? `${unsigned >>> 16}:${unsigned & 0xffff}`
      : `${value(0x04)}:${unsigned & 0xffff}`;
  for (const item of itemsOf(descriptor)) {
    switch (item.tag) {
      case 0xa0: {
        const [usage] = locals.filter(({ tag }) => tag === 0x08);
        path.push(`${item.unsigned}/${usage ? named(usage) : `${value(0x04)}:0`}`);
        locals = [];
        break;
      }
      case 0xc0:
        path.pop();
        locals = [];
        break;
      case INPUT:
      case OUTPUT:
      case FEATURE: {
        const report = `${NAMES[item.tag]} ${value(0x84)}`;
        const bit = lengths.get(report) ?? 0;
        const [size, count] = [value(0x74), value(0x94)];
        lengths.set(report, bit + size * count);
        const words: Readonly<Record<number, string>> = { 8: "is", 24: "from", 40: "to" };
        const spoken = (tags: readonly number[]) =>
          locals.filter(({ tag }) => tags.includes(tag)).map((local) => `${words[local.tag]} ${named(local)}`);
        fields.push({
          report,
          bit,
          size,
          count,
          flags: item.unsigned & 0x1ff,
          usages: [...spoken([0x08]), ...spoken([0x18, 0x28])],
          logical: range(0x14, 0x24),
          physical: range(0x34, 0x44),
          unit: [value(0x64), value(0x54) & 0xf],
          path: path.join(" "),
        });
        locals = [];
        break;
      }
      case 0xa4:
        stack.push(new Map(globals));
        break;
      case 0xb4:
        globals = stack.pop() ?? globals;
        break;
      case 0x08:
      case 0x18:
      case 0x28:
        locals.push(item);
        break;
      default:
        globals.set(item.tag, item);
    }
  }
  // Reports are independent of each other: only the order within each counts.
  return fields.sort((a, b) => (a.report < b.report ? -1 : a.report > b.report ? 1 : 0));
}
