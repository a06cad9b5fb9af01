/** The form of a new machine, without its fields on a screen. */
import { describe, expect, test } from "vitest";
import { DEFAULT_MACHINE, type MachineFile } from "../../app/guest/machine-config.ts";
import { describeMachine } from "../../app/guest/machine-description.ts";
import { dropChoices } from "../../app/page/dropped.ts";
import { draftFrom, draftOf, finish, type MachineDraft, memoryOf, nameOf } from "../../app/page/machine-draft.ts";
import { bootCd, bootDisk } from "../fakes/boot-image.ts";
import { kernelImage } from "../fakes/kernel-image.ts";

const file = (name: string, bytes: Uint8Array<ArrayBuffer>): MachineFile => ({ name, blob: new Blob([bytes]) });
const CD = file("system-1.2.iso", bootCd(""));
const KERNEL = file("vmlinuz", kernelImage({}));
const INITRD = file("initrd", Uint8Array.from([0x30, 0x37, 0x30, 0x37, 0x30, 0x31]));

const draft = (more: Partial<MachineDraft>): MachineDraft => ({ ...draftOf(), ...more });

test("nothing filled in is the default guest", async () => {
  expect(await finish(draftOf())).toEqual({ config: { ...DEFAULT_MACHINE, memoryMiB: 128 } });
});

test("a machine that is changed has all that it had", async () => {
  const config = {
    ...DEFAULT_MACHINE,
    name: "mine",
    boots: { from: "kernel", kernel: KERNEL, initrd: INITRD, append: "quiet" },
    drives: { disk: { blankMiB: 64 }, cd: CD },
    memoryMiB: 512,
    vgaMemoryMiB: 16,
    ports: 3,
    network: "fetch",
  } as const;
  expect(await finish(draftOf(config))).toEqual({ config });
  expect(draftFrom(describeMachine(config), draftOf(config).files)).toEqual(draftOf(config));
});

test("a machine is named by what it boots, and its own has more memory, until a person says otherwise", async () => {
  const cd = draft({ boots: "cd", files: new Map([["cd", CD]]) });
  expect(await finish(cd)).toEqual({
    config: { ...DEFAULT_MACHINE, name: "system-1.2", boots: { from: "cd" }, drives: { cd: CD }, memoryMiB: 256 },
  });
  expect(nameOf({ ...cd, name: " Mine " })).toBe("Mine");
  expect(nameOf(draft({ boots: "usb" }))).toBe("My machine");
  expect(memoryOf({ ...cd, memory: "64" })).toBe("64");
});

test("a file that belongs to another choice is left out", async () => {
  const files = new Map([["cd", CD] as const, ["kernel", KERNEL] as const, ["initrd", INITRD] as const]);
  expect(await finish(draft({ boots: "cd", files }))).toMatchObject({
    config: { boots: { from: "cd" }, drives: { cd: CD } },
  });
  expect(await finish(draft({ boots: "linux", files }))).toEqual({
    config: { ...DEFAULT_MACHINE, drives: { cd: CD }, memoryMiB: 128 },
  });
});

describe("what is wrong is beside its field", () => {
  test.each<[string, Partial<MachineDraft>, string, RegExp]>([
    ["no file", { boots: "kernel" }, "kernel", /Choose a file: Kernel/],
    ["no disk", { boots: "disk" }, "disk", /Choose a file: Hard disk/],
    ["no number", { memory: "much" }, "memoryMiB", /whole number/],
    ["nothing", { memory: "" }, "memoryMiB", /whole number/],
    ["ports", { ports: "0" }, "ports", /1 to 15/],
    ["blank disk", { blank: "-1" }, "disk", /blank disk/],
    ["not a CD", { boots: "cd", files: new Map([["cd", KERNEL]]) }, "cd", /vmlinuz is a Linux kernel, and no CD image/],
  ])("%s", async (_, more, field, words) => {
    expect(await finish(draft(more))).toEqual({ problems: [{ field, text: expect.stringMatching(words) }] });
  });
});

describe("files that are dropped", () => {
  const labels = async (...files: MachineFile[]) => {
    const { choices, note } = await dropChoices(files);
    return { labels: choices.map(({ label }) => label.replace("…", "")), note };
  };

  test.each<[string, MachineFile, string[], RegExp]>([
    [
      "a CD",
      CD,
      ["Boot it as the CD of a new machine", "Put it into a USB CD drive", "Plug it in as a flash drive"],
      /a bootable CD/,
    ],
    [
      "a floppy",
      file("f", bootDisk("")),
      ["Boot it as the floppy disk of a new machine", "Plug it in as a flash drive"],
      /floppy/,
    ],
    [
      "a disk",
      file("d", bootDisk("", 1 << 20)),
      ["Boot it as the hard disk of a new machine", "Plug it in as a flash drive"],
      /disk/,
    ],
    ["data", file("d", new Uint8Array(1 << 20)), ["Plug it in as a flash drive"], /without a boot sector/],
    ["a kernel", KERNEL, ["Start it in a new machine", "Plug it in as a flash drive"], /Linux kernel/],
    ["an initrd", INITRD, ["Start a kernel with it", "Plug it in as a flash drive"], /an initrd/],
    ["nothing", file("n", new Uint8Array()), [], /empty/],
    [
      "a ZIP",
      file("z", Uint8Array.from(Buffer.from("PK\x03\x04"))),
      ["Plug it in as a flash drive"],
      /ZIP archive. Unpack it/,
    ],
  ])("%s", async (_, dropped, choices, note) => {
    expect(await labels(dropped)).toEqual({ labels: choices, note: expect.stringMatching(note) });
  });

  test("a kernel and an initrd are one machine", async () => {
    const { choices } = await dropChoices([INITRD, KERNEL]);
    const [first] = choices;
    if (first?.action.is !== "machine") throw new Error("no machine");
    expect(await finish(first.action.draft)).toMatchObject({
      config: { name: "vmlinuz", boots: { from: "kernel", kernel: KERNEL, initrd: INITRD } },
    });
    expect(choices.length).toBe(2);
  });
});
