/** What a file is, by its first bytes: what a machine could do with it. Nothing is read but those. */
import { KERNEL_HEADER_SIZE, type KernelHeader, readKernelHeader } from "./linux-kernel.ts";
import { STATE_FILE_MAGIC } from "./state-file.ts";

export type FileKind =
  | { readonly is: "empty" }
  | { readonly is: "kernel"; readonly header: KernelHeader }
  /** An archive for Linux's first root: cpio, or what may be one, compressed. */
  | { readonly is: "initrd"; readonly compressed?: string }
  /** ISO 9660. */
  | { readonly is: "cd"; readonly bootable: boolean /** It is a disk's image, too. */; readonly hybrid: boolean }
  | { readonly is: "floppy"; readonly bootable: boolean }
  /** A raw image of a disk, or bytes that may be one. */
  | { readonly is: "disk"; readonly bootable: boolean }
  | { readonly is: "state"; readonly memoryMiB: number | undefined }
  /** Known, and of no use as it is. */
  | { readonly is: "foreign"; readonly what: string; readonly advice: string };

const KIB = 1024;
const MIB = 2 ** 20;
const BOOT_SIGNATURE = 510;

/** ECMA-119: volume descriptors begin at sector 16; El Torito's boot record is the second. */
const CD_SECTOR = 2048;
const VOLUME_DESCRIPTORS = 16 * CD_SECTOR;
const BOOT_RECORD = 17 * CD_SECTOR;
const HEAD_SIZE = 18 * CD_SECTOR;

/** Sizes in KiB that only floppy disks have: 160 to 2880. */
const FLOPPY_SIZES = new Set([160, 180, 320, 360, 640, 720, 800, 820, 1200, 1440, 1600, 1680, 1722, 1743, 1760, 2880]);

/** v86's state: magic, version, length, length of the JSON that follows. */
const STATE_MAGIC = [0x76, 0x86, 0x76, 0x86];
const STATE_HEADER = 16;
const STATE_INFO_LENGTH = 12;
const STATE_INFO_MOST = 16 * MIB;

const GZIP = [0x1f, 0x8b];
const COMPRESSIONS: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ["gzip", GZIP],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["lz4", [0x02, 0x21, 0x4c, 0x18]],
  ["lzma", [0x5d, 0x00, 0x00]],
];

const CONVERT = "Convert it: qemu-img convert -O raw IMAGE disk.img";
const UNPACK = "Unpack it, and take the image that is in it.";
const FOREIGN: readonly (readonly [magic: string | readonly number[], what: string, advice: string])[] = [
  ["QFI\xfb", "a QCOW disk of QEMU", CONVERT],
  ["KDMV", "a VMDK disk of VMware", CONVERT],
  ["<<< ", "a VDI disk of VirtualBox", CONVERT],
  ["conectix", "a VHD disk", CONVERT],
  ["vhdxfile", "a VHDX disk", CONVERT],
  ["PK\x03\x04", "a ZIP archive", UNPACK],
  ["7z\xbc\xaf", "a 7z archive", UNPACK],
  ["Rar!", "a RAR archive", UNPACK],
  [
    "\x7fELF",
    "an ELF file, such as an unpacked vmlinux",
    "Take the kernel's bzImage, which is usually called vmlinuz.",
  ],
  ["MZ", "a program for Windows or EFI", "Take an image of a disk or CD, or a Linux kernel's bzImage."],
];

/** Rejects when the file cannot be read. */
export async function fileKind(blob: Blob): Promise<FileKind> {
  if (blob.size === 0) return { is: "empty" };
  const head = await bytesOf(blob, 0, Math.max(HEAD_SIZE, KERNEL_HEADER_SIZE));
  const header = readKernelHeader(head);
  if (header) return { is: "kernel", header };
  const bootable = head[BOOT_SIGNATURE] === 0x55 && head[BOOT_SIGNATURE + 1] === 0xaa;
  if (startsWith(head, "CD001", VOLUME_DESCRIPTORS + 1)) {
    return { is: "cd", bootable: startsWith(head, "EL TORITO", BOOT_RECORD + 7), hybrid: bootable };
  }
  if (startsWith(head, STATE_MAGIC)) return { is: "state", memoryMiB: await stateMemoryMiB(blob) };
  if (startsWith(head, STATE_FILE_MAGIC)) return { is: "state", memoryMiB: undefined };
  if (startsWith(head, "070701") || startsWith(head, "070702")) return { is: "initrd" };
  const compressed = COMPRESSIONS.find(([, magic]) => startsWith(head, magic))?.[0];
  if (compressed) return inCompressed(head, compressed);
  const foreign = FOREIGN.find(([magic]) => startsWith(head, magic));
  if (foreign) return { is: "foreign", what: foreign[1], advice: foreign[2] };
  if (FLOPPY_SIZES.has(blob.size / KIB)) return { is: "floppy", bootable };
  return { is: "disk", bootable };
}

/** For a sentence: "disk.img is …". */
export function kindInWords(kind: FileKind): string {
  switch (kind.is) {
    case "empty":
      return "an empty file";
    case "kernel":
      return kind.header.is64Bit ? "a 64-bit Linux kernel" : "a Linux kernel";
    case "initrd":
      return kind.compressed ? `a file compressed by ${kind.compressed}, perhaps an initrd` : "an initrd";
    case "cd":
      return kind.bootable ? "a bootable CD image" : "a CD image";
    case "floppy":
      return kind.bootable ? "a bootable floppy image" : "a floppy image";
    case "disk":
      return kind.bootable ? "a bootable disk image" : "a file without a boot sector";
    case "state":
      return "a saved state";
    case "foreign":
      return kind.what;
    default:
      return kind satisfies never;
  }
}

/** What is packed by gzip can be looked at; browsers know no other. */
async function inCompressed(head: Uint8Array<ArrayBuffer>, compressed: string): Promise<FileKind> {
  if (compressed !== "gzip") return { is: "initrd", compressed };
  const inner = await firstInflated(head);
  if (startsWith(inner, STATE_MAGIC)) return { is: "state", memoryMiB: undefined };
  if (startsWith(inner, "07070") || inner.length === 0) return { is: "initrd", compressed };
  return { is: "foreign", what: "a file compressed by gzip", advice: "Unpack it: gunzip FILE" };
}

/** The first bytes of what is packed. Its end is missing, so the stream ends in an error. */
async function firstInflated(head: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const reader = new Blob([head]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  try {
    return (await reader.read()).value ?? new Uint8Array();
  } catch {
    return new Uint8Array();
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** What the JSON of a state of v86 begins with: the size of its machine's memory. Undefined if it does not say so. */
export async function stateMemoryMiB(blob: Blob): Promise<number | undefined> {
  const header = await bytesOf(blob, 0, STATE_HEADER);
  const length = new DataView(header.buffer).getUint32(STATE_INFO_LENGTH, true);
  if (length > Math.min(STATE_INFO_MOST, blob.size - STATE_HEADER)) return undefined;
  try {
    const info: unknown = JSON.parse(await blob.slice(STATE_HEADER, STATE_HEADER + length).text());
    const [memory] = (info as { state: unknown[] }).state;
    return typeof memory === "number" && memory >= MIB ? memory / MIB : undefined;
  } catch {
    return undefined;
  }
}

/** Zeros where the file ends before. */
async function bytesOf(blob: Blob, start: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  bytes.set(new Uint8Array(await blob.slice(start, Math.min(start + length, blob.size)).arrayBuffer()));
  return bytes;
}

function startsWith(bytes: Uint8Array, magic: string | readonly number[], at = 0): boolean {
  const wanted = typeof magic === "string" ? Array.from(magic, (letter) => letter.charCodeAt(0)) : magic;
  return wanted.every((byte, index) => bytes[at + index] === byte);
}
