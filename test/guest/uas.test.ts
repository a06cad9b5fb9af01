import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { File } from "@web-std/file";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DISK, keepsWhatIsWritten, leavesNothingBehind, pullInTheMiddle, readsBack, withDisk } from "./disk.ts";
import { amount, type Bench, md5, pattern, startGuest } from "./harness.ts";

const MIB = 1 << 20;
const THREE_WRITERS =
  "for i in 1 2 3; do dd if=/dev/zero of=/dev/sda bs=1M count=2000 oflag=direct 2>&1 & done; wait %1";
const THREE_READERS =
  "for i in 1 2 3; do (while dd if=/dev/sda of=/dev/null bs=256k iflag=direct 2>&1; do :; done; exit 1) & done; wait %1";
/** The interface that the disk is on. */
const INTERFACE = "$(readlink -f /sys/block/sda/device/../../..)";

/** At super speed each command has streams of its own; at high speed they share the pipes by READ READY and WRITE READY. */
describe.each([
  { speed: "super", placement: "thread", mebibytes: amount(16, 64), unplugs: amount(3, 10) },
  { speed: "high", placement: "worker", mebibytes: 8, unplugs: amount(2, 10) },
] as const)(
  "a UAS drive of a stock Linux guest at $speed speed, backend in a $placement",
  ({ speed, placement, mebibytes, unplugs }) => {
    let bench: Bench;
    let folder: string;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "pvusb-uas-"));
      bench = await startGuest({ placement });
    });
    afterAll(async () => {
      await bench?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const drive = (path: string) => bench.host.device("uas-drive", { image: { path }, speed });
    const plugged = <T>(path: string, work: () => Promise<T>) => withDisk(bench, drive(path), work);

    it("is taken by uas, in alternate 1, with many commands at once", async () => {
      const path = join(folder, "bind.img");
      writeFileSync(path, new Uint8Array(MIB));
      const said = await plugged(path, () =>
        bench.run(
          `basename $(readlink ${INTERFACE}/driver); cat ${INTERFACE}/bAlternateSetting ${INTERFACE}/bInterfaceProtocol;` +
            "cat /sys/block/sda/device/queue_depth",
        ),
      );
      expect(said.split(/\s+/)).toEqual(["uas", "1", "62", "30", ""]);
    });

    it(`reads ${mebibytes} MiB back with the host's own checksum`, async () => {
      const path = join(folder, "read.img");
      await readsBack(bench, drive(path), path, mebibytes);
    });

    it("has a written pattern in the image after unplug", async () => {
      const path = join(folder, "write.img");
      await keepsWhatIsWritten(bench, drive(path), path);
    });

    it("serves several readers and a writer at once, each with its own data", async () => {
      const path = join(folder, "several.img");
      const bytes = pattern(10 * MIB, 3);
      writeFileSync(path, bytes);
      const said = await plugged(path, () =>
        bench.run(
          "for i in 0 1 2 3; do (dd if=/dev/sda bs=64k skip=$((i*32)) count=32 iflag=direct 2>/dev/null | md5sum >/tmp/$i) & done;" +
            "dd if=/dev/zero of=/dev/sda bs=64k seek=128 count=32 oflag=direct 2>/dev/null; wait; cat /tmp/[0-3]; rm /tmp/[0-3]",
        ),
      );
      const parts = [0, 1, 2, 3].map((part) => md5(bytes.subarray(part * 2 * MIB, (part + 1) * 2 * MIB)));
      expect(said.match(/[0-9a-f]{32}/g)).toEqual(parts);
      const image = readFileSync(path);
      expect(md5(image.subarray(0, 8 * MIB))).toBe(md5(bytes.subarray(0, 8 * MIB)));
      expect(image.subarray(8 * MIB).every((byte) => byte === 0)).toBe(true);
    });

    it("answers commands late and out of order when its bytes are only promised", async () => {
      const { controller, host, run, until } = bench;
      const bytes = pattern(4 * MIB, 5);
      const image = { blob: new File([bytes], "disk.img") as unknown as Blob };
      await controller.port(2).plug(host.device("uas-drive", { image, speed }));
      await run(DISK);
      const said = await run(
        "for i in 0 1 2 3; do (dd if=/dev/sda bs=16k skip=$((i*64)) count=64 iflag=direct 2>/dev/null | md5sum >/tmp/$i) & done;" +
          "wait; cat /sys/block/sda/ro /tmp/[0-3]; rm /tmp/[0-3]",
      );
      const parts = [0, 1, 2, 3].map((part) => md5(bytes.subarray(part * MIB, (part + 1) * MIB)));
      expect(said.match(/[0-9a-f]{32}/g)).toEqual(parts);
      expect(said[0]).toBe("1");
      await controller.port(2).unplug();
      await until("! test -e /dev/sda");
    });

    it("works on after a reset by the guest, whose unit attention meets data that is queued already", async () => {
      const path = join(folder, "reset.img");
      const bytes = pattern(MIB, 9);
      writeFileSync(path, bytes);
      const said = await plugged(path, () =>
        bench.run("usbreset 1209:0003 >/dev/null && dd if=/dev/sda bs=128k iflag=direct 2>/dev/null | md5sum"),
      );
      expect(said.split(" ")[0]).toBe(md5(bytes));
    });

    it(`is pulled out ${unplugs} times in the middle of a dd and leaves nothing behind`, async () => {
      await leavesNothingBehind(bench, async () => {
        for (let round = 0; round < unplugs; round++) {
          const disk = bench.host.device("uas-drive", { image: { size: 64 * MIB }, speed });
          await pullInTheMiddle(bench, disk, round % 2 ? THREE_WRITERS : THREE_READERS);
        }
      });
    });
  },
);
