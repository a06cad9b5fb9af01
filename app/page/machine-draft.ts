/** A machine while a person fills in the form: what the fields hold, and the machine that comes of it. */
import { fileKind, kindInWords } from "../guest/file-kind.ts";
import { given } from "../guest/given.ts";
import { checkMachine, type Problem } from "../guest/machine-check.ts";
import {
  type Boots,
  DEFAULT_MACHINE,
  DEFAULT_MEMORY_MIB,
  type MachineConfig,
  type MachineFile,
} from "../guest/machine-config.ts";
import {
  describedMachine,
  type FileField,
  type MachineDescription,
  machineFiles,
} from "../guest/machine-description.ts";

export interface MachineDraft {
  /** Empty: named by what it boots. */
  readonly name: string;
  readonly boots: Boots["from"];
  readonly files: ReadonlyMap<FileField, MachineFile>;
  readonly append: string;
  /** MiB of a blank disk; empty for none. */
  readonly blank: string;
  /** MiB; undefined as long as the person has not touched it. */
  readonly memory: string | undefined;
  readonly vga: string;
  readonly ports: string;
  readonly network: "none" | "fetch";
}

/** A person's own guests are larger than ours. */
const OWN_MEMORY_MIB = 256;

/** What a person can choose to boot, in their words. */
export const BOOT_CHOICES: readonly {
  readonly boots: Boots["from"];
  readonly label: string;
  readonly detail: string;
}[] = [
  { boots: "linux", label: "This page's Linux", detail: "with drivers for every device on the page" },
  { boots: "cd", label: "A CD image", detail: "an .iso" },
  { boots: "disk", label: "A hard disk image", detail: "raw bytes, often .img" },
  { boots: "floppy", label: "A floppy image", detail: "" },
  { boots: "kernel", label: "A Linux kernel", detail: "a 32-bit bzImage" },
  { boots: "usb", label: "What is plugged", detail: "a flash drive in a port of the hub" },
  { boots: "state", label: "A saved state", detail: "of v86, with pvusb's controller in it" },
];

export const FILE_LABELS: Readonly<Record<FileField, string>> = {
  kernel: "Kernel (bzImage)",
  initrd: "Initial root (initrd)",
  state: "Saved state",
  disk: "Hard disk",
  cd: "CD",
  floppy: "Floppy disk",
  bios: "BIOS",
  vgaBios: "VGA BIOS",
};

const DRIVES = ["disk", "cd", "floppy"] as const;

/** The file that must be there, if one must. */
export function mainFile(boots: Boots["from"]): FileField | undefined {
  return boots === "linux" || boots === "usb" ? undefined : boots;
}

/** The drives that are not what is booted. */
export function otherDrives(boots: Boots["from"]): readonly FileField[] {
  return DRIVES.filter((drive) => drive !== boots);
}

export function draftOf(config: MachineConfig = { ...DEFAULT_MACHINE, name: "" }): MachineDraft {
  const { name, boots, drives, memoryMiB, vgaMemoryMiB, ports, network } = config;
  return {
    name,
    boots: boots.from,
    files: machineFiles(config),
    append: boots.from === "kernel" ? boots.append : "console=ttyS0 console=tty0",
    blank: drives.disk && "blankMiB" in drives.disk ? String(drives.disk.blankMiB) : "",
    memory: memoryMiB === undefined ? undefined : String(memoryMiB),
    vga: String(vgaMemoryMiB),
    ports: String(ports),
    network,
  };
}

/** Of a kept machine whose files are not all there. */
export function draftFrom(machine: MachineDescription, files: ReadonlyMap<FileField, MachineFile>): MachineDraft {
  const { name, boots, append, blankMiB, memoryMiB, vgaMemoryMiB, ports, network } = machine;
  const plain = draftOf();
  return {
    name,
    boots,
    files,
    append: append ?? plain.append,
    blank: blankMiB === undefined ? "" : String(blankMiB),
    memory: memoryMiB === undefined ? undefined : String(memoryMiB),
    vga: String(vgaMemoryMiB),
    ports: String(ports),
    network,
  };
}

/** What is in the memory's field. */
export function memoryOf({ memory, boots }: MachineDraft): string {
  return memory ?? String(boots === "linux" ? DEFAULT_MEMORY_MIB : OWN_MEMORY_MIB);
}

/** What the machine is called if the person does not say. */
export function nameOf({ name, boots, files }: MachineDraft): string {
  if (name.trim() !== "") return name.trim();
  const main = mainFile(boots);
  const file = main && files.get(main)?.name.replace(/\.[a-z0-9]{1,4}$/i, "");
  if (file) return file;
  return boots === "linux" ? DEFAULT_MACHINE.name : "My machine";
}

export type Finished = { readonly config: MachineConfig } | { readonly problems: readonly Problem[] };

/** The machine, or what is wrong with it. */
export async function finish(draft: MachineDraft): Promise<Finished> {
  const { boots, files, append, blank, vga, ports, network } = draft;
  const main = mainFile(boots);
  const uses = new Set<FileField>([...otherDrives(boots), "bios", "vgaBios", ...(main ? [main] : [])]);
  if (boots === "kernel") uses.add("initrd");
  const used = new Map([...files].filter(([field]) => uses.has(field)));
  if (main && !used.has(main) && !(main === "disk" && blank !== "")) {
    return { problems: [{ field: main, text: `Choose a file: ${FILE_LABELS[main]}.` }] };
  }
  const description: MachineDescription = given({
    name: nameOf(draft),
    boots,
    append: boots === "kernel" ? append.trim() : undefined,
    blankMiB: blank === "" ? undefined : number(blank),
    // A state says itself how much memory it has.
    memoryMiB: boots === "state" ? undefined : number(memoryOf(draft)),
    vgaMemoryMiB: number(vga),
    controller: "xhci" as const,
    ports: number(ports),
    network,
    files: {},
  }) as MachineDescription;
  const config = describedMachine(description, used);
  if (!config) return { problems: [{ field: main ?? "name", text: "Choose a file." }] };
  const problems = await checkMachine(config);
  return problems.length > 0 ? { problems } : { config };
}

function number(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text);
}

/** "a bootable CD image", beside a file's name; undefined when it cannot be read. */
export async function aboutFile({ blob }: MachineFile): Promise<string> {
  try {
    return kindInWords(await fileKind(blob));
  } catch {
    return "cannot be read";
  }
}
