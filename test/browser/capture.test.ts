/** A capture made by hand on the page, saved by the browser, and read by tshark. */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { tsharkDescriptors, tsharkFields } from "../tshark.ts";
import { Bench, type Tab } from "./harness.ts";

describe("a capture on the page", () => {
  let bench: Bench;
  let tab: Tab;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pvusb-capture-"));
    bench = await Bench.start();
    tab = await bench.open();
  });
  afterAll(async () => {
    await tab?.close();
    await bench?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => tab.pictureOnFailure());

  const save = async (name: string): Promise<string> => {
    const download = tab.page.waitForEvent("download");
    await tab.page.getByRole("link", { name: "Save capture" }).click();
    const file = await download;
    expect(file.suggestedFilename()).toMatch(/^pvusb-[-\d]+\.pcapng$/);
    const path = join(folder, name);
    await file.saveAs(path);
    return path;
  };

  it("waits for the hub's power", async () => {
    expect(await tab.button("Start capture").isDisabled()).toBe(true);
    await tab.startLinux();
    expect(await tab.button("Start capture").isDisabled()).toBe(false);
  });

  it("is started and stopped by keyboard alone, tells its size, and tshark reads the file", async () => {
    const { page } = tab;
    await tab.button("Start capture").focus();
    await page.keyboard.press("Enter");
    await tab.untilSaid("The capture has begun.");
    await tab.button("Plug in Flash drive (blank, 64 MiB)").click();
    await tab.untilPort(1, "ready");
    await tab.runUntil("cat /proc/partitions", /sda$/m);
    const note = page.locator("#capture-note");
    await expect.poll(() => note.textContent()).toMatch(/^Recording: [\d,]{2,} packets, [\d.]+ KiB$/);

    await tab.button("Stop capture").focus();
    await page.keyboard.press("Enter");
    await tab.untilSaid("The capture has ended.");
    // The focus stays where it was: on the button that starts the next one.
    expect(await tab.button("Start new capture").evaluate((each) => each === document.activeElement)).toBe(true);
    const [, packets = ""] = /^([\d,]+) packets/.exec((await note.textContent()) ?? "") ?? [];

    const file = await save("drive.pcapng");
    const frames = tsharkFields(file, "frame", ["usb.device_address"]);
    expect(frames.length).toBe(Number(packets.replace(",", "")));
    const address = Number(frames.flat().find((each) => each !== "0"));
    expect(tsharkDescriptors(file, address).map(({ kind }) => kind)).toEqual([
      "DEVICE",
      "CONFIGURATION",
      "INTERFACE",
      "ENDPOINT",
      "ENDPOINT",
    ]);
    expect(tsharkFields(file, "scsi_sbc.opcode == 0x28", ["frame.number"]).length).toBeGreaterThan(0);
    expect(tsharkFields(file, "_ws.malformed", ["frame.number"])).toEqual([]);
  });

  it("outlives the guest, and is saved when a person ends it", async () => {
    await tab.button("Start new capture").click();
    await tab.untilSaid("The capture has begun.");
    await tab.button("Unplug Flash drive from port 1").click();
    await tab.untilPort(1, "empty");
    await tab.page.locator(".menu summary").click();
    await tab.button("Stop guest").click();
    await tab.button("Start Linux").waitFor();
    await tab.button("Stop capture").click();
    expect((await stat(await save("end.pcapng"))).size).toBeGreaterThan(0);
    expect(await tab.button("Start new capture").isDisabled()).toBe(true);
  });
});
