import { describe, expect, it } from "vitest";
import { inBytes, Rate } from "../../app/hub/rate.ts";

describe("Rate", () => {
  it("is the growth over the last two seconds", () => {
    const rate = new Rate();
    expect(rate.perSecond).toBe(0);
    for (let n = 0; n <= 10; n++) rate.sample(n * 500, n * 1000);
    expect(rate.perSecond).toBe(2000);
    for (let n = 11; n <= 20; n++) rate.sample(n * 500, 10_000);
    expect(rate.perSecond).toBe(0);
  });

  it("begins anew when the counter does", () => {
    const rate = new Rate();
    rate.sample(0, 5000);
    rate.sample(500, 10);
    expect(rate.perSecond).toBe(0);
    rate.sample(1000, 510);
    expect(rate.perSecond).toBe(1000);
  });
});

describe("inBytes", () => {
  it("takes the unit that a person would", () => {
    expect([0, 1023, 1024, 1536, 64 * 2 ** 20, 5.25 * 2 ** 30].map(inBytes)).toEqual([
      "0 B",
      "1023 B",
      "1 KiB",
      "1.5 KiB",
      "64 MiB",
      "5.3 GiB",
    ]);
  });
});
