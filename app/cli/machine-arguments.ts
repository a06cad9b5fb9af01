/** A guest of a person's own on the command line: which options make it, and what they make. */
import { openAsBlob } from "node:fs";
import { basename } from "node:path";
import { type Boots, type Drives, LIMITS, type MachineConfig, type MachineFile } from "../guest/machine-config.ts";
import { UsageError } from "./usage-error.ts";

/** What `--boot` says. */
const BOOTS = ["linux", "disk", "cd", "floppy", "usb"] as const;

export const MACHINE_HELP = `\
  --kernel FILE            boots a 32-bit Linux kernel (bzImage) of your own, with --initrd FILE and --append TEXT, its
                           command line, such as console=ttyS0
  --hda FILE               a hard disk: a raw image, read when the guest reads. What it writes is forgotten at the end
  --cdrom FILE             a CD: an .iso
  --floppy FILE            a floppy disk
  --boot WHAT              what to boot: floppy, cd, disk (by default the first of these that is there), usb (what is plugged)
                           or linux (the default guest, with these drives)
`;

export const MACHINE_OPTIONS = {
  kernel: { type: "string" },
  initrd: { type: "string" },
  append: { type: "string" },
  hda: { type: "string" },
  cdrom: { type: "string" },
  floppy: { type: "string" },
  boot: { type: "string" },
  memory: { type: "string" },
} as const;

export type MachineValues = { readonly [K in keyof typeof MACHINE_OPTIONS]?: string | undefined };

/** File names, and what is booted. */
export interface MachineArguments {
  readonly boot: (typeof BOOTS)[number] | "kernel";
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append: string;
  readonly hda?: string;
  readonly cdrom?: string;
  readonly floppy?: string;
  readonly memoryMiB?: number;
}

/** Throws a UsageError. */
export function machineArguments(values: MachineValues): MachineArguments {
  const { kernel, initrd, append, hda, cdrom, floppy, boot, memory } = values;
  const own = kernel !== undefined;
  if (!own && (initrd !== undefined || append !== undefined)) {
    throw new UsageError("--initrd and --append are for a kernel of your own: give --kernel, too.");
  }
  if (own && boot !== undefined) throw new UsageError("--kernel is what is booted: leave out --boot.");
  const drive = floppy !== undefined ? "floppy" : cdrom !== undefined ? "cd" : hda !== undefined ? "disk" : undefined;
  const chosen = BOOTS.find((each) => each === boot);
  if (boot !== undefined && !chosen)
    throw new UsageError(`--boot is ${BOOTS.join(" or ")}, and not ${boot || "nothing"}.`);
  return {
    boot: own ? "kernel" : (chosen ?? drive ?? "linux"),
    append: append ?? "",
    ...(own && { kernel }),
    ...(initrd !== undefined && { initrd }),
    ...(hda !== undefined && { hda }),
    ...(cdrom !== undefined && { cdrom }),
    ...(floppy !== undefined && { floppy }),
    ...(memory !== undefined && { memoryMiB: memoryMiB(memory) }),
  };
}

/** Opens the files. Rejects with a UsageError for one that is not there. */
export async function readMachine(machine: MachineArguments): Promise<Partial<MachineConfig>> {
  const { boot, append, memoryMiB } = machine;
  const kernel = await open("--kernel", machine.kernel);
  const initrd = await open("--initrd", machine.initrd);
  const disk = await open("--hda", machine.hda);
  const cd = await open("--cdrom", machine.cdrom);
  const floppy = await open("--floppy", machine.floppy);
  const boots: Boots =
    boot === "kernel" && kernel
      ? { from: "kernel", kernel, ...(initrd && { initrd }), append }
      : { from: boot === "kernel" ? "linux" : boot };
  const drives: Drives = { ...(disk && { disk }), ...(cd && { cd }), ...(floppy && { floppy }) };
  return { boots, drives, ...(memoryMiB !== undefined && { memoryMiB }) };
}

async function open(option: string, path: string | undefined): Promise<MachineFile | undefined> {
  if (path === undefined) return undefined;
  try {
    return { name: basename(path), blob: await openAsBlob(path) };
  } catch (cause) {
    throw new UsageError(`${option}: there is no file ${path}.`, { cause });
  }
}

function memoryMiB(text: string): number {
  const { least, most } = LIMITS.memoryMiB;
  const size = Number(text);
  if (Number.isInteger(size) && size >= least && size <= most) return size;
  throw new UsageError(`--memory is a number of MiB from ${least} to ${most}, and ${text || "nothing"} is not.`);
}
