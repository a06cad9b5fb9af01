/** Discs that come and go, and drives whose image is taken home, with a stock Linux guest. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatFat16 } from "../../app/sources/fat16.ts";
import type { DriveOutput, UsbPort } from "../../dist/app/index.js";
import { readFat16 } from "../fakes/fat16-reader.ts";
import { isoImage } from "../fakes/iso9660.ts";
import { COMPLAINTS } from "./disk.ts";
import { type Bench, md5, pattern, startGuest } from "./harness.ts";

const MIB = 1 << 20;
const first = isoImage("FIRST", { "HELLO.TXT": new TextEncoder().encode("one\n"), "BIG.BIN": pattern(MIB / 4) });
const second = isoImage("SECOND", { "HELLO.TXT": new TextEncoder().encode("two\n") });
const blob = (bytes: Uint8Array<ArrayBuffer>) => ({ blob: new Blob([bytes]) });

/** Waits until the port's drive says this of itself. */
async function says(port: UsbPort, wanted: Partial<DriveOutput>): Promise<void> {
  for (;;) {
    const told = new Promise<void>((resolve) => {
      port.onOutput = resolve;
    });
    const now = (await port.output()) as DriveOutput;
    if (Object.entries(wanted).every(([name, value]) => now[name as keyof DriveOutput] === value)) return;
    await told;
  }
}

describe("a stock Linux guest", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startGuest();
  });
  afterAll(() => bench?.stop());

  it("mounts a CD, ejects it, and finds another disc when that was put in", async () => {
    const { controller, host, run, until } = bench;
    const port = controller.port(1);
    await port.plug(host.device("cdrom", { image: blob(first) }));
    await until("test -b /dev/cdrom");
    expect(
      await run("mkdir -p /cd && mount -t iso9660 -o ro /dev/cdrom /cd && cat /cd/hello.txt && md5sum </cd/big.bin"),
    ).toBe(`one\n${md5(pattern(MIB / 4))}  -\n`);
    await says(port, { loaded: true, locked: true });
    await run("eject"); // unmounts it, too
    await says(port, { loaded: false, locked: false });

    await port.input({ type: "insert", image: blob(second) });
    await until("mount -t iso9660 -o ro /dev/cdrom /cd");
    expect(await run("cat /cd/hello.txt; ls /cd; umount /cd")).toBe("two\nhello.txt\n");
    await run("eject");
    await says(port, { loaded: false });
    await until("mount -t iso9660 -o ro /dev/cdrom /cd"); // Linux closes the tray at the first, and then sees the disc
    expect(await run("cat /cd/hello.txt; umount /cd")).toBe("two\n");
    await port.unplug();
    await until("! test -b /dev/cdrom");
  });

  it("writes to a drive made of a File: it is in the image that is taken home, and in the drive when it comes back", async () => {
    const { controller, host, run, until } = bench;
    const port = controller.port(2);
    const options = { size: 16 * MIB, label: "HOME", files: [], date: new Date(2026, 0, 1), serial: 1 };
    const file = new Uint8Array(16 * MIB);
    file.set(formatFat16(options));
    const drive = host.device("flash-drive", { image: { ...blob(file), writes: "memory" }, keep: "home" });
    await port.plug(drive);
    await until("mkdir -p /mnt; mount -t vfat -o ro /dev/sda /mnt");
    expect(await port.output()).toEqual({ type: "drive", changed: false, loaded: true, locked: true });
    await run("mount -o remount,rw /mnt");
    await run("cp /bin/busybox /mnt/BUSYBOX.BIN && sync");
    await says(port, { changed: true, loaded: true });
    const sum = await run("md5sum </mnt/BUSYBOX.BIN");
    const image = await port.image();
    expect(image.size).toBe(16 * MIB);
    await run("dd if=/dev/zero of=/mnt/LATER.BIN bs=64k count=8 2>/dev/null && sync"); // in the middle of it
    const taken = new Uint8Array(await new Response(image.stream).arrayBuffer());
    const { files } = readFat16(taken);
    expect(files.map(({ name }) => name)).toEqual(["BUSYBOX.BIN"]);
    expect(md5(files[0]?.content ?? new Uint8Array())).toBe(sum.split(" ")[0]);

    await run("umount /mnt");
    await port.unplug();
    await until("! test -e /dev/sda");
    const kept = await host.keptImage("home");
    const { files: after } = readFat16(new Uint8Array(await new Response(kept.stream).arrayBuffer()));
    expect(after.map(({ name }) => name)).toEqual(["BUSYBOX.BIN", "LATER.BIN"]);
    await kept.saved();
    await port.plug(drive);
    expect(await port.output()).toMatchObject({ changed: false });
    await until("mount -t vfat -o ro /dev/sda /mnt");
    expect(await run("md5sum </mnt/BUSYBOX.BIN; umount /mnt")).toBe(sum);
    await port.unplug();
    await host.forgetImage("home");
    await expect(host.keptImage("home")).rejects.toThrow("no disk");
    expect(await run("dmesg")).not.toMatch(COMPLAINTS);
  });
});
