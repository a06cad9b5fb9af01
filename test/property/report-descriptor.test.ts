/** WebHID shows collections, and out of them a report descriptor is made again: it must mean what the device's own means. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HidCollection } from "../../app/sources/hid-api.ts";
import { hasBlockedReports, rebuildReportDescriptor } from "../../app/sources/report-descriptor.ts";
import { readReports } from "../../worker/device/hid/report-descriptor.ts";
import { chromiumCollections, meaningOf } from "../fakes/hid-descriptor.ts";
import { bytes, hex } from "../unit/device/harness.ts";

/** As they are published for these devices, and in the HID descriptor tool of the USB-IF. */
const REAL: Readonly<Record<string, string>> = {
  "a boot keyboard (HID 1.11 appendix E.6)": `0501 0906 a101 0507 19e0 29e7 1500 2501 7501 9508 8102 9501 7508 8101
    9505 7501 0508 1901 2905 9102 9501 7503 9101 9506 7508 1500 2565 0507 1900 2965 8100 c0`,
  "a boot mouse (HID 1.11 appendix E.10)": `0501 0902 a101 0901 a100 0509 1901 2903 1500 2501 9503 7501 8102
    9501 7505 8101 0501 0930 0931 1581 257f 7508 9502 8106 c0 c0`,
  "a monitor": `0580 0901 a101 8501 1500 26ff00 7508 9580 0902 b20201 8502 95f3 0903 b20201
    8503 0582 67e1000001 550e 9501 7510 26c800 0910 b102 8504 2564 0912 b102
    9506 26ff00 0916 0918 091a 096c 096e 0970 b102 8505 257f 0920 0922 0930 0932 0942 0944 b102 c0`,
  "Logitech's Unifying receiver": `0600ff 0901 a101 8510 7508 9506 1500 26ff00 0901 8100 0901 9100 c0
    0600ff 0902 a101 8511 7508 9513 1500 26ff00 0902 8100 0902 9100 c0
    0600ff 0904 a101 8520 7508 950e 1500 26ff00 0941 8100 0941 9100
    8521 951f 1500 26ff00 0942 8100 0942 9100 c0`,
  "Sony's DualShock 3": `0501 0904 a101 a102 8501 7508 9501 1500 26ff00 8103 7501 9513 1500 2501 3500 4501 0509 1901
    2913 8102 7501 950d 0600ff 8103 1500 26ff00 0501 0901 a100 7508 9504 3500 46ff00 0930 0931 0932 0935 8102 c0
    0501 7508 9527 0901 8102 7508 9530 0901 9102 7508 9530 0901 b102 c0 a102 8502 7508 9530 0901 b102 c0
    a102 85ee 7508 9530 0901 b102 c0 a102 85ef 7508 9530 0901 b102 c0 c0`,
  "a joystick with 65535 in two bytes": "0501 0904 a101 0930 1500 26ffff 7510 9501 8102 0931 25ff 7508 8102 c0",
  "a hat with push and pop": `0501 0905 a101 0509 1901 2904 1500 2501 7501 9504 8102 a4 0501 0939 2507 3500 463b01 6514 7504
    9501 8142 b4 1905 2908 8102 7504 9501 8103 c0`,
};

describe("rebuilt from its collections, the report descriptor of", () => {
  test.each(Object.entries(REAL))("%s means the same", (_, text) => {
    const descriptor = bytes(text);
    const rebuilt = rebuildReportDescriptor(chromiumCollections(descriptor));
    expect(meaningOf(rebuilt)).toEqual(meaningOf(descriptor));
    expect(chromiumCollections(rebuilt)).toEqual(chromiumCollections(descriptor));
    expect(readReports(rebuilt)).toEqual(readReports(descriptor));
  });
});

test("a mouse's is what anybody would write", () => {
  const mouse = REAL["a boot mouse (HID 1.11 appendix E.10)"] ?? "";
  expect(hex(rebuildReportDescriptor(chromiumCollections(bytes(mouse))))).toBe(
    hex(
      bytes(
        `0501 0902 a101 0901 a100  1500 2501 3500 4500 5500 6500 7501 9503 0509 1901 2903 8102
         7505 9501 8101  1581 257f 7508 9502 0501 0930 0931 8106 c0 c0`,
      ),
    ),
  );
});

interface Main {
  readonly tag: number;
  readonly id: number;
  readonly flags: number;
  readonly usages: readonly number[];
  readonly range: readonly [number, number] | undefined;
  readonly logical: readonly [number, number];
  readonly physical: readonly [number, number];
  readonly unit: number;
  readonly exponent: number;
  readonly size: number;
  readonly count: number;
}
interface Tree {
  readonly page: number;
  readonly usage: number;
  readonly type: number;
  readonly children: readonly (Tree | Main)[];
}

const page = fc.constantFrom(0x01, 0x07, 0x09, 0x0c, 0xff00, 0xffff);
const usage = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 0xffff }));
const whole = fc.oneof(
  fc.integer({ min: 0, max: 2 }),
  fc.tuple(page, usage).map(([upper, lower]) => upper * 65536 + lower),
);
const value = fc.oneof(fc.constantFrom(0, 1, -1, 127, -127, 128, 255, 32767, 65535), fc.integer());
/** In order, as a device in order has it. */
const limits = fc.tuple(value, value).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);
const main = fc.record<Main>({
  tag: fc.constantFrom(0x80, 0x90, 0xb0),
  id: fc.integer({ min: 1, max: 3 }),
  flags: fc.nat(0x1ff),
  usages: fc.array(whole, { maxLength: 3 }),
  range: fc.option(
    fc.tuple(page, usage, usage).map(([upper, a, b]): [number, number] => {
      return [upper * 65536 + Math.min(a, b), upper * 65536 + Math.max(a, b)];
    }),
    { nil: undefined },
  ),
  logical: limits,
  physical: limits,
  unit: fc.oneof(
    fc.constant(0),
    fc.nat(0xfffffff).map((unit) => (unit & ~0xf) | (unit % 5)),
  ),
  exponent: fc.nat(15),
  size: fc.integer({ min: 1, max: 32 }),
  count: fc.integer({ min: 1, max: 12 }),
});
const { tree } = fc.letrec<{ tree: Tree; node: Tree | Main }>((tie) => ({
  tree: fc.record({
    page,
    usage,
    type: fc.nat(6),
    children: fc.array(tie("node"), { maxLength: 5 }),
  }),
  node: fc.oneof({ maxDepth: 4, depthSize: "small" }, main, tie("tree")),
}));

/** The plainest way to write it: everything is said, each time, in four bytes. */
function written(trees: readonly Tree[], hasIds: boolean): Uint8Array {
  const out: number[] = [];
  const item = (tag: number, value: number) => out.push(tag | 3, ...[0, 8, 16, 24].map((at) => (value >>> at) & 0xff));
  const write = (node: Tree | Main): void => {
    if ("children" in node) {
      item(0x04, node.page);
      item(0x08, node.usage);
      item(0xa0, node.type);
      for (const child of node.children) write(child);
      out.push(0xc0);
      return;
    }
    if (hasIds) item(0x84, node.id);
    const ranges = [0x14, node.logical[0], 0x24, node.logical[1], 0x34, node.physical[0], 0x44, node.physical[1]];
    for (let at = 0; at < ranges.length; at += 2) item(ranges[at] ?? 0, ranges[at + 1] ?? 0);
    for (const [tag, value] of [
      [0x64, node.unit],
      [0x54, node.exponent],
      [0x74, node.size],
      [0x94, node.count],
    ] as const) {
      item(tag, value);
    }
    // Usages without a page are of this one.
    item(0x04, 0);
    for (const each of node.usages) item(0x08, each);
    if (node.range) {
      item(0x18, node.range[0]);
      item(0x28, node.range[1]);
    }
    item(node.tag, node.flags);
  };
  for (const each of trees) write(each);
  return Uint8Array.from(out);
}

test("whatever a device describes, in whatever collections, means the same rebuilt", () => {
  fc.assert(
    fc.property(fc.array(tree, { minLength: 1, maxLength: 3 }), fc.boolean(), (trees, hasIds) => {
      const descriptor = written(trees, hasIds);
      const rebuilt = rebuildReportDescriptor(chromiumCollections(descriptor));
      expect(chromiumCollections(rebuilt)).toEqual(chromiumCollections(descriptor));
      // Which of two collections has an item that could as well be the other's, cannot be known, and makes no difference.
      const without = (of: Uint8Array) => meaningOf(of).map(({ path, ...field }) => field);
      expect(without(rebuilt)).toEqual(without(descriptor));
      const unlike = new Set(meaningOf(descriptor).map(({ path, bit, ...field }) => JSON.stringify(field)));
      if (unlike.size === meaningOf(descriptor).length) expect(meaningOf(rebuilt)).toEqual(meaningOf(descriptor));
      expect(rebuilt.length).toBeLessThanOrEqual(descriptor.length);
    }),
    { numRuns: 500 },
  );
});

test("reports that the browser keeps to itself are left out, and noticed where they can be", () => {
  const [top] = chromiumCollections(bytes(REAL["Sony's DualShock 3"] ?? ""));
  if (!top) throw new Error("no collection");
  expect(hasBlockedReports([top])).toBe(false);
  const blocked: HidCollection = {
    ...top,
    featureReports: (top.featureReports ?? []).filter(({ reportId }) => reportId !== 2),
  };
  expect(hasBlockedReports([blocked])).toBe(true);
  expect([...(readReports(rebuildReportDescriptor([blocked]))?.feature.keys() ?? [])]).toEqual([1, 0xee, 0xef]);
});

test("collections that make no sense are a descriptor all the same, or none", () => {
  const report = fc.array(
    fc.record(
      {
        reportId: fc.nat(300),
        items: fc.array(
          fc.record(
            {
              reportSize: fc.nat(),
              reportCount: fc.nat(),
              logicalMaximum: fc.double(),
              usages: fc.array(fc.nat()),
              unitSystem: fc.string(),
            },
            { requiredKeys: [] },
          ),
          { maxLength: 3 },
        ),
      },
      { requiredKeys: [] },
    ),
    { maxLength: 3 },
  );
  const collection: fc.Arbitrary<HidCollection> = fc.letrec<{ collection: HidCollection }>((tie) => ({
    collection: fc.record(
      {
        usagePage: fc.nat(),
        usage: fc.nat(),
        children: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(tie("collection"), { maxLength: 3 })),
        inputReports: report,
        featureReports: report,
      },
      { requiredKeys: [] },
    ),
  })).collection;
  fc.assert(
    fc.property(fc.array(collection), (collections) => {
      readReports(rebuildReportDescriptor(collections));
      hasBlockedReports(collections);
    }),
  );
});
