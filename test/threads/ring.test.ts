/** Minutes of traffic in seconds: two threads, across the counters' wrap, every URB answered once, with its own bytes. */
import { afterAll, describe, expect, it } from "vitest";
import { VIOLATION_EVENT } from "../../asm/layout.ts";
import { buildThreads, runTraffic, startThreads } from "./start.ts";
import type { FrontReport, TrafficOptions } from "./traffic.ts";

const built = await buildThreads();
afterAll(() => built.remove());

const runs: [string, Partial<TrafficOptions>][] = [
  ["a million short URBs, both sides polling", { waiting: "poll", lengths: "small", urbs: 1_000_000, seed: 11 }],
  ["URBs of all lengths, both sides polling", { waiting: "poll", urbs: 100_000, seed: 12 }],
  ["a million short URBs, both sides sleeping", { lengths: "small", urbs: 1_000_000, seed: 13 }],
  ["URBs of all lengths, both sides sleeping", { urbs: 100_000, seed: 14 }],
  ["one URB at a time, both sides sleeping", { urbs: 10_000, depth: 1, seed: 15 }],
  ["as many URBs as there are slots", { urbs: 200_000, depth: 256, lengths: "small", seed: 16 }],
];

describe("two threads", () => {
  it.each(runs)("carry %s", async (_, options) => {
    const { front, back } = await runTraffic(built.directory, options);
    expect([...front.complaints, ...back.complaints]).toEqual([]);
    expect(front.answered).toBe(options.urbs);
    expect(back.taken).toBe(options.urbs);
    expect(front.events).toBe(back.events);
    expect(front.events).toBeGreaterThan(0);
    expect(front.cancelled).toBeGreaterThan(0);
  });
});

describe("a front", () => {
  it.each([21, 22, 23, 24, 25, 26])("outlives a back that writes garbage (seed %i)", async (seed) => {
    const { front, back, stop } = await startThreads(built.directory, { seed, garbage: 20_000, lengths: "small" });
    try {
      // It goes on until the garbage is noticed, or until the answers stop coming.
      for (let before = -1, answered = 0; answered !== before; ) {
        before = answered;
        await back.ask("look");
        answered = await front.ask<number>("progress");
      }
      await back.ask("stop");
      const report = await front.ask<FrontReport>("close");
      expect(report.complaints).toEqual([]);
      expect(report.answered).toBeGreaterThan(0);
      expect(report.violation).toBeLessThanOrEqual(VIOLATION_EVENT);
    } finally {
      await stop();
    }
  });

  it("is not left waiting by a back that dies: closing the link answers what is in flight", async () => {
    const { front, back, stop } = await startThreads(built.directory, { seed: 31, silentFrom: 5000, urbs: 10_000 });
    try {
      let answered = 0;
      while (answered < 4500) answered = await front.ask<number>("progress");
      await back.terminate();
      const report = await front.ask<FrontReport>("close");
      expect(report.complaints).toEqual([]);
      expect(report.answered).toBeGreaterThanOrEqual(answered);
      expect(report.answered).toBeLessThan(10_000);
    } finally {
      await stop();
    }
  });
});
