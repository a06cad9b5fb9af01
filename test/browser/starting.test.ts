/** Machines of a person's own: dropped, filled in, started, changed, kept over a reload. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bootDisk } from "../fakes/boot-image.ts";
import { axeFindings } from "./axe.ts";
import { Bench, STEP_MS, type Tab } from "./harness.ts";

describe("starting", () => {
  let bench: Bench;
  let tab: Tab;

  beforeAll(async () => {
    bench = await Bench.start();
    tab = await bench.open();
  });
  afterAll(async () => {
    await tab?.close();
    await bench?.stop();
  });
  beforeEach(() => tab.pictureOnFailure());

  async function drop(name: string, bytes: Uint8Array): Promise<void> {
    const transfer = await tab.page.evaluateHandle(
      ([file, base64]) => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], file));
        return data;
      },
      [name, Buffer.from(bytes).toString("base64")] as const,
    );
    await tab.page.dispatchEvent("main", "drop", { dataTransfer: transfer });
  }

  const form = () => tab.page.getByRole("dialog");
  /** The dialog that is open, on a laptop and on a phone. */
  async function isForEverybody(what: string): Promise<void> {
    const { page } = tab;
    const size = page.viewportSize();
    for (const phone of [false, true]) {
      if (phone) await page.setViewportSize({ width: 360, height: 640 });
      expect(await axeFindings(page), what).toEqual([]);
      await tab.picture(phone ? `${what} 360` : what);
    }
    if (size) await page.setViewportSize(size);
  }

  const chosen = (name: string) => tab.page.getByRole("tab", { name, selected: true });

  it("asks what to do with a dropped file, says what is wrong beside its field, and boots it", async () => {
    const { page } = tab;
    await drop("words.img", bootDisk("The floppy was here.\n"));
    expect(await form().textContent()).toContain("This is a bootable floppy image.");
    await isForEverybody("machine dropped");
    await tab.button("Boot it as the floppy disk of a new machine…").click();
    expect(await page.getByRole("radio", { name: "A floppy image" }).isChecked()).toBe(true);
    expect(await form().textContent()).toMatch(/words\.img, 1\.4 MiB: a bootable floppy image/);
    const memory = page.getByLabel("Memory, in MiB");
    await memory.fill("4");
    await page.keyboard.press("Enter");
    const problem = page.getByText("The memory is a whole number of MiB from 16 to 2047.");
    await problem.waitFor();
    expect(await memory.getAttribute("aria-describedby")).toBe(await problem.getAttribute("id"));
    expect(await memory.evaluate((field) => field === document.activeElement)).toBe(true);
    await isForEverybody("machine form");
    await memory.fill("32");
    await page.keyboard.press("Enter");
    await form().waitFor({ state: "hidden" });
    await chosen("words").waitFor();
    await chosen("Screen").waitFor();
    await page.getByRole("tab", { name: "Console" }).click();
    await tab.untilConsole(/The floppy was here\./);
    expect(await tab.problems()).toBe("");
  });

  it("does not plug or boot anything when the person presses Escape", async () => {
    await drop("notes.img", new Uint8Array(1 << 20));
    expect(await form().textContent()).toContain("a file without a boot sector");
    expect(await form().getByRole("button").allTextContents()).toHaveLength(2);
    await tab.page.keyboard.press("Escape");
    await form().waitFor({ state: "hidden" });
    expect(await tab.card("notes.img").count()).toBe(0);
  });

  it("restarts the guest as another machine, with other memory and a disk", async () => {
    const { page } = tab;
    await page.locator(".menu summary").click();
    await tab.button("Change words…").click();
    await page.getByLabel("This page's Linux").check();
    await page.getByLabel("Memory, in MiB").fill("192");
    await page.getByLabel("USB ports").fill("3");
    await page.getByLabel("Name").fill("mine");
    // The floppy is in its drive still, so the drives are shown.
    await isForEverybody("machine drives");
    await tab.button("Leave out words.img").click();
    await page.getByLabel("or a blank hard disk, in MiB").fill("32");
    await tab.button("Restart it").click();
    await tab.untilRuns();
    await chosen("mine").waitFor();
    expect(await page.locator(".port").count()).toBe(3);
    // Of 192 MiB the kernel has some; of the default 128 there would be less than 100.
    expect(await tab.run("free -m | grep Mem")).toMatch(/Mem: +1[5-8]\d /);
    await tab.runUntil("cat /proc/partitions", /32768 sda$/m);
  });

  it("keeps the machine as it is over a reload, with what is plugged and what is on its disk", async () => {
    const { page } = tab;
    await tab.page.locator(".card").filter({ hasText: "types into" }).locator(".card-grip").click();
    await tab.socket(2).click();
    await tab.untilPort(2, "ready");
    await tab.run("echo remembered > /tmp/words; echo on the disk > /dev/sda; sync");
    await page.locator(".menu summary").click();
    await tab.button("Keep mine…").click();
    await isForEverybody("machine keep");
    await form().getByRole("button", { name: "Keep" }).click();
    await tab.untilSaid("mine is kept: it is on this page's start after a reload.");
    await page.reload();
    await tab.button("Go on with mine").waitFor();
    await isForEverybody("machine kept");
    await tab.button("Go on with mine").click();
    await tab.untilRuns();
    expect(await page.locator(".tabs-note").textContent()).toMatch(/^resumed in/);
    expect(await tab.run("cat /tmp/words; head -c 11 /dev/sda")).toMatch(/remembered\non the disk/);
    await tab.untilPort(2, "ready");
    expect(await tab.port(2).textContent()).toContain("Keyboard");
    await tab.button("Unplug Keyboard from port 2").click();
    await tab.untilPort(2, "empty");
    await tab.runUntil("dmesg | tail", /USB disconnect/);
    expect(await tab.problems()).toBe("");
  });

  it("forgets it on demand", async () => {
    const { page } = tab;
    await page.reload();
    await tab.button("Forget mine").click();
    await tab.untilSaid("mine is forgotten.");
    await expect.poll(() => tab.button("Go on with mine").count(), { timeout: STEP_MS }).toBe(0);
  });
});
