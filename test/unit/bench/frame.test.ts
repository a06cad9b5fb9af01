/** The benchmark's frame: figures become rows, ways take turns, every bar has its name. */
import { describe, expect, it, test } from "vitest";
import { BARS } from "../../../app/bench/bars.ts";
import { sections } from "../../../app/bench/index.ts";
import { better, makeRow, median, type Row, reaches } from "../../../app/bench/row.ts";
import { Bench, type BenchPlace, runBench, type Section } from "../../../app/bench/section.ts";
import { print, unmeasured } from "../../bench/print.ts";

const place = { where: "node" } as BenchPlace;

test("a median is the middle figure, or the mean of the middle two", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([8, 1, 2, 4])).toBe(3);
  expect(median([])).toBeNaN();
});

test("of two rivals the better one counts in each round", () => {
  expect(better([1, 6, 3], [4, 2, 3])).toEqual([4, 6, 3]);
});

describe("a row", () => {
  it("is the ratio of the medians, with the spread of the rounds' own ratios", () => {
    const row = makeRow({ name: "a", where: "node", unit: "1/s", ours: [10, 30, 20], rival: [5, 10, 20] });
    expect(row).toEqual({
      name: "a",
      where: "node",
      unit: "1/s",
      ours: 20,
      rival: 10,
      ratio: 2,
      bar: null,
      higherIsBetter: true,
      rounds: 3,
      spread: { min: 1, max: 3 },
      figures: { ours: [10, 30, 20], rival: [5, 10, 20] },
    });
    expect(reaches(row)).toBeUndefined();
  });

  it("has its own figure as the ratio where there is no rival, and the bar of its name", () => {
    const name = "interrupts per command, UAS";
    const row = makeRow({ name, where: "chromium", unit: "interrupts", ours: [1.2, 1, 1.1] });
    expect(row).toMatchObject({ ours: 1.1, rival: null, ratio: 1.1, bar: 1.1, higherIsBetter: false });
    expect(reaches(row)).toBe(true);
    expect(reaches({ ...row, ratio: 1.11 })).toBe(false);
  });

  it("has another bar in Node than in Chromium where the table says so", () => {
    const name = "storage, 1 MiB sequential write with fsync";
    const at = (where: "node" | "chromium") => makeRow({ name, where, unit: "MB/s", ours: [12], rival: [10] });
    expect(reaches(at("node"))).toBe(true);
    expect(reaches(at("chromium"))).toBe(false);
  });

  it("goes through JSON as it is", () => {
    const row = makeRow({ name: "a", where: "node", unit: "1/s", ours: [1, 2], bytesEach: 64 });
    expect(JSON.parse(JSON.stringify(row))).toEqual(row);
    expect(Object.keys(row)).toEqual(
      expect.arrayContaining(["name", "where", "ours", "rival", "ratio", "bar", "higherIsBetter", "rounds", "spread"]),
    );
  });
});

describe("ways", () => {
  it("take turns, each round beginning with another, and the first round does not count", async () => {
    let order = "";
    let figure = 0;
    const way = (name: string) => async () => {
      order += name;
      return ++figure;
    };
    const told: string[] = [];
    const ways = { a: way("a"), b: way("b"), c: way("c") };
    await new Bench(place, { rounds: 3 }).alternate(ways, (figures) => told.push(JSON.stringify(figures)));
    expect(order).toBe("cababcbcacab");
    expect(told).toEqual([
      '{"a":[4],"b":[5],"c":[6]}',
      '{"a":[4,9],"b":[5,7],"c":[6,8]}',
      '{"a":[4,9,11],"b":[5,7,12],"c":[6,8,10]}',
    ]);
  });

  it("are given up between two of them when the signal says so", async () => {
    const abort = new AbortController();
    let runs = 0;
    const one = async () => {
      if (++runs === 2) abort.abort();
      return 1;
    };
    const bench = new Bench(place, { rounds: 5, signal: abort.signal });
    await expect(bench.alternate({ one }, () => {})).rejects.toThrow("abort");
    expect(runs).toBe(2);
  });
});

describe("a section", () => {
  it("tells its rows after every round, and the last telling counts", async () => {
    const section: Section = {
      name: "x",
      title: "X",
      notes: "",
      run: (bench) => {
        let figure = 0;
        return bench.alternate({ ours: async () => ++figure }, ({ ours }) =>
          bench.row({ name: "row", unit: "1/s", ours }),
        );
      },
    };
    const told: Row[] = [];
    const stages: string[] = [];
    const rows = await runBench([section], place, {
      rounds: 2,
      onRow: (row) => told.push(row),
      onStage: (words) => stages.push(words),
    });
    expect(told.map(({ rounds, ours }) => [rounds, ours])).toEqual([
      [1, 2],
      [2, 2.5],
    ]);
    expect(rows).toEqual([told[1]]);
    expect(stages).toEqual(["X"]);
  });

  it("has a name of its own", () => {
    const names = sections.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("the table of bars", () => {
  it("has each name once", () => {
    expect(new Set(BARS.map(({ name }) => name)).size).toBe(BARS.length);
  });

  it("has what the issue's table has", () => {
    const count = (section: string) => BARS.filter((bar) => bar.section === section).length;
    const sizes = ["ring", "storage", "network", "table-2009", "webusb", "growth"].map((name) => [name, count(name)]);
    expect(Object.fromEntries(sizes)).toEqual({
      ring: 3,
      storage: 8 + 8 + 2 + 3,
      network: 2,
      "table-2009": 7,
      webusb: 4,
      growth: 1,
    });
  });

  it("says which of its rows nobody has measured", () => {
    const row = makeRow({ name: "total of 8 devices at once", where: "node", unit: "MB/s", ours: [1], rival: [1] });
    expect(unmeasured([row], ["growth"], ["node", "chromium"])).toEqual(["total of 8 devices at once (chromium)"]);
    expect(unmeasured([], ["webusb"], ["node"])).toEqual([]);
  });
});

test("a printed table has bar and verdict in each row that has a bar", () => {
  const fast = { name: "ring round trips, 64 B, depth 1", where: "node", unit: "1/s", bytesEach: 64 } as const;
  const text = print("Ring", [
    makeRow({ ...fast, ours: [50_000], rival: [10_000] }),
    makeRow({ ...fast, name: "another", ours: [1000], rival: [4000] }),
    makeRow({ name: "ring messages, 64 B, depth 16", where: "node", unit: "1/s", ours: [9], rival: [1] }),
  ]);
  expect(text.split("\n").slice(4, 7)).toEqual([
    "| ring round trips, 64 B, depth 1 | 50.0 k 1/s, 3.20 MB/s | 10.0 k 1/s, 0.640 MB/s | 5.00  | [5.00..5.00] | ≥ 4  | reached |",
    "| another                         | 1000 1/s, 0.0640 MB/s | 4000 1/s, 0.256 MB/s   | 0.25  | [0.25..0.25] |      |         |",
    "| ring messages, 64 B, depth 16   | 9.00 1/s              | 1.00 1/s               | 9.00  | [9.00..9.00] | ≥ 10 | MISSED  |",
  ]);
});
