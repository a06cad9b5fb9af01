/** How long the reports are that a report descriptor describes (HID 1.11 §6.2.2, §8.4). The descriptor is not trusted. */

/** As Linux has it. */
export const DESCRIPTOR_LENGTH_MAX = 4096;
/** Bytes. */
const REPORT_LENGTH_MAX = 4096;
const STACK_MAX = 64;

/** Short items without their size bits (§6.2.2.4, §6.2.2.7). */
const INPUT = 0x80;
const OUTPUT = 0x90;
const FEATURE = 0xb0;
const COLLECTION = 0xa0;
const END_COLLECTION = 0xc0;
const REPORT_SIZE = 0x74;
const REPORT_ID = 0x84;
const REPORT_COUNT = 0x94;
const PUSH = 0xa4;
const POP = 0xb4;
/** §6.2.2.3: one byte of length and one of tag follow, then the data. */
const LONG_ITEM = 0xfe;

/** Bytes without the id, by id; 0 for a device that has no ids. */
export type ReportLengths = ReadonlyMap<number, number>;

export interface Reports {
  readonly input: ReportLengths;
  readonly output: ReportLengths;
  readonly feature: ReportLengths;
  /** Every report has its id in front. */
  readonly hasIds: boolean;
}

/** Undefined for what no host would take. */
export function readReports(descriptor: Uint8Array): Reports | undefined {
  if (descriptor.length === 0 || descriptor.length > DESCRIPTOR_LENGTH_MAX) return undefined;
  const bits = {
    input: new Map<number, number>(),
    output: new Map<number, number>(),
    feature: new Map<number, number>(),
  };
  const stack: (typeof globals)[] = [];
  let globals = { size: 0, count: 0, id: 0 };
  let depth = 0;
  let hasIds = false;
  for (let at = 0; at < descriptor.length; ) {
    const prefix = descriptor[at++] ?? 0;
    if (prefix === LONG_ITEM) {
      at += 2 + (descriptor[at] ?? 0);
      if (at > descriptor.length) return undefined;
      continue;
    }
    const size = (prefix & 3) === 3 ? 4 : prefix & 3;
    if (at + size > descriptor.length) return undefined;
    let value = 0;
    for (let byte = 0; byte < size; byte++) value += (descriptor[at + byte] ?? 0) * 2 ** (8 * byte);
    at += size;
    switch (prefix & 0xfc) {
      case INPUT:
      case OUTPUT:
      case FEATURE: {
        const tag = prefix & 0xfc;
        const of = tag === INPUT ? bits.input : tag === OUTPUT ? bits.output : bits.feature;
        const total = (of.get(globals.id) ?? 0) + globals.size * globals.count;
        if (depth === 0 || total > 8 * REPORT_LENGTH_MAX) return undefined;
        of.set(globals.id, total);
        break;
      }
      case COLLECTION:
        depth++;
        break;
      case END_COLLECTION:
        if (--depth < 0) return undefined;
        break;
      case REPORT_SIZE:
        globals.size = value;
        break;
      case REPORT_COUNT:
        globals.count = value;
        break;
      case REPORT_ID:
        if (value < 1 || value > 0xff) return undefined;
        globals.id = value;
        hasIds = true;
        break;
      case PUSH:
        if (stack.length === STACK_MAX) return undefined;
        stack.push({ ...globals });
        break;
      case POP: {
        const top = stack.pop();
        if (!top) return undefined;
        globals = top;
        break;
      }
    }
  }
  const all = Object.values(bits);
  if (depth !== 0 || all.every((of) => of.size === 0)) return undefined;
  // A report without an id among others that have one: nobody could tell them apart.
  if (hasIds && all.some((of) => of.has(0))) return undefined;
  const bytes = (of: ReportLengths): ReportLengths => new Map([...of].map(([id, count]) => [id, Math.ceil(count / 8)]));
  return { input: bytes(bits.input), output: bytes(bits.output), feature: bytes(bits.feature), hasIds };
}
