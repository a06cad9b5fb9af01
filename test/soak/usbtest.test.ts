import { afterAll, beforeAll, describe, it } from "vitest";
import { type Bench, startGuest } from "../guest/harness.ts";
import { guestTools } from "../guest/tools.ts";
import { CASES, cases, expectPassed, type Kind, type Speed, Usbtest } from "../guest/usbtest.ts";

const HOUR = 3_600_000;
const SPEEDS: Speed[] = ["full", "high", "super"];

describe.each(["worker", "thread"] as const)("usbtest -c 5000 and gadget zero, backend in a %s", (placement) => {
  let bench: Bench;
  let usbtest: Usbtest;
  beforeAll(async () => {
    bench = await startGuest({ placement }, { overlay: guestTools() });
    usbtest = await Usbtest.plug(bench, SPEEDS, { interval: 1 });
  });
  afterAll(() => bench?.stop());

  it.each(Object.keys(CASES) as Kind[])("pass the %s cases", async (kind) => {
    const list = cases(kind, { iterations: 5000, ...(kind === "control write" && { vary: 1 }) });
    await usbtest.select(CASES[kind]);
    expectPassed(await usbtest.run(list, HOUR), list, SPEEDS);
  });
});
