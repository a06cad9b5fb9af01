/** An unmodified Chromium sees the test's devices as its computer's: test/usbfs/README.md. */
import type { Page } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeVendor } from "../fakes/fake-vendor.ts";
import { type Computer, missing, openEmptyPage } from "../usbfs/launch.ts";
import { SoftwareWire } from "../usbfs/software-wire.ts";

const reason = missing();

describe.skipIf(reason !== undefined)(reason ?? "a real Chromium with devices", () => {
  let opened: Awaited<ReturnType<typeof openEmptyPage>>;
  let computer: Computer;
  let page: Page;
  beforeAll(async () => {
    opened = await openEmptyPage();
    ({ computer, page } = opened);
  });
  afterAll(() => opened?.stop());

  it("finds a device that is plugged in, moves data, and hears of its unplug", async () => {
    const device = new FakeVendor("REAL1");
    computer.kernel.plug(device);
    const moved = await page.evaluate(async () => {
      const [device] = await navigator.usb.getDevices();
      if (!device) return "none";
      await device.open();
      await device.claimInterface(0);
      const back = device.transferIn(1, 64);
      await device.transferOut(2, new Uint8Array([1, 2, 3]));
      const { status, data } = await back;
      return { serial: device.serialNumber, status, data: [...new Uint8Array(data?.buffer ?? new ArrayBuffer(0))] };
    });
    expect(moved).toEqual({ serial: "REAL1", status: "ok", data: [1, 2, 3] });
    const gone = page.evaluate(
      () =>
        new Promise((resolve) => {
          navigator.usb.ondisconnect = ({ device }) => resolve(device.serialNumber);
        }),
    );
    await page.evaluate(() => navigator.usb.getDevices());
    computer.kernel.unplug(device);
    expect(await gone).toBe("REAL1");
  });

  it("drives our own software devices, several at once", async () => {
    const gadgets = await Promise.all([1, 2].map(() => SoftwareWire.plug({ kind: "gadget-zero", pattern: "mod63" })));
    for (const wire of gadgets) computer.kernel.plug(wire.fn, {}, wire);
    await expect.poll(() => page.evaluate(async () => (await navigator.usb.getDevices()).length)).toBe(2);
    const first = await page.evaluate(async () => {
      const bytes: number[][] = [];
      for (const device of await navigator.usb.getDevices()) {
        await device.open();
        await device.claimInterface(0);
        const { data } = await device.transferIn(1, 2048);
        bytes.push([data?.byteLength ?? 0, data?.getUint8(64) ?? 0]);
        await device.close();
      }
      return bytes;
    });
    expect(first).toEqual([
      [2048, 1],
      [2048, 1],
    ]);
    for (const { fn } of gadgets) computer.kernel.unplug(fn);
  });
});
