/** A guest uses a device by its stock driver, by WebUSB of an unmodified Chromium: test/usbfs/README.md. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { guestTools } from "../guest/tools.ts";
import { cases, expectPassed, Usbtest } from "../guest/usbtest.ts";
import { missing, startComputer } from "../usbfs/launch.ts";
import { SoftwareWire } from "../usbfs/software-wire.ts";
import { GuestPage } from "./guest-page.ts";

const ROUNDS = 5;
const reason = missing();

describe.skipIf(reason !== undefined)(reason ?? "gadget zero, by a real Chromium's WebUSB", () => {
  let tab: GuestPage;
  const gadget = async () => {
    const wire = await SoftwareWire.plug({ kind: "gadget-zero", speed: "high" });
    tab.computer?.kernel.plug(wire.fn, {}, wire);
    return wire;
  };

  beforeAll(async () => {
    tab = await GuestPage.open({ overlay: guestTools(), computer: startComputer });
    await Usbtest.load(tab);
  });
  afterAll(() => tab?.close());

  it("passes usbtest's cases, but for the one that halts an endpoint, which no browser does", async () => {
    const { fn } = await gadget();
    const notes = await tab.plugReal(1, fn.serialNumber ?? "");
    expect(notes.join(" ")).toContain("high speed was inferred");
    const usbtest = await Usbtest.find(tab, ["high"]);
    for (const kind of ["control", "bulk"] as const) {
      const list = cases(kind, { iterations: 20 }).filter(({ number }) => number !== 13);
      expectPassed(await usbtest.run(list, 200_000), list, ["high"]);
    }
    tab.computer?.kernel.unplug(fn);
    await tab.untilEmpty(1);
  });

  it(`is pulled out in the middle ${ROUNDS} times, and nothing is left behind`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { fn } = await gadget();
      await tab.plugReal(1, fn.serialNumber ?? "");
      const usbtest = await Usbtest.find(tab, ["high"]);
      const running = usbtest.run(cases("bulk", { iterations: 100_000 }).slice(0, 1), 200_000);
      const moved = () =>
        tab.page.evaluate(async () => (await window.firstGuest()).controller.port(1).status.counters.bytesOut);
      const before = await moved();
      await expect.poll(moved, { timeout: 60_000 }).toBeGreaterThan(before + 20_000);
      tab.computer?.kernel.unplug(fn);
      await tab.untilEmpty(1);
      expect((await running).errors.high?.[0]?.[1]).not.toBe(0);
      await tab.until("! ls /sys/bus/usb/drivers/usbtest/*:* 2>/dev/null");
    }
    const stats = await tab.page.evaluate(async () => (await window.guests).host.stats());
    expect(stats).toMatchObject({ devices: 0, owned: 0, orphans: 0 });
    expect(tab.errors).toEqual([]);
  });
});
