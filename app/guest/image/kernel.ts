/**
 * A kernel that need not decompress itself.
 *
 * Debian's bzImage is xz; an emulated processor takes seconds over that. The file made here has the
 * same 16-bit setup code, and behind it the decompressed kernel at the very place where it runs:
 *
 *   file                        memory, as any bzImage loader puts it
 *   setup code, (n + 1) × 512   the loader's choice
 *   entry: jump to 0x1000000    0x00100000   (code32_start)
 *   zeros                       …
 *   vmlinux, its segments       0x01000000   (pref_address, where it is linked to run)
 *
 * The jump keeps ESI, which points to the boot parameters (Linux x86 boot protocol, "32-bit boot
 * protocol"). What the decompressor would do beside decompressing is choosing a random address.
 */

const SETUP_SECTS = 0x1f1;
const SYSSIZE = 0x1f4;
const HEADER_MAGIC = 0x202;
const HDRS = 0x53726448;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;

const CODE32_START = 0x100000;
const XZ_MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const PT_LOAD = 1;

interface BzImage {
  readonly setup: Uint8Array;
  /** Compressed vmlinux, without the length that the kernel's makefile appends. */
  readonly payload: Uint8Array;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function splitBzImage(image: Uint8Array): BzImage {
  const header = view(image);
  if (header.getUint32(HEADER_MAGIC, true) !== HDRS) {
    throw new Error("not a bzImage");
  }
  const setupBytes = ((image[SETUP_SECTS] || 4) + 1) * 512;
  const start = setupBytes + header.getUint32(PAYLOAD_OFFSET, true);
  const end = start + header.getUint32(PAYLOAD_LENGTH, true);
  return { setup: image.subarray(0, setupBytes), payload: image.subarray(start, end - 4) };
}

interface Segment {
  readonly address: number;
  readonly data: Uint8Array;
}

function loadSegments(vmlinux: Uint8Array): { entry: number; segments: Segment[] } {
  const elf = view(vmlinux);
  const phoff = elf.getUint32(0x1c, true);
  const phentsize = elf.getUint16(0x2a, true);
  const segments: Segment[] = [];
  for (let index = 0; index < elf.getUint16(0x2c, true); index++) {
    const header = phoff + index * phentsize;
    if (elf.getUint32(header, true) === PT_LOAD) {
      const offset = elf.getUint32(header + 0x04, true);
      const length = elf.getUint32(header + 0x10, true);
      segments.push({
        address: elf.getUint32(header + 0x0c, true),
        data: vmlinux.subarray(offset, offset + length),
      });
    }
  }
  return { entry: elf.getUint32(0x18, true), segments };
}

/**
 * @param decompressXz - how to decompress the payload
 * @returns the rebuilt kernel, or nothing when the kernel is not of the kind this knows
 */
export function withoutCompression(
  image: Uint8Array,
  decompressXz: (payload: Uint8Array) => Uint8Array,
): Uint8Array | undefined {
  const { setup, payload } = splitBzImage(image);
  if (!XZ_MAGIC.every((byte, index) => payload[index] === byte)) {
    return undefined;
  }
  const { entry, segments } = loadSegments(decompressXz(payload));
  const lowest = Math.min(...segments.map((segment) => segment.address));
  const end = Math.max(...segments.map((segment) => segment.address + segment.data.length));
  if (lowest < CODE32_START + 16 || entry < lowest || entry >= end) {
    return undefined;
  }
  const rebuilt = new Uint8Array(setup.length + end - CODE32_START);
  const place = (address: number, data: ArrayLike<number>): void =>
    rebuilt.set(data, setup.length + address - CODE32_START);
  rebuilt.set(setup);
  const header = view(rebuilt);
  header.setUint32(SYSSIZE, (end - CODE32_START) >>> 4, true);
  header.setUint32(PAYLOAD_OFFSET, 0, true);
  header.setUint32(PAYLOAD_LENGTH, 0, true);
  // mov eax, entry; jmp eax
  place(CODE32_START, [0xb8, entry & 0xff, (entry >> 8) & 0xff, (entry >> 16) & 0xff, entry >>> 24, 0xff, 0xe0]);
  for (const segment of segments) {
    place(segment.address, segment.data);
  }
  return rebuilt;
}
