import { describe, expect, test } from "vitest";
import { assertMachine, checkMachine } from "../../../app/guest/machine-check.ts";
import { DEFAULT_MACHINE, type MachineConfig, type MachineFile } from "../../../app/guest/machine-config.ts";
import { bootCd, bootDisk } from "../../fakes/boot-image.ts";
import { kernelImage } from "../../fakes/kernel-image.ts";

const MIB = 1 << 20;

function file(name: string, bytes: Uint8Array<ArrayBuffer> = new Uint8Array(512)): MachineFile {
  return { name, blob: new Blob([bytes]) };
}

const problems = (machine: Partial<MachineConfig>) => checkMachine({ ...DEFAULT_MACHINE, ...machine });
const kernel = (more: object = {}, size?: number): MachineConfig["boots"] => ({
  from: "kernel",
  kernel: file("vmlinuz", kernelImage({}, size)),
  append: "console=ttyS0",
  ...more,
});

const initrd = (size: number) =>
  file("initrd", Uint8Array.from(Object.assign(new Uint8Array(size), [0x30, 0x37, 0x30, 0x37, 0x30, 0x31])));

describe("a machine that can be started", () => {
  test.each<Partial<MachineConfig>>([
    {},
    { memoryMiB: 16, ports: 1 },
    { memoryMiB: 2047, vgaMemoryMiB: 256, ports: 15 },
    { boots: kernel() },
    { boots: kernel({ initrd: initrd(MIB) }) },
    { boots: { from: "cd" }, drives: { cd: file("a.iso", bootCd("")), disk: { blankMiB: 4096 } } },
    { boots: { from: "floppy" }, drives: { floppy: file("a.img", bootDisk("")) } },
    { boots: { from: "disk" }, drives: { disk: file("a.img", new Uint8Array(MIB)) } },
    { boots: { from: "usb" }, bios: file("bios.bin", new Uint8Array(128 * 1024)) },
    { drives: { cd: file("data.iso", bootCd("")) } },
  ])("%#", async (machine) => {
    expect(await problems(machine)).toEqual([]);
  });
});

describe("what is wrong is said in a sentence, beside what it is about", () => {
  const plain64 = kernelImage({ xloadflags: 1 });
  test.each<[string, Partial<MachineConfig>, string, RegExp]>([
    ["no name", { name: " " }, "name", /Give the machine a name/],
    ["too little memory", { memoryMiB: 8 }, "memoryMiB", /whole number of MiB from 16 to 2047/],
    ["half a MiB", { memoryMiB: 64.5 }, "memoryMiB", /whole number/],
    ["no number", { memoryMiB: Number.NaN }, "memoryMiB", /whole number/],
    ["too much memory", { memoryMiB: 4096 }, "memoryMiB", /to 2047/],
    ["screen", { vgaMemoryMiB: 0 }, "vgaMemoryMiB", /from 1 to 256/],
    ["ports", { ports: 16 }, "ports", /number of ports .* 1 to 15/],
    ["a blank disk of nothing", { drives: { disk: { blankMiB: 0 } } }, "disk", /blank disk has from 1/],
    ["no disk", { boots: { from: "disk" } }, "disk", /Choose the disk image/],
    ["no CD", { boots: { from: "cd" } }, "cd", /\.iso/],
    ["an empty file", { boots: kernel({ kernel: file("k", new Uint8Array()) }) }, "kernel", /k is empty/],
    ["no kernel", { boots: kernel({ kernel: file("k") }) }, "kernel", /k is .*no Linux kernel.*bzImage/],
    [
      "a 64-bit kernel",
      { boots: kernel({ kernel: file("k", plain64) }) },
      "kernel",
      /64-bit kernel, and v86 is a 32-bit PC/,
    ],
    ["a zImage", { boots: kernel({ kernel: file("k", kernelImage({ loadflags: 0 })) }) }, "kernel", /zImage/],
    [
      "no initrd",
      { boots: kernel({ initrd: file("i", bootCd("")) }) },
      "initrd",
      /i is a bootable CD image, and no initrd/,
    ],
    ["a long command line", { boots: kernel({ append: "x".repeat(2048) }) }, "append", /takes 2047 characters/],
    [
      "little memory for the kernel",
      { boots: kernel(), memoryMiB: 32 },
      "memoryMiB",
      /kernel needs more memory: at least 64 MiB/,
    ],
    [
      "little memory for the initrd",
      { boots: kernel({ initrd: initrd(33 * MIB) }), memoryMiB: 128 },
      "memoryMiB",
      /Kernel and initrd need more memory: at least 192 MiB/,
    ],
    [
      "a kernel that reaches the initrd",
      { boots: kernel({ initrd: initrd(512), kernel: file("k", kernelImage({}, 64 * MIB)) }), memoryMiB: 512 },
      "kernel",
      /too large/,
    ],
    ["a state that is none", { boots: { from: "state", state: file("s") } }, "state", /no state of v86/],
    [
      "a CD that does not boot",
      { boots: { from: "cd" }, drives: { cd: file("a", bootCd("").fill(0, 17 * 2048, 18 * 2048)) } },
      "cd",
      /cannot be booted/,
    ],
    ["a CD that is none", { drives: { cd: file("a.bin") } }, "cd", /no CD image/],
    ["a large floppy", { drives: { floppy: file("f", new Uint8Array(4 * MIB)) } }, "floppy", /too large/],
    [
      "a QCOW disk",
      { drives: { disk: file("q", Uint8Array.from(Buffer.from("QFI\xfb", "latin1"))) } },
      "disk",
      /QCOW.*qemu-img convert/,
    ],
    ["a BIOS that is none", { bios: file("b", new Uint8Array(1000)) }, "bios", /64, 128 or 256 KiB/],
    ["a VGA BIOS that is none", { vgaBios: file("v", new Uint8Array(MIB)) }, "vgaBios", /too large/],
  ])("%s", async (_, machine, field, words) => {
    expect(await problems(machine)).toEqual([{ field, text: expect.stringMatching(words) }]);
  });

  test("a file that was changed since it was chosen", async () => {
    const gone = { name: "disk.img", blob: new Blob(["x"]) };
    Object.defineProperty(gone.blob, "slice", {
      value: () => ({ arrayBuffer: () => Promise.reject(new Error("gone")) }),
    });
    expect(await problems({ drives: { disk: gone } })).toEqual([
      { field: "disk", text: "disk.img cannot be read: it was moved or changed since it was chosen. Choose it again." },
    ]);
    await expect(assertMachine({ ...DEFAULT_MACHINE, drives: { disk: gone } })).rejects.toMatchObject({
      name: "MachineError",
      message: expect.stringContaining("disk.img cannot be read"),
    });
  });
});
