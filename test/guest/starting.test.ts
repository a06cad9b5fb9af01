/** Machines of a person's own: what they boot, and that the virtual controller is there, too. */
import { afterEach, expect, it } from "vitest";
import { Guest } from "../../dist/app/guest/default-guest.js";
import { writeCpio } from "../../dist/app/guest/image/cpio.js";
import type { MachineConfig } from "../../dist/app/guest/machine-config.js";
import { folderFiles, installedV86 } from "../../dist/app/guest/node-files.js";
import { createUsbHost } from "../../dist/app/index.js";
import { bootCd, bootDisk } from "../fakes/boot-image.ts";
import { saysAndSleeps } from "../fakes/init-program.ts";
import { GUEST_FOLDER } from "./harness.ts";

const files = folderFiles(GUEST_FOLDER);
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const file = (name: string, bytes: Uint8Array<ArrayBuffer>) => ({ name, blob: new Blob([bytes]) });

/** Starts it, and resolves with the console's text and the BIOS's once the console has said `words`. */
async function boot(machine: Partial<MachineConfig>, words: string) {
  const host = await createUsbHost({ placement: "thread" });
  ends.push(() => host.close());
  let console = "";
  let bios = "";
  let heard = () => {};
  const said = new Promise<void>((resolve) => {
    heard = () => console.includes(words) && resolve();
  });
  const guest = await Guest.start({
    files,
    wasm: installedV86().wasm,
    machine: { memoryMiB: 64, ...machine },
    machineReady: async (emulator) => {
      await host.attach(emulator, { ports: machine.ports ?? 8 });
      return undefined;
    },
    onConsole: (bytes) => {
      console += new TextDecoder("latin1").decode(bytes);
      heard();
    },
    onBiosLog: (bytes) => {
      bios += new TextDecoder("latin1").decode(bytes);
    },
  });
  ends.push(() => guest.stop());
  await said;
  return { guest, console, bios };
}

it("boots a CD image, which is read on demand", async () => {
  const cd = file("words.iso", bootCd("The CD was here.\n"));
  const { bios } = await boot({ boots: { from: "cd" }, drives: { cd, disk: { blankMiB: 64 } } }, "The CD was here.\n");
  expect(bios).toContain("XHCI");
  expect(bios).toContain("Booting from DVD/CD");
});

it("boots a floppy image, before a disk that would boot, too", async () => {
  const floppy = file("words.img", bootDisk("The floppy was here.\n"));
  const disk = file("disk.img", bootDisk("The disk was here.\n", 1 << 20));
  const drives = { floppy, disk };
  const { console } = await boot({ boots: { from: "floppy" }, drives }, "The floppy was here.\n");
  expect(console).not.toContain("disk");
});

it("boots a disk image, before a CD that would boot, too", async () => {
  const disk = file("disk.img", bootDisk("The disk was here.\n", 1 << 20));
  const drives = { disk, cd: file("words.iso", bootCd("The CD was here.\n")) };
  const { guest, bios } = await boot({ boots: { from: "disk" }, drives }, "The disk was here.\n");
  expect(bios).toContain("Booting from Hard Disk");
  expect(guest.disk?.changed).toBe(false);
  await expect(guest.exec("true")).rejects.toThrow(/type them into its console/);
});

it("boots a kernel of one's own, with its initrd and command line", async () => {
  const kernel = file("vmlinuz", await files.load("kernel"));
  const data = saysAndSleeps("The initrd was here.\n");
  const initrd = file("initrd", Uint8Array.from(writeCpio([{ kind: "file", path: "init", data, mode: 0o755 }])));
  const { cmdline } = await files.manifest();
  const append = `${cmdline.replace("loglevel=3", "").replace("quiet", "")} our.own=word`;
  const { console } = await boot(
    { boots: { from: "kernel", kernel, initrd, append }, memoryMiB: 128 },
    "The initrd was here.",
  );
  expect(console).toMatch(/Kernel command line: .*our\.own=word/);
});
