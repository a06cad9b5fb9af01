/**
 * A guest of a person's own, as plain data: what it boots, what is in its drives, how large it is. `default-guest.ts` starts
 * it, `machine-check.ts` says what is wrong with it, the page's form and the command line make it.
 */

/** A file of the person's, read on demand. A blob from node:fs openAsBlob() will do in Node. */
export interface MachineFile {
  readonly name: string;
  readonly blob: Blob;
  /** From the browser's file picker or a drop: the file can be read again after a reload. */
  readonly handle?: FileSystemFileHandle;
}

/** What the machine does first. All but "linux" have no agent: they are ready as soon as they run. */
export type Boots =
  /** The default guest. */
  | { readonly from: "linux" }
  | { readonly from: "kernel"; readonly kernel: MachineFile; readonly initrd?: MachineFile; readonly append: string }
  /** The BIOS boots the drive; when it has nothing to boot, it tries the others. */
  | { readonly from: "disk" | "cd" | "floppy" }
  /** The BIOS boots what is in a USB port. */
  | { readonly from: "usb" }
  /** Goes on from a saved state of v86. */
  | { readonly from: "state"; readonly state: MachineFile };

/** What is in the machine's own drives, which are v86's and not on USB. */
export interface Drives {
  /** A raw image, or a blank disk of so many MiB. What the guest writes stays in memory. */
  readonly disk?: MachineFile | { readonly blankMiB: number };
  readonly cd?: MachineFile;
  readonly floppy?: MachineFile;
}

export interface MachineConfig {
  readonly name: string;
  readonly boots: Boots;
  readonly drives: Drives;
  /** Undefined: as the default guest's image has it. */
  readonly memoryMiB: number | undefined;
  readonly vgaMemoryMiB: number;
  /** The virtual USB host controller. */
  readonly controller: "xhci";
  readonly ports: number;
  /** "fetch": v86's own network card, with HTTP by the browser's fetch(). */
  readonly network: "none" | "fetch";
  /** Instead of the default guest's SeaBIOS. */
  readonly bios?: MachineFile;
  readonly vgaBios?: MachineFile;
}

export const DEFAULT_MACHINE: MachineConfig = {
  name: "Linux",
  boots: { from: "linux" },
  drives: {},
  memoryMiB: undefined,
  vgaMemoryMiB: 8,
  controller: "xhci",
  ports: 8,
  network: "none",
};

/** What the default guest's image asks for. */
export const DEFAULT_MEMORY_MIB = 128;

/** What v86 can be made with. Its memory ends below 2 GiB. */
export const LIMITS = {
  memoryMiB: { least: 16, most: 2047 },
  vgaMemoryMiB: { least: 1, most: 256 },
  ports: { least: 1, most: 15 },
  blankMiB: { least: 1, most: 65536 },
} as const;

/** A machine that cannot be started as it is: one sentence, with what to do. */
export class MachineError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MachineError";
  }
}

/** Whether it is the default guest, with nothing in its drives: such a one has a ready state to go on from. */
export function isPlainLinux({ boots, drives, bios, vgaBios }: MachineConfig): boolean {
  return boots.from === "linux" && Object.keys(drives).length === 0 && !bios && !vgaBios;
}

/** What a person can set, for a sentence beside it. */
export type MachineField =
  | "name"
  | "kernel"
  | "initrd"
  | "append"
  | "state"
  | "disk"
  | "cd"
  | "floppy"
  | "memoryMiB"
  | "vgaMemoryMiB"
  | "ports"
  | "bios"
  | "vgaBios";
