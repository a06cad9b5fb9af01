/** The short wait: how long a try lasts, when it gives up, and how it comes back. The clock is the test's own. */
import { describe, expect, it } from "vitest";
import { Spin } from "../../../asm/spin.ts";

/** Looks that take a microsecond each, and a thing that comes `after` so many milliseconds. */
function bench(limits = { shortest: 0.02, longest: 0.1 }) {
  const clock = { now: 1000, spent: 0 };
  const spin = new Spin(limits, () => clock.now);
  const chance = (after: number): "hit" | "miss" | "passed" => {
    if (!spin.worthwhile) return "passed";
    const began = clock.now;
    const hit = spin.try(() => {
      clock.now += 0.001;
      return clock.now - began >= after ? 1 : 0;
    });
    clock.spent = clock.now - began;
    return hit ? "hit" : "miss";
  };
  const chances = (count: number, after: number) => Array.from({ length: count }, () => chance(after));
  return { clock, chance, chances };
}

describe("a try", () => {
  it("ends as soon as something is there", () => {
    const { clock, chance } = bench();
    expect(chance(0.005)).toBe("hit");
    expect(clock.spent).toBeCloseTo(0.005);
  });

  it("lasts as long as it may at most, when nothing comes", () => {
    const { clock, chance } = bench();
    expect(chance(Number.POSITIVE_INFINITY)).toBe("miss");
    expect(clock.spent).toBeCloseTo(0.1);
  });

  it("lasts a few times what hits take, once they come fast, and never less than the shortest", () => {
    const { clock, chance, chances } = bench();
    chances(100, 0.008);
    expect(chance(Number.POSITIVE_INFINITY)).toBe("miss");
    expect(clock.spent).toBeGreaterThan(0.03);
    expect(clock.spent).toBeLessThan(0.036);
    chances(2, 0.001);
    chances(100, 0.001);
    expect(chance(Number.POSITIVE_INFINITY)).toBe("miss");
    expect(clock.spent).toBeCloseTo(0.02);
  });

  it("ends though the clock stands still", () => {
    let looks = 0;
    const spin = new Spin({ shortest: 0.02, longest: 0.1 }, () => 1);
    const look = (times: number) => {
      looks += times;
      return 0;
    };
    expect(spin.try(look)).toBe(false);
    expect(looks).toBeLessThan(1_000_000);
  });

  it("looks once even when the clock jumps", () => {
    const spin = new Spin(
      { shortest: 0.02, longest: 0.1 },
      (() => {
        let now = 0;
        return () => (now += 50);
      })(),
    );
    expect(spin.try(() => 1)).toBe(true);
    expect(spin.try(() => 0)).toBe(false);
  });
});

describe("misses", () => {
  it("double the chances that are let pass, up to 256", () => {
    const { chances } = bench();
    const passed = (count: number) => Array.from({ length: count }, () => "passed");
    const expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 256].flatMap((pause) => ["miss", ...passed(pause)]);
    expect(chances(expected.length, 1)).toEqual(expected);
  });

  it("of a device that is never that fast cost less than half a microsecond a chance", () => {
    const { clock, chances } = bench();
    chances(1000, 1);
    const before = clock.now;
    chances(10_000, 1);
    expect(clock.now - before).toBeLessThan(5);
  });
});

describe("hits", () => {
  it("bring it back: after a pause each halves the next one", () => {
    const { chances } = bench();
    chances(600, 1);
    const outcomes = chances(400, 0.01);
    const first = outcomes.indexOf("hit");
    expect(first).toBeLessThanOrEqual(256);
    expect(new Set(outcomes.slice(first))).toEqual(new Set(["hit"]));
    expect(chances(3, 1)).toEqual(["miss", "passed", "miss"]);
  });

  it("are looked for longest after a pause: the other side may have to wake up first", () => {
    const { chance, chances } = bench();
    chances(100, 0.002);
    expect(chance(0.09)).toBe("miss");
    expect(chance(0.09)).toBe("passed");
    expect(chance(0.09)).toBe("hit");
  });

  it("half of the time keep it trying at least every other time", () => {
    const { chance } = bench();
    const count = { hit: 0, miss: 0, passed: 0 };
    for (let round = 0; round < 1000; round++) count[chance(round % 2 ? 0.001 : 1)]++;
    expect(count.hit + count.miss).toBeGreaterThan(count.passed / 2);
  });
});
