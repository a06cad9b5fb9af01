/** A result that travels in a link: whole, or not at all. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeRow } from "../../../app/bench/row.ts";
import { type BenchResult, fromLink, toJson, toLink } from "../../../app/page/bench/result.ts";

const RESULT: BenchResult = {
  machine: { cpus: 2, browser: "A browser", at: "2026-11-24T12:00:00.000Z" },
  sections: [
    {
      name: "ring",
      rows: [
        makeRow({
          name: "ring round trips, 64 B, depth 1",
          where: "chromium",
          unit: "1/s",
          ours: [9, 10, 11],
          rival: [2, 2, 2],
          bytesEach: 64,
        }),
        makeRow({ name: "interrupts per command, UAS", where: "node", unit: "interrupts", ours: [1, 1.1] }),
        makeRow({
          name: "a read",
          where: "node",
          unit: "µs",
          ours: [30],
          stages: [{ name: "device", microseconds: 30 }],
        }),
        makeRow({
          name: "total",
          where: "chromium",
          unit: "MB/s",
          ours: [9],
          curve: {
            over: "devices",
            points: [
              { x: 1, ours: 5 },
              { x: 8, ours: 9 },
            ],
          },
        }),
      ],
    },
  ],
};

async function linkOf(value: unknown): Promise<string> {
  return toLink(value as BenchResult);
}

describe("a link", () => {
  it("has all of the result but the figures of single rounds", async () => {
    const rows = RESULT.sections[0]?.rows.map((row) => ({ ...row, figures: { ours: [], rival: null } }));
    expect(await fromLink(await toLink(RESULT))).toEqual({ ...RESULT, sections: [{ name: "ring", rows }] });
  });

  it("is no result when the address has none", async () => {
    expect(await fromLink("")).toBeUndefined();
    expect(await fromLink("#else")).toBeUndefined();
  });

  it("takes the bar from this build, not from the link", async () => {
    const [section] = RESULT.sections;
    const rows = section?.rows.map((row) => ({ ...row, bar: 0.001 }));
    const read = await fromLink(await linkOf({ ...RESULT, sections: [{ name: "ring", rows }] }));
    expect(read?.sections[0]?.rows.map(({ bar }) => bar)).toEqual([4, 1.1, null, null]);
  });

  it.each([
    ["a figure that is none", { ours: "many" }],
    ["a name that is none", { name: 7 }],
    ["a name without an end", { name: "n".repeat(10_000) }],
    ["no spread", { spread: null }],
  ])("is refused with %s", async (_, wrong) => {
    const rows = RESULT.sections[0]?.rows.map((row) => ({ ...row, ...wrong }));
    await expect(fromLink(await linkOf({ ...RESULT, sections: [{ name: "ring", rows }] }))).rejects.toThrow();
  });

  it("is refused when it unpacks to more than a result has", async () => {
    const bomb = await linkOf({ ...RESULT, sections: [], more: "0".repeat(8 << 20) });
    expect(bomb.length).toBeLessThan(32 << 10);
    await expect(fromLink(bomb)).rejects.toThrow("more than a result has");
  });

  it("is refused, whatever stands in it, or is a result", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.base64String(), fc.jsonValue()), async (value) => {
        const hash = typeof value === "string" ? `#result=${value}` : await linkOf({ sections: [], ...Object(value) });
        await fromLink(hash).then(
          (result) => expect(result?.sections).toBeInstanceOf(Array),
          (error) => expect(error).toBeInstanceOf(Error),
        );
      }),
    );
  });
});

it("a file is what the command line writes", () => {
  const { machine, rows } = JSON.parse(toJson(RESULT));
  expect(machine).toEqual(RESULT.machine);
  expect(rows).toEqual(RESULT.sections[0]?.rows);
});
