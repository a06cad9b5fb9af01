/**
 * What keeps a machine from starting, each in one sentence with what to do: found before anything is made, because v86
 * itself says nothing, or hangs.
 */
import { type FileKind, fileKind, kindInWords } from "./file-kind.ts";
import type { KernelHeader } from "./linux-kernel.ts";
import {
  DEFAULT_MEMORY_MIB,
  LIMITS,
  type MachineConfig,
  MachineError,
  type MachineField,
  type MachineFile,
} from "./machine-config.ts";
import { machineFiles } from "./machine-description.ts";

const KIB = 1024;
const MIB = 2 ** 20;
/** v86 puts a kernel at 1 MiB and its initrd here; Linux unpacks that into the RAM that is left. */
const KERNEL_ADDRESS = MIB;
const INITRD_ADDRESS = 64 * MIB;
/** v86's largest floppy disk. */
const FLOPPY_MOST = 3840 * KIB;
const BIOS_MOST = 256 * KIB;
const VGA_BIOS_MOST = 64 * KIB;

export interface Problem {
  readonly field: MachineField;
  readonly text: string;
}

/** What can be told without reading a file. */
export function checkNumbers(config: MachineConfig): Problem[] {
  const { boots, drives, memoryMiB, vgaMemoryMiB, ports } = config;
  const problems: Problem[] = [];
  const within = (field: keyof typeof LIMITS & MachineField, value: number, what: string, unit: string) => {
    const { least, most } = LIMITS[field];
    if (Number.isInteger(value) && value >= least && value <= most) return;
    problems.push({ field, text: `${what} is a whole number${unit} from ${least} to ${most}.` });
  };
  if (config.name.trim() === "") problems.push({ field: "name", text: "Give the machine a name." });
  if (memoryMiB !== undefined) within("memoryMiB", memoryMiB, "The memory", " of MiB");
  within("vgaMemoryMiB", vgaMemoryMiB, "The screen's memory", " of MiB");
  within("ports", ports, "The number of ports", "");
  if (drives.disk && "blankMiB" in drives.disk) {
    const { least, most } = LIMITS.blankMiB;
    const size = drives.disk.blankMiB;
    if (!(Number.isInteger(size) && size >= least && size <= most)) {
      problems.push({ field: "disk", text: `A blank disk has from ${least} to ${most} MiB.` });
    }
  }
  switch (boots.from) {
    case "disk":
    case "cd":
    case "floppy":
      if (!drives[boots.from]) problems.push({ field: boots.from, text: `Choose the ${NOUNS[boots.from]} to boot.` });
  }
  return problems;
}

const NOUNS = { disk: "disk image", cd: "CD image (.iso)", floppy: "floppy image" } as const;

/** Everything. Never rejects: a file that cannot be read is a problem, too. */
export async function checkMachine(config: MachineConfig): Promise<Problem[]> {
  const problems = checkNumbers(config);
  const kinds = new Map<MachineField, FileKind>();
  for (const [field, file] of machineFiles(config)) {
    try {
      const kind = await fileKind(file.blob);
      kinds.set(field, kind);
      const text =
        kind.is === "empty" ? `${file.name} is empty. Choose another file.` : checkFile(field, file, kind, config);
      if (text) problems.push({ field, text });
    } catch {
      problems.push({ field, text: unreadable(file.name) });
    }
  }
  const kernel = kinds.get("kernel");
  if (config.boots.from === "kernel" && kernel?.is === "kernel" && problems.length === 0) {
    problems.push(...checkKernel(config, kernel.header));
  }
  return problems;
}

/** The blob of a file that was moved, deleted or written to since it was chosen cannot be read any more. */
export function unreadable(name: string): string {
  return `${name} cannot be read: it was moved or changed since it was chosen. Choose it again.`;
}

/** As an error, the first that is wrong. */
export async function assertMachine(config: MachineConfig): Promise<void> {
  const [first] = await checkMachine(config);
  if (first) throw new MachineError(first.text);
}

function checkFile(
  field: MachineField,
  file: MachineFile,
  kind: FileKind,
  { boots }: MachineConfig,
): string | undefined {
  const isA = `${file.name} is ${kindInWords(kind)}`;
  const { size } = file.blob;
  switch (field) {
    case "kernel":
      return kind.is === "kernel" ? aboutKernel(file.name, kind.header) : `${isA}${notKernel(kind)}`;
    case "state":
      return kind.is === "state" ? undefined : `${isA}, and no state of v86. Choose a file that was saved as one.`;
    case "initrd":
      if (kind.is === "initrd" || kind.is === "disk" || kind.is === "floppy") return undefined;
      return `${isA}, and no initrd. Choose a cpio archive, compressed or not.`;
    case "cd":
      if (kind.is !== "cd") return `${isA}, and no CD image. Choose an .iso file.`;
      if (boots.from === "cd" && !kind.bootable)
        return `${file.name} is a CD image that cannot be booted. Choose another.`;
      return undefined;
    case "floppy":
      if (kind.is === "foreign") return `${isA}. ${kind.advice}`;
      return size > FLOPPY_MOST ? `${file.name} is too large for a floppy disk. Boot it as a hard disk.` : undefined;
    case "disk":
      return kind.is === "foreign" ? `${isA}. ${kind.advice}` : undefined;
    case "bios":
      if (size <= BIOS_MOST && size % (64 * KIB) === 0) return undefined;
      return `${file.name} is no BIOS: those have 64, 128 or 256 KiB. Leave it out to have SeaBIOS.`;
    case "vgaBios":
      return size <= VGA_BIOS_MOST
        ? undefined
        : `${file.name} is too large for a VGA BIOS. Leave it out to have SeaBIOS's.`;
    default:
      return undefined;
  }
}

function notKernel(kind: FileKind): string {
  return kind.is === "foreign"
    ? `. ${kind.advice}`
    : ", and no Linux kernel. Choose a bzImage, usually called vmlinuz.";
}

function aboutKernel(name: string, header: KernelHeader): string | undefined {
  if (header.is64Bit) return `${name} is a 64-bit kernel, and v86 is a 32-bit PC. Choose one for i386 or i686.`;
  if (!header.loadedHigh) return `${name} is a zImage, which v86 cannot load. Choose a bzImage.`;
  return undefined;
}

/** The kernel is one, by itself. */
function checkKernel({ boots, memoryMiB }: MachineConfig, header: KernelHeader): Problem[] {
  if (boots.from !== "kernel") return [];
  const { kernel, initrd, append } = boots;
  const problems: Problem[] = [];
  if (append.length > header.cmdlineMax) {
    problems.push({
      field: "append",
      text: `The command line is too long: this kernel takes ${header.cmdlineMax} characters.`,
    });
  }
  const kernelEnd = KERNEL_ADDRESS + kernel.blob.size - header.setupSize;
  if (initrd && kernelEnd > INITRD_ADDRESS) {
    problems.push({
      field: "kernel",
      text: `${kernel.name} is too large to be started with an initrd in v86. Choose a smaller one.`,
    });
  }
  const end = Math.max(kernelEnd, header.needsUpTo, initrd ? initrdNeeds(initrd.blob.size) : 0);
  if (end > (memoryMiB ?? DEFAULT_MEMORY_MIB) * MIB) {
    problems.push({
      field: "memoryMiB",
      text: `${initrd ? "Kernel and initrd need" : "The kernel needs"} more memory: at least ${roundMiB(end)} MiB.`,
    });
  }
  return problems;
}

/** Bytes of memory for an initrd: its files are unpacked while it is still there. */
export function initrdNeeds(size: number): number {
  return INITRD_ADDRESS + 2 * size;
}

/** As people give memory. */
export function roundMiB(bytes: number): number {
  return Math.ceil(bytes / MIB / 64) * 64;
}
