/** A guest's stock drivers over a real Chromium's WebUSB: fifty unplugs of two devices at work, and every case of usbtest that it allows. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GuestPage } from "../browser/guest-page.ts";
import { echo, GADGET, plugIn, pullOutInTheMiddle } from "../browser/vendor-devices.ts";
import { guestTools } from "../guest/tools.ts";
import { CASES, cases, expectPassed, Usbtest } from "../guest/usbtest.ts";
import { missing, startComputer } from "../usbfs/launch.ts";

const HOUR = 3_600_000;
/** Sets halts by SET_FEATURE, which no page may send. */
const HALTS = 13;
/** Their writes are zeros, whatever the pattern. */
const ZEROS = [27, 28];
const reason = missing();

describe.skipIf(reason !== undefined)(reason ?? "a guest's stock drivers, by a real Chromium's WebUSB", () => {
  let tab: GuestPage;
  beforeAll(async () => {
    tab = await GuestPage.open({ overlay: guestTools(), computer: startComputer });
    await Usbtest.load(tab);
  });
  afterAll(() => tab?.close());

  it("lose an FTDI adapter and gadget zero in the middle of their work, fifty times, and go on", async () => {
    await pullOutInTheMiddle(tab, 50);
    const stats = await tab.page.evaluate(async () => (await window.guests).host.stats());
    expect(stats).toMatchObject({ devices: 0, owned: 0, orphans: 0 });
    const [there, back] = await echo(tab);
    expect(back).toBe(there);
    expect(tab.errors).toEqual([]);
  });

  // Reads are of whole packets: what a device sends beyond a read is for the next one.
  it.each(["zero", "mod63"] as const)(
    "pass all but the isochronous cases, and the one that halts: %s",
    async (pattern) => {
      const { pullOut } = await plugIn(tab, 1, { ...GADGET, pattern });
      const usbtest = await Usbtest.find(tab, ["high"], { pattern });
      for (const kind of ["control", "bulk", "interrupt", "control write"] as const) {
        const all = cases(kind, { iterations: 100, length: 4096 });
        const list = all.filter(({ number }) => number !== HALTS && !(pattern === "mod63" && ZEROS.includes(number)));
        await usbtest.select(CASES[kind]);
        expectPassed(await usbtest.run(list, HOUR), list, ["high"]);
      }
      await pullOut();
      expect(tab.errors).toEqual([]);
    },
  );
});
