import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { File } from "@web-std/file";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DISK, keepsWhatIsWritten, readsBack, withDisk } from "./disk.ts";
import { amount, type Bench, md5, pattern, startGuest } from "./harness.ts";

const MIB = 1 << 20;
/** Of the drive that is read whole. */
const MEBIBYTES = amount(16, 64);

describe.each(["worker", "thread"] as const)("a flash drive of a stock Linux guest, backend in a %s", (placement) => {
  let bench: Bench;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "pvusb-storage-"));
    bench = await startGuest({ placement });
  });
  afterAll(async () => {
    await bench?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const drive = (path: string) => bench.host.device("flash-drive", { image: { path } });
  const plugged = <T>(path: string, work: () => Promise<T>) => withDisk(bench, drive(path), work);

  it(`reads ${MEBIBYTES} MiB back with the host's own checksum`, async () => {
    const path = join(folder, "read.img");
    await readsBack(bench, drive(path), path, MEBIBYTES);
  });

  it("has a written pattern in the image after unplug", async () => {
    const path = join(folder, "write.img");
    await keepsWhatIsWritten(bench, drive(path), path);
  });

  it("mounts a file system of mkfs.vfat; files copied both ways compare equal after a replug", async () => {
    const path = join(folder, "vfat.img");
    writeFileSync(path, new Uint8Array(32 * MIB));
    const sums = await plugged(path, () =>
      bench.run(
        "set -e; mkfs.vfat /dev/sda >/dev/null; mkdir -p /mnt; mount -t vfat /dev/sda /mnt; mkdir /mnt/folder;" +
          "dd if=/dev/urandom of=/mnt/folder/random.bin bs=64k count=40 2>/dev/null;" +
          "cp /bin/busybox /mnt/busybox; sync; cd /mnt; md5sum busybox folder/random.bin; cd /; umount /mnt",
      ),
    );
    const again = await plugged(path, () =>
      bench.run(
        "set -e; mount -t vfat /dev/sda /mnt; cmp /mnt/busybox /bin/busybox; cp /mnt/folder/random.bin /tmp/back;" +
          "cmp /mnt/folder/random.bin /tmp/back; cd /mnt; md5sum busybox folder/random.bin; cd /; umount /mnt; rm /tmp/back",
      ),
    );
    expect(again).toBe(sums);
    expect(sums.split("\n")).toHaveLength(3);
  });

  it("refuses writes to a drive made of a File, which is read-only", async () => {
    const bytes = pattern(MIB);
    const image = { blob: new File([bytes], "disk.img") as unknown as Blob };
    const { controller, host, run, until } = bench;
    await controller.port(2).plug(host.device("flash-drive", { image }));
    await run(DISK);
    expect(await run("cat /sys/block/sda/ro; md5sum </dev/sda")).toBe(`1\n${md5(bytes)}  -\n`);
    const { status } = await bench.guest.exec("dd if=/dev/zero of=/dev/sda bs=4k count=1 2>&1");
    expect(status).not.toBe(0);
    await controller.port(2).unplug();
    await until("! test -e /dev/sda");
  });
});
