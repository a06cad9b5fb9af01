/** From a machine's config to what V86 is made with: loads what must be in memory, and opens what is read on demand. */
import type { V86Options } from "v86";
import { StateError } from "../../asm/saved.ts";
import { stateMemoryMiB } from "./file-kind.ts";
import { given } from "./given.ts";
import type { GuestFiles } from "./guest-files.ts";
import type { GuestFile, GuestManifest } from "./image/manifest.ts";
import { initrdNeeds, roundMiB, unreadable } from "./machine-check.ts";
import { type Boots, type MachineConfig, MachineError, type MachineFile } from "./machine-config.ts";
import { readStateFile, STATE_FILE_MAGIC, unpackState } from "./state-file.ts";
import { V86Disk } from "./v86-disk.ts";

const MIB = 2 ** 20;
const PIECE = 4 * MIB;
const WASM_PAGE = 65536;
const GZIP = [0x1f, 0x8b];

/** Drives by number, the first in the lowest digit: 1 is the floppy, 2 the disk, 3 the CD. */
const BOOT_ORDER: Readonly<Record<Boots["from"], number | undefined>> = {
  disk: 0x132,
  cd: 0x123,
  floppy: 0x321,
  usb: undefined,
  linux: undefined,
  kernel: undefined,
  state: undefined,
};

export interface LoadOptions {
  readonly files: GuestFiles;
  /** A cpio archive, unpacked over the default guest's files. */
  readonly overlay?: Uint8Array;
  /** The machine goes on from it, and needs no kernel. */
  readonly state?: Uint8Array<ArrayBuffer>;
  /** Bytes of those that must be in memory. */
  onBytes?(loaded: number, total: number): void;
  /** A drive's file cannot be read any more. */
  onDiskError?(message: string): void;
}

export interface MachineParts {
  readonly v86: Partial<V86Options>;
  readonly disk?: V86Disk;
  /** To be restored before it runs. */
  readonly state?: Uint8Array<ArrayBuffer>;
}

/** Rejects with a MachineError or a GuestFileError. */
export async function loadMachine(
  config: MachineConfig,
  manifest: GuestManifest,
  options: LoadOptions,
): Promise<MachineParts> {
  const { boots, drives } = config;
  const load = new Load(manifest, options);
  const linux = boots.from === "linux" && !options.state;
  const own = boots.from === "kernel" && !options.state ? boots : undefined;
  const [bios, vgaBios, kernel, initrd, floppy, packed] = await Promise.all([
    config.bios ? load.own(config.bios) : load.image("bios"),
    config.vgaBios ? load.own(config.vgaBios) : load.image("vgaBios"),
    linux ? load.image("kernel") : own && load.own(own.kernel),
    linux ? load.image("initrd") : own?.initrd && load.own(own.initrd),
    drives.floppy && load.own(drives.floppy),
    boots.from === "state" && !options.state ? load.own(boots.state) : undefined,
  ]);
  const state = options.state ?? (packed && (await unpackedState(packed)));
  const stateMiB = state && (await stateMemoryMiB(new Blob([state])));
  const memory = (stateMiB ?? config.memoryMiB ?? manifest.memoryMiB) * MIB;
  assertRoom(memory + config.vgaMemoryMiB * MIB);
  const open = (file: MachineFile, cd: boolean) =>
    new V86Disk(file.blob, { cd, onError: () => options.onDiskError?.(unreadable(file.name)) });
  const disk =
    drives.disk && ("blob" in drives.disk ? open(drives.disk, false) : new V86Disk(drives.disk.blankMiB * MIB));
  const buffer = (bytes: Uint8Array<ArrayBuffer> | undefined) => bytes && { buffer: bytes.buffer };
  const v86 = given({
    memory_size: memory,
    vga_memory_size: config.vgaMemoryMiB * MIB,
    bios: buffer(bios),
    vga_bios: buffer(vgaBios),
    bzimage: buffer(kernel),
    initrd: buffer(initrd && (linux ? withOverlay(initrd, options.overlay, memory) : initrd)),
    cmdline: own ? own.append : linux ? manifest.cmdline : undefined,
    fda: buffer(floppy),
    hda: disk,
    cdrom: drives.cd && open(drives.cd, true),
    boot_order: BOOT_ORDER[boots.from],
    net_device: config.network === "fetch" ? { type: "ne2k", relay_url: "fetch" } : undefined,
  });
  // v86 takes disks of one's own making, but does not say so in its types.
  return given({ v86: v86 as unknown as Partial<V86Options>, disk, state });
}

/** Files that are loaded side by side, with one account of their bytes. */
class Load {
  readonly #manifest: GuestManifest;
  readonly #options: LoadOptions;
  readonly #loaded = new Map<string, number>();
  #total = 0;

  constructor(manifest: GuestManifest, options: LoadOptions) {
    this.#manifest = manifest;
    this.#options = options;
  }

  image(file: GuestFile): Promise<Uint8Array<ArrayBuffer>> {
    this.#total += this.#manifest.sizes[file];
    return this.#options.files.load(file, (loaded) => this.#tell(file, loaded));
  }

  async own({ name, blob }: MachineFile): Promise<Uint8Array<ArrayBuffer>> {
    this.#total += blob.size;
    const bytes = new Uint8Array(blob.size);
    for (let at = 0; at < bytes.length; at += PIECE) {
      try {
        bytes.set(new Uint8Array(await blob.slice(at, at + PIECE).arrayBuffer()), at);
      } catch (cause) {
        throw new MachineError(unreadable(name), { cause });
      }
      this.#tell(name, Math.min(at + PIECE, bytes.length));
    }
    return bytes;
  }

  #tell(name: string, loaded: number): void {
    this.#loaded.set(name, loaded);
    const sum = [...this.#loaded.values()].reduce((a, b) => a + b, 0);
    this.#options.onBytes?.(Math.min(sum, this.#total), this.#total);
  }
}

/** v86 never becomes ready where it does not get its memory. */
function assertRoom(bytes: number): void {
  try {
    new WebAssembly.Memory({ initial: Math.ceil(bytes / WASM_PAGE) });
  } catch (cause) {
    throw new MachineError("There is not so much memory here. Give the machine less, or close other tabs.", { cause });
  }
}

/** A state as v86 has it; it may be packed by gzip, or be a file that pvusb has written. */
async function unpackedState(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const file = new Blob([bytes]);
  if ((await file.slice(0, STATE_FILE_MAGIC.length).text()) === STATE_FILE_MAGIC) {
    const { info, packed } = await readStateFile(file);
    return unpackState(packed, info.bytes);
  }
  if (!GZIP.every((byte, index) => bytes[index] === byte)) return bytes;
  try {
    return new Uint8Array(await new Response(file.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
  } catch (cause) {
    throw new StateError("The saved state is damaged: it cannot be unpacked. Choose another.", { cause });
  }
}

/** Linux unpacks archives one behind another; each begins at a multiple of four. */
function withOverlay(initrd: Uint8Array<ArrayBuffer>, overlay: Uint8Array | undefined, memory: number) {
  const start = (initrd.length + 3) & ~3;
  const size = start + (overlay?.length ?? 0);
  const needed = initrdNeeds(size);
  if (needed > memory) {
    throw new MachineError(`The guest's files need more memory: at least ${roundMiB(needed)} MiB.`);
  }
  if (!overlay) return initrd;
  const both = new Uint8Array(size);
  both.set(initrd);
  both.set(overlay, start);
  return both;
}
