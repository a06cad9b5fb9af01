/** pvusb guest DIR: what is in the folder, from an image of four small files. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { writeGuest } from "../../../app/cli/guest-folder.ts";
import { folderFiles } from "../../../app/guest/node-files.ts";

const NAMES = { kernel: "vmlinuz", initrd: "initrd", bios: "bios.bin", vgaBios: "vgabios.bin" };
const PLAIN = { kernel: "11 22 33", initrd: "44 55 66 77", bios: "88", vgaBios: "99 aa" };

test("all files are plain, and the manifest says so", async () => {
  const root = mkdtempSync(join(tmpdir(), "pvusb-guest-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const packed = {
    kernel: gzipSync(PLAIN.kernel),
    initrd: gzipSync(PLAIN.initrd),
    bios: PLAIN.bios,
    vgaBios: PLAIN.vgaBios,
  };
  for (const file of ["kernel", "initrd", "bios", "vgaBios"] as const)
    writeFileSync(join(root, NAMES[file]), packed[file]);
  const manifest = {
    ...NAMES,
    id: "an id",
    cmdline: "console=ttyS0",
    encoding: { kernel: "gzip", initrd: "gzip", bios: "identity", vgaBios: "identity" },
    sizes: { kernel: packed.kernel.length, initrd: packed.initrd.length, bios: 2, vgaBios: 5 },
    plainSizes: { kernel: 8, initrd: 11, bios: 2, vgaBios: 5 },
    sha256: { kernel: "of the packed one", initrd: "", bios: "", vgaBios: "" },
  };
  writeFileSync(join(root, "manifest.json"), JSON.stringify(manifest));

  const folder = join(root, "pages/linux");
  await writeGuest(folder, root);
  expect(readFileSync(join(folder, "vmlinuz"), "latin1")).toBe("11 22 33");
  expect(readFileSync(join(folder, "initrd"), "latin1")).toBe("44 55 66 77");
  const written = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
  expect(written).toMatchObject({ id: "an id", cmdline: "console=ttyS0", sizes: manifest.plainSizes });
  expect(written.encoding).toEqual({ kernel: "identity", initrd: "identity", bios: "identity", vgaBios: "identity" });
  expect(written.sha256.kernel).toBe(createHash("sha256").update("11 22 33").digest("hex"));
  // Our own page and command line read it as well.
  expect(Buffer.from(await folderFiles(folder).load("kernel")).toString("latin1")).toBe("11 22 33");
});

test("a folder without an image is named", async () => {
  await expect(writeGuest("/tmp/nowhere-to", "/nowhere-from")).rejects.toThrow(
    "There is no guest image in /nowhere-from",
  );
});
