import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { fileKind, kindInWords } from "../../../app/guest/file-kind.ts";
import { bootCd, bootDisk } from "../../fakes/boot-image.ts";
import { kernelImage } from "../../fakes/kernel-image.ts";

function stateOf(info: string, magic = [0x76, 0x86, 0x76, 0x86]): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(info);
  const bytes = new Uint8Array(16 + json.length + 64);
  bytes.set(magic);
  bytes.set([6], 4);
  new DataView(bytes.buffer).setUint32(12, json.length, true);
  bytes.set(json, 16);
  return bytes;
}

const text = (words: string, size = 100_000) => {
  const bytes = new Uint8Array(size);
  bytes.set(Buffer.from(words, "latin1"));
  return bytes;
};
const hybrid = bootCd("");
hybrid.set([0x55, 0xaa], 510);
const dataCd = bootCd("");
dataCd.fill(0, 17 * 2048 + 7, 17 * 2048 + 40);
const STATE = '{"buffer_infos":[],"state":[134217728,null]}';

test.each([
  ["nothing", new Uint8Array(), { is: "empty" }],
  ["a bootable CD", bootCd("hello"), { is: "cd", bootable: true, hybrid: false }],
  ["a hybrid CD", hybrid, { is: "cd", bootable: true, hybrid: true }],
  ["a CD of data", dataCd, { is: "cd", bootable: false, hybrid: false }],
  ["a floppy disk", bootDisk("hello"), { is: "floppy", bootable: true }],
  ["a blank floppy disk of 720 KiB", new Uint8Array(737_280), { is: "floppy", bootable: false }],
  ["a hard disk", bootDisk("hello", 1 << 20), { is: "disk", bootable: true }],
  ["a hard disk without a boot sector", new Uint8Array(1 << 20), { is: "disk", bootable: false }],
  ["a few bytes", new Uint8Array(3), { is: "disk", bootable: false }],
  ["a state", stateOf(STATE), { is: "state", memoryMiB: 128 }],
  ["a state whose JSON is broken", stateOf("{"), { is: "state", memoryMiB: undefined }],
  ["a state that says nothing of memory", stateOf('{"state":["x"]}'), { is: "state", memoryMiB: undefined }],
  ["a packed state", gzipSync(stateOf(STATE)), { is: "state", memoryMiB: undefined }],
  ["a state as pvusb writes files", text("pvusb state 1\n"), { is: "state", memoryMiB: undefined }],
  ["a cpio archive", text("070701"), { is: "initrd" }],
  ["a packed cpio archive", gzipSync(text("070701", 500_000)), { is: "initrd", compressed: "gzip" }],
  ["an archive packed by xz", text("\xfd7zXZ\0"), { is: "initrd", compressed: "xz" }],
  ["an archive packed by zstd", text("\x28\xb5\x2f\xfd"), { is: "initrd", compressed: "zstd" }],
  ["a packed disk", gzipSync(bootDisk("hello")), { is: "foreign", what: "a file compressed by gzip" }],
  ["a gzip magic and no more", Uint8Array.of(0x1f, 0x8b), { is: "initrd", compressed: "gzip" }],
  ["a QCOW disk", text("QFI\xfb"), { is: "foreign", what: "a QCOW disk of QEMU" }],
  ["a ZIP archive", text("PK\x03\x04"), { is: "foreign", what: "a ZIP archive" }],
  ["a vmlinux", text("\x7fELF"), { is: "foreign", advice: expect.stringContaining("bzImage") }],
])("%s", async (_, bytes, kind) => {
  const found = await fileKind(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  expect(found).toMatchObject(kind);
  expect(kindInWords(found)).toMatch(/^an? /);
});

test("a kernel says which processor it is for, and what it takes", async () => {
  const kindOf = (bytes: Uint8Array<ArrayBuffer>) => fileKind(new Blob([bytes]));
  expect(await kindOf(kernelImage({}))).toEqual({
    is: "kernel",
    header: {
      version: 0x020f,
      loadedHigh: true,
      is64Bit: false,
      cmdlineMax: 2047,
      setupSize: 28 * 512,
      needsUpTo: 0x1000000 + 0x1234000,
    },
  });
  expect(await kindOf(kernelImage({ xloadflags: 1 }))).toMatchObject({ header: { is64Bit: true } });
  expect(await kindOf(kernelImage({ xloadflags: 1, version: 0x020b }))).toMatchObject({ header: { is64Bit: false } });
  expect(await kindOf(kernelImage({ loadflags: 0 }))).toMatchObject({ header: { loadedHigh: false } });
  expect(await kindOf(kernelImage({ version: 0x0205 }))).toMatchObject({ header: { cmdlineMax: 255, needsUpTo: 0 } });
  // The same bytes without the magic are a disk: the boot signature is at the same place.
  expect(await kindOf(kernelImage({ magic: "HdrX" }))).toEqual({ is: "disk", bootable: true });
});

test("a file that is gone is an error, not a kind", async () => {
  const blob = new Blob(["x"]);
  Object.defineProperty(blob, "slice", { value: () => ({ arrayBuffer: () => Promise.reject(new Error("gone")) }) });
  await expect(fileKind(blob)).rejects.toThrow("gone");
});
