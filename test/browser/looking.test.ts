/** A capture, the last transfers, the rules and the snapshots, by click and by keyboard, in one guest's life. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator } from "playwright";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { tsharkDescriptors, tsharkFields } from "../tshark.ts";
import { axeFindings } from "./axe.ts";
import { atTheComputer, withFakeUsb } from "./fake-usb.ts";
import { Bench, STEP_MS, type Tab } from "./harness.ts";

let bench: Bench;
let tab: Tab;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pvusb-looking-"));
  bench = await Bench.start();
  tab = await bench.open(withFakeUsb);
});
afterAll(async () => {
  await tab?.close();
  await bench?.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => tab.pictureOnFailure());

/** What the page has the browser save. */
async function saved(press: () => Promise<void>, name: RegExp): Promise<string> {
  const download = tab.page.waitForEvent("download");
  await press();
  const file = await download;
  expect(file.suggestedFilename()).toMatch(name);
  const path = join(folder, `${crypto.randomUUID()}-${file.suggestedFilename()}`);
  await file.saveAs(path);
  return path;
}

const saveCapture = () =>
  saved(() => tab.page.getByRole("link", { name: "Save capture" }).click(), /^pvusb-[-\d]+\.pcapng$/);

async function open(panel: "Transfers" | "Rules" | "Snapshots"): Promise<void> {
  const button = tab.page.getByRole("button", { name: panel, exact: true });
  if ((await button.getAttribute("aria-expanded")) === "false") await button.click();
}

describe("a capture", () => {
  it("waits for the hub's power", async () => {
    await tab.button("Grant a USB device…").click();
    await tab.card("loopback").waitFor();
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

    const file = await saveCapture();
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
});

describe("the last transfers", () => {
  const table = () => tab.page.getByRole("grid", { name: "The last transfers" });
  const row = (words: string | RegExp) => table().getByRole("row", { name: words });
  const details = () => tab.page.getByRole("region", { name: "Transfer", exact: true });

  it("are sentences, also of a device that was plugged before anybody looked", async () => {
    await open("Transfers");
    await tab.run("dd if=/dev/sda of=/dev/null bs=4k skip=16 count=1 iflag=direct 2>/dev/null");
    await row(/READ\(10\) block 128, 8 blocks \(4,096 bytes in\)/)
      .first()
      .waitFor();
    await row(/data in of READ\(10\), 4,096 bytes/)
      .first()
      .waitFor();
    await row(/READ\(10\) passed/)
      .first()
      .waitFor();
    await tab.picture("transfers");
  });

  it("are filtered by words and by port, and stand still when they are to", async () => {
    const { page } = tab;
    await page.getByRole("searchbox", { name: "Find", exact: true }).fill("block 128");
    await expect.poll(() => table().locator("tbody tr").count()).toBe(1);
    await tab.button("Pause").click();
    await tab.run("dd if=/dev/sda of=/dev/null bs=4k skip=16 count=1 iflag=direct 2>/dev/null");
    expect(await table().locator("tbody tr").count()).toBe(1);
    await tab.button("Pause").click();
    await tab.run("dd if=/dev/sda of=/dev/null bs=4k skip=16 count=1 iflag=direct 2>/dev/null");
    await expect.poll(() => table().locator("tbody tr").count()).toBe(2);
    await page.getByRole("combobox", { name: "Port" }).selectOption({ label: "1: Flash Drive" });
    await expect.poll(() => table().locator("tbody tr").count()).toBe(2);
  });

  it("are opened by keyboard: fields and bytes", async () => {
    const { page } = tab;
    await row(/block 128/)
      .last()
      .focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-rowindex"))).toBe("3");
    await page.keyboard.press("Enter");
    const text = (await details().textContent()) ?? "";
    expect(text).toMatch(/dCBWDataTransferLength\s*4096/);
    expect(text).toMatch(/LBA\s*128/);
    expect(text).toContain("55 53 42 43"); // USBC
    expect(await axeFindings(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await expect.poll(() => details().count()).toBe(0);
  });

  it("cost nothing once nobody looks", async () => {
    await tab.page.getByRole("button", { name: "Transfers", exact: true }).click();
    expect(await tab.page.locator("pv-transfers").count()).toBe(0);
  });
});

describe("the rules", () => {
  const field = (name: string): Locator =>
    tab.page.getByRole("textbox", { name }).or(tab.page.getByRole("combobox", { name }));
  const rulesText = async () => {
    const path = await saved(() => tab.button("Download rules.txt").click(), /^rules\.txt$/);
    return readFile(path, "utf8");
  };

  it("are set beside the plugged device, by keyboard alone", async () => {
    await tab.socket(3).click();
    await tab.button("Plug in loopback").click();
    await tab.untilPort(3, "ready");
    await tab.button("Always plug here: loopback in port 3").focus();
    await tab.page.keyboard.press("Enter");
    await tab.untilSaid("loopback is always plugged into port 3 from now on.");
    expect(await tab.focused()).toBe("Forget rule: loopback is always plugged into port 3");
  });

  it("are edited where they stand, and what is wrong is said beside it and changes nothing", async () => {
    await open("Rules");
    const device = await field("Device of the rule for").first().inputValue();
    expect(device).toMatch(/^[0-9a-f]{4}:[0-9a-f]{4}/);
    const port = field(`Port of the rule for ${device}`);
    await port.fill("none");
    await port.press("Enter");
    await tab.page.getByText("PORT is a number from 1 to 99").waitFor();
    expect(await rulesText()).toBe(`${device}:1:0:3\n`);
    expect(await axeFindings(tab.page)).toEqual([]);
    await tab.picture("rules");
    await port.fill("5");
    await port.press("Enter");
    await tab.untilSaid(`${device} goes to 1:0:5 from now on.`);
    await port.fill("3");
    await port.press("Enter");
    await tab.untilSaid(`${device} goes to 1:0:3 from now on.`);
  });

  it("are added for what is known, imported and exported", async () => {
    const { page } = tab;
    await page.getByRole("combobox", { name: "New rule for" }).selectOption({ label: "Keyboard" });
    await field("Port of the new rule").fill("7");
    await tab.button("Add rule").click();
    await tab.untilSaid("keyboard goes to 1:0:7 from now on.");
    const importFile = async (text: string) => {
      const chooser = page.waitForEvent("filechooser");
      await page.getByText("Import a file…").click();
      await (await chooser).setFiles({ name: "mine.txt", mimeType: "text/plain", buffer: Buffer.from(text) });
    };
    const before = await rulesText();
    await importFile("backup:1:0:8\nrubbish\n");
    await page.getByText('mine.txt, Line 2: "rubbish" is no rule').waitFor();
    expect(await rulesText()).toBe(before);
    await importFile("# mine\nbackup:1:0:8\nkeyboard:1:0:6\n");
    await tab.untilSaid("2 rules imported from mine.txt.");
    const after = `${before.split("\n")[0]}\nkeyboard:1:0:6\nbackup:1:0:8\n`;
    expect(await rulesText()).toBe(after);
    await tab.button("Edit as text").click();
    await page.getByRole("textbox", { name: "Rules as text" }).fill(after.replace("keyboard:1:0:6\n", ""));
    await tab.button("Have these rules").click();
    await tab.untilSaid("There are 2 rules now.");
    await tab.button("Delete the rule for backup").click();
    await tab.untilSaid("The rule for backup is gone.");
    await page.getByRole("button", { name: "Rules", exact: true }).click();
  });
});

describe("snapshots", () => {
  let file: string;

  it("are saved under a name, with what is plugged and mounted", async () => {
    await tab.run("mount /dev/sda /mnt && echo before >/mnt/when && sync");
    await open("Snapshots");
    await tab.page.getByRole("textbox", { name: "Name" }).fill("With a mounted drive");
    await tab.button("Save snapshot").click();
    await tab.untilSaid("With a mounted drive is saved.");
    expect(await tab.page.getByRole("list", { name: "Snapshots" }).textContent()).toMatch(
      /\d devices, [\d.]+ MiB \([\d.]+ MiB when it runs\)/,
    );
    expect(await axeFindings(tab.page)).toEqual([]);
    await tab.picture("snapshots");
    file = await saved(
      () => tab.button("Download With a mounted drive").click(),
      /^With-a-mounted-drive\.pvusb-state$/,
    );
  });

  it("outlive a reload: the machine goes on, the drive is still mounted", async () => {
    await tab.page.reload();
    await open("Snapshots");
    await tab.button("Restore With a mounted drive").click();
    await tab.untilSaid("With a mounted drive is restored.");
    await tab.untilPort(1, "ready");
    expect(await tab.run("cat /mnt/when; grep -c /mnt /proc/mounts")).toMatch(/before\n1/);
    await tab.button("Unplug Flash drive from port 1").click();
    await tab.untilPort(1, "empty");
    expect(await tab.problems()).toBe("");
  });

  it("are deleted, and come back from a file; what is no snapshot is said so", async () => {
    const { page } = tab;
    await tab.button("Delete With a mounted drive").click();
    await tab.untilSaid("With a mounted drive is deleted.");
    expect(await tab.button(/^Restore /).count()).toBe(0);
    const give = page.locator(".panel input[type=file]");
    await give.setInputFiles({ name: "x.bin", mimeType: "", buffer: Buffer.from("rubbish") });
    await expect.poll(() => tab.problems()).toContain("This file is no saved state of pvusb.");
    await tab.button("Dismiss this message").first().click();
    await give.setInputFiles(file);
    await tab.button("Restore With a mounted drive").waitFor();
  });
});

describe("after a reload", () => {
  it("a device with a rule is in its port as soon as Linux runs, without a click", async () => {
    await tab.page.reload();
    await tab.startLinux();
    await tab.untilPort(3, "ready");
    await tab.runUntil("cat /sys/bus/usb/devices/*-3/product", /^loopback$/m);
  });

  it("it comes back when it is pulled out of the computer and put in again", async () => {
    await atTheComputer(tab.page, "unplug");
    await tab.untilPort(3, "empty");
    await atTheComputer(tab.page, "plug");
    await tab.untilPort(3, "ready");
  });

  it("a person's unplug is not undone, until the device comes again", async () => {
    await tab.button("Unplug loopback from port 3").first().click();
    await tab.untilPort(3, "empty");
    await tab.button("Plug in Keyboard").click();
    await tab.untilPort(1, "ready");
    expect(await tab.port(3).getAttribute("data-state")).toBe("empty");
    await atTheComputer(tab.page, "unplug");
    await expect.poll(() => tab.card("loopback").count()).toBe(0);
    await atTheComputer(tab.page, "plug");
    await tab.untilPort(3, "ready");
  });

  it("a rule is forgotten beside the device", async () => {
    await tab.button("Forget rule: loopback is always plugged into port 3").click();
    await tab.untilSaid("loopback is not plugged in by itself any more.");
    await atTheComputer(tab.page, "unplug");
    await tab.untilPort(3, "empty");
    await atTheComputer(tab.page, "plug");
    await tab.card("loopback").waitFor();
    await tab.button("Plug in loopback").click();
    await tab.untilPort(2, "ready");
    expect(await tab.port(3).getAttribute("data-state")).toBe("empty");
    expect(await tab.problems()).toBe("");
  });
});

it("a capture outlives the guest, and is saved when a person ends it", async () => {
  await tab.button("Start capture").click();
  await tab.untilSaid("The capture has begun.");
  await tab.button("Unplug loopback from port 2").first().click();
  await tab.untilPort(2, "empty");
  await tab.page.locator(".menu summary").click();
  await tab.button("Stop guest").click();
  await tab.button("Start Linux").waitFor({ timeout: STEP_MS });
  await tab.button("Stop capture").click();
  expect((await stat(await saveCapture())).size).toBeGreaterThan(0);
  expect(await tab.button("Start new capture").isDisabled()).toBe(true);
});
