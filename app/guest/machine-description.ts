/**
 * A machine without its files: JSON, for what is kept and for what says how a saved state's machine is made. Of each file there
 * is the name, so that a person can be asked for it.
 */
import { given } from "./given.ts";
import { DEFAULT_MACHINE, LIMITS, type MachineConfig, type MachineField, type MachineFile } from "./machine-config.ts";

const BOOTS = ["linux", "kernel", "disk", "cd", "floppy", "usb", "state"] as const;
const FILE_FIELDS = ["kernel", "initrd", "state", "disk", "cd", "floppy", "bios", "vgaBios"] as const;
const NAME_MAX = 200;
const APPEND_MAX = 4096;

export type FileField = (typeof FILE_FIELDS)[number] & MachineField;

export interface MachineDescription {
  readonly name: string;
  readonly boots: (typeof BOOTS)[number];
  /** Of a kernel. */
  readonly append?: string;
  /** Of a disk that has no file. */
  readonly blankMiB?: number;
  readonly memoryMiB?: number;
  readonly vgaMemoryMiB: number;
  readonly controller: "xhci";
  readonly ports: number;
  readonly network: "none" | "fetch";
  /** The names of its files. */
  readonly files: Readonly<Partial<Record<FileField, string>>>;
}

/** Every file of the machine, by what it is to it. */
export function machineFiles({ boots, drives, bios, vgaBios }: MachineConfig): Map<FileField, MachineFile> {
  const files: Readonly<Record<FileField, MachineFile | undefined>> = {
    kernel: boots.from === "kernel" ? boots.kernel : undefined,
    initrd: boots.from === "kernel" ? boots.initrd : undefined,
    state: boots.from === "state" ? boots.state : undefined,
    disk: drives.disk && "blob" in drives.disk ? drives.disk : undefined,
    cd: drives.cd,
    floppy: drives.floppy,
    bios,
    vgaBios,
  };
  return new Map(Object.entries(given(files)) as [FileField, MachineFile][]);
}

export function describeMachine(config: MachineConfig): MachineDescription {
  const { name, boots, drives, memoryMiB, vgaMemoryMiB, controller, ports, network } = config;
  return given({
    name,
    boots: boots.from,
    append: boots.from === "kernel" ? boots.append : undefined,
    blankMiB: drives.disk && "blankMiB" in drives.disk ? drives.disk.blankMiB : undefined,
    memoryMiB,
    vgaMemoryMiB,
    controller,
    ports,
    network,
    files: Object.fromEntries([...machineFiles(config)].map(([field, file]) => [field, file.name])),
  }) as MachineDescription;
}

/** The machine, with its files. Undefined when a kernel or a state that it boots is not among them. */
export function describedMachine(
  description: MachineDescription,
  files: ReadonlyMap<FileField, MachineFile>,
): MachineConfig | undefined {
  const { name, boots: from, append = "", blankMiB, memoryMiB, vgaMemoryMiB, controller, ports, network } = description;
  const kernel = files.get("kernel");
  const state = files.get("state");
  if ((from === "kernel" && !kernel) || (from === "state" && !state)) return undefined;
  const boots =
    from === "kernel"
      ? { from, kernel, initrd: files.get("initrd"), append }
      : from === "state"
        ? { from, state }
        : { from };
  return given({
    name,
    boots: given(boots),
    drives: given({
      disk: files.get("disk") ?? (blankMiB === undefined ? undefined : { blankMiB }),
      cd: files.get("cd"),
      floppy: files.get("floppy"),
    }),
    memoryMiB,
    vgaMemoryMiB,
    controller,
    ports,
    network,
    bios: files.get("bios"),
    vgaBios: files.get("vgaBios"),
  }) as MachineConfig;
}

/** What may be from anybody's file, as a description; undefined for what is none. */
export function readDescription(json: unknown): MachineDescription | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const { name, boots, append, blankMiB, memoryMiB, vgaMemoryMiB, controller, ports, network, files } = json as Partial<
    Record<keyof MachineDescription, unknown>
  >;
  const from = BOOTS.find((each) => each === boots);
  if (!isText(name, NAME_MAX) || !from || controller !== "xhci") return undefined;
  if (append !== undefined && !isText(append, APPEND_MAX)) return undefined;
  if (blankMiB !== undefined && !isWithin("blankMiB", blankMiB)) return undefined;
  if (memoryMiB !== undefined && !isWithin("memoryMiB", memoryMiB)) return undefined;
  if (!isWithin("vgaMemoryMiB", vgaMemoryMiB) || !isWithin("ports", ports)) return undefined;
  if (typeof files !== "object" || files === null) return undefined;
  const names = FILE_FIELDS.map((field) => [field, (files as Record<string, unknown>)[field]] as const);
  if (!names.every(([, file]) => file === undefined || isText(file, NAME_MAX))) return undefined;
  return given({
    name,
    boots: from,
    append,
    blankMiB,
    memoryMiB,
    vgaMemoryMiB,
    controller,
    ports,
    network: network === "fetch" ? network : DEFAULT_MACHINE.network,
    files: given(Object.fromEntries(names)),
  }) as MachineDescription;
}

function isText(value: unknown, most: number): value is string {
  return typeof value === "string" && value.length <= most;
}

function isWithin(field: keyof typeof LIMITS, value: unknown): value is number {
  const { least, most } = LIMITS[field];
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}
