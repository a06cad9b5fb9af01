/** Disks and CDs on the page: made, written by the guest, taken home, kept. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readFat16 } from "../fakes/fat16-reader.ts";
import { isoImage } from "../fakes/iso9660.ts";
import { Bench, STEP_MS, type Tab } from "./harness.ts";

const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");
/** The guest's disk that came last. */
const DISK = "$(ls /dev/sd? | tail -1)";

/** The browser's pickers, which no test can click, answer files of the origin's private file system. */
function pickersForTests(): void {
  const root = () => navigator.storage.getDirectory();
  Object.assign(window, {
    showOpenFilePicker: async () => [await (await root()).getFileHandle("picked.img")],
    showSaveFilePicker: undefined,
  });
}

describe("disks", () => {
  let bench: Bench;
  let tab: Tab;
  beforeAll(async () => {
    bench = await Bench.start();
    tab = await bench.open((context) => context.addInitScript(pickersForTests));
  });
  beforeEach(() => tab?.pictureOnFailure());
  afterAll(async () => {
    await tab?.close();
    await bench?.stop();
  });

  /** Mounts the disk that came last, does this in it, and unmounts it. Answers what that said. */
  const onDisk = async (work: string) => {
    await tab.runUntil(`mount ${DISK} /mnt && echo mounted`, /^mounted/m);
    return tab.run(`cd /mnt; ${work}; cd /; umount /mnt`);
  };
  const state = (path: number) => tab.port(path).locator(".device-state");

  it("a file that the guest copies onto the flash drive is in the image that is taken home", async () => {
    await tab.startLinux();
    await tab.button("Plug in Flash drive (blank").click();
    await tab.untilPort(1, "ready");
    const sum = await onDisk("cp /bin/busybox BUSYBOX.BIN; md5sum </bin/busybox");
    await expect.poll(() => state(1).textContent()).toContain("Written to, and not saved yet");
    await tab.picture("disks changed");
    const [download] = await Promise.all([
      tab.page.waitForEvent("download"),
      tab.button(/^Save a copy….*port 1/).click(),
    ]);
    const { files } = readFat16(new Uint8Array(readFileSync(await download.path())));
    expect(files.map(({ name }) => name)).toEqual(["README.TXT", "BUSYBOX.BIN"]);
    expect(sum).toContain(md5(files[1]?.content ?? new Uint8Array()));
    await state(1).waitFor({ state: "detached" });
  });

  it("a drive that is pulled out with something on it stays in the list, until that is given up", async () => {
    await onDisk("echo later >LATER.TXT");
    await expect.poll(() => state(1).textContent()).toContain("Changed since it was saved");
    await tab.port(1).locator(".unplug").click();
    const card = tab.card("Flash drive 1");
    await expect.poll(() => card.textContent()).toContain("changed since it was saved");
    await tab.picture("disks pulled out");
    const [download] = await Promise.all([tab.page.waitForEvent("download"), card.locator(".action").click()]);
    const { files } = readFat16(new Uint8Array(readFileSync(await download.path())));
    expect(files.map(({ name }) => name)).toContain("LATER.TXT");

    await tab.card("Flash drive 1").locator(".plug-in").click();
    await tab.untilPort(1, "ready");
    expect(await onDisk("cat LATER.TXT; echo more >MORE.TXT")).toContain("later");
    await expect.poll(() => state(1).textContent()).toContain("Changed");
    tab.page.once("dialog", (dialog) => dialog.dismiss());
    await tab.button("Take Flash drive 1 off the list").click();
    expect(await tab.port(1).getAttribute("data-state"), "not given up").toBe("ready");
    tab.page.once("dialog", (dialog) => dialog.accept());
    await tab.button("Take Flash drive 1 off the list").click();
    await tab.untilPort(1, "empty");
    await expect.poll(() => tab.card("Flash drive 1").count()).toBe(0);
  });

  it("a drive of a picked file goes back into the file, and the guest goes on with it", async () => {
    await tab.page.evaluate(async () => {
      const handle = await (await navigator.storage.getDirectory()).getFileHandle("picked.img", { create: true });
      const file = await handle.createWritable();
      await file.truncate(8 << 20);
      await file.write({ type: "write", position: 4 << 20, data: "the end of the file" });
      await file.close();
    });
    await tab.page.getByText("Disk or CD from a file…").click();
    await tab.untilPort(1, "ready");
    await tab.runUntil(
      `echo from the guest | dd of=${DISK} bs=512 seek=3 conv=sync 2>&1; sync`,
      /1\+0 records out|1\+1/,
    );
    await tab.button(/^Save to picked.img.*port 1/).click();
    await state(1).waitFor({ state: "detached", timeout: STEP_MS });
    const text = await tab.page.evaluate(async () => {
      const file = await (await (await navigator.storage.getDirectory()).getFileHandle("picked.img")).getFile();
      return [file.size, await file.slice(1536, 1550).text(), await file.slice(4 << 20, (4 << 20) + 19).text()];
    });
    expect(text).toEqual([8 << 20, "from the guest", "the end of the file"]);
    const read = `dd if=${DISK} bs=1M iflag=direct 2>/dev/null`;
    expect(await tab.run(`${read} | strings | grep -e guest -e end`)).toMatch(/from the guest\s+the end of the file/);
    await tab.button("Take picked.img off the list").click();
    await tab.untilPort(1, "empty");
  });

  it("an ISO image is a disc in a CD drive, which a person and the guest open", async () => {
    const disc = isoImage("DISC", { "HELLO.TXT": new TextEncoder().encode("hello from the disc\n") });
    const file = { name: "hello.iso", mimeType: "application/x-iso9660-image", buffer: Buffer.from(disc) };
    await tab.page.getByLabel("Disk or CD from a file…").setInputFiles(file);
    await tab.untilPort(1, "ready");
    await tab.runUntil("mount -t iso9660 -o ro /dev/cdrom /mnt; cat /mnt/hello.txt", /hello from the disc/);
    await tab.button(/^Eject all the same.*port 1/).waitFor();
    await tab.run("eject");
    await tab.untilSaid("The tray of the CD drive is open");
    await expect.poll(() => state(1).textContent()).toContain("The tray is open");
    await tab.picture("disks tray");
    await tab.button(/^Close the tray.*port 1/).click();
    await expect.poll(() => state(1).textContent()).toContain("Hello.iso is in it");
    await tab.button("Take hello.iso off the list").click();
    await tab.untilPort(1, "empty");
  });

  it("a drive that the browser keeps is there after a reload, with what is on it, until it is deleted", async () => {
    const { page } = tab;
    await tab.button("New drive…").click();
    await page.getByLabel("Size").selectOption("16 MiB");
    await page.getByLabel("Keep it in this browser").check();
    await page.getByText(/that the browser grants this page/).waitFor();
    await page.getByLabel("Name").fill("Keeper");
    await tab.picture("disks new drive");
    await tab.button("Make it").click();
    await tab.button("Plug in Keeper").click();
    await tab.untilPort(1, "ready");
    await onDisk("echo kept words >KEPT.TXT");
    await page.reload();
    await tab.startLinux();
    await tab.button("Plug in Keeper").click();
    await tab.untilPort(1, "ready");
    expect(await onDisk("cat KEPT.TXT")).toContain("kept words");
    tab.page.once("dialog", (dialog) => dialog.accept());
    await tab.button("Delete it: Keeper").click();
    await tab.untilPort(1, "empty");
    await expect.poll(() => tab.card("Keeper").count()).toBe(0);
    expect(await tab.problems()).toBe("");
  });
});
