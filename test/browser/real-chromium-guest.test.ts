/** A guest uses devices by its stock drivers, by WebUSB of an unmodified Chromium: test/usbfs/README.md. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { guestTools } from "../guest/tools.ts";
import { cases, expectPassed, Usbtest } from "../guest/usbtest.ts";
import { missing, startComputer } from "../usbfs/launch.ts";
import { GuestPage } from "./guest-page.ts";
import { echo, GADGET, plugIn, pullOutInTheMiddle } from "./vendor-devices.ts";

const ROUNDS = 3;
const reason = missing();

describe.skipIf(reason !== undefined)(reason ?? "a guest's stock drivers, by a real Chromium's WebUSB", () => {
  let tab: GuestPage;
  beforeAll(async () => {
    tab = await GuestPage.open({ overlay: guestTools(), computer: startComputer });
    await Usbtest.load(tab);
  });
  afterAll(() => tab?.close());

  it("pass usbtest's cases with gadget zero, but for the one that halts an endpoint, which no browser does", async () => {
    const { notes, pullOut } = await plugIn(tab, 1, GADGET);
    expect(notes.join(" ")).toContain("high speed was inferred");
    const usbtest = await Usbtest.find(tab, ["high"]);
    for (const kind of ["control", "bulk"] as const) {
      const list = cases(kind, { iterations: 5 }).filter(({ number }) => number !== 13);
      expectPassed(await usbtest.run(list, 200_000), list, ["high"]);
    }
    await pullOut();
  });

  it("send 256 KiB through an FTDI adapter and back, with the right checksum", async () => {
    const [there, back] = await echo(tab);
    expect(back).toBe(there);
  });

  it(`have both pulled out in the middle of their work ${ROUNDS} times, and nothing is left behind`, async () => {
    await pullOutInTheMiddle(tab, ROUNDS);
    const stats = await tab.page.evaluate(async () => (await window.guests).host.stats());
    expect(stats).toMatchObject({ devices: 0, owned: 0, orphans: 0 });
    expect(tab.errors).toEqual([]);
  });
});
