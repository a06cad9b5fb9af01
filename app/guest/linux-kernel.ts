/**
 * The header of a Linux kernel image for x86 (Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"), as far as
 * it says whether v86 can start the kernel:
 *
 *   1F1 setup_sects   1FE 0xAA55   202 "HdrS"   206 version   211 loadflags   236 xloadflags   238 cmdline_size   260 init_size
 */

const SETUP_SECTS = 0x1f1;
const BOOT_FLAG = 0x1fe;
const HEADER = 0x202;
const VERSION = 0x206;
const LOADFLAGS = 0x211;
const XLOADFLAGS = 0x236;
const CMDLINE_SIZE = 0x238;
const PREF_ADDRESS = 0x258;
const INIT_SIZE = 0x260;
/** The header's end in protocol 2.10. */
export const KERNEL_HEADER_SIZE = 0x264;

const BOOT_FLAG_VALUE = 0xaa55;
/** "HdrS" */
const HEADER_VALUE = 0x53726448;
const LOADED_HIGH = 1 << 0;
const XLF_KERNEL_64 = 1 << 0;
const DEFAULT_SETUP_SECTS = 4;
const SECTOR = 512;

export interface KernelHeader {
  /** 0x020C is protocol 2.12. */
  readonly version: number;
  /** A bzImage, which is loaded at 1 MiB; a zImage is not, and v86 does not know it. */
  readonly loadedHigh: boolean;
  /** It has an entry for 64-bit loaders, which kernels for 32-bit processors do not. */
  readonly is64Bit: boolean;
  /** Characters, without the zero at the end. */
  readonly cmdlineMax: number;
  /** Bytes of the file before what is loaded at 1 MiB. */
  readonly setupSize: number;
  /** Where the memory ends that the kernel needs before it looks how much there is; 0 if it does not say. */
  readonly needsUpTo: number;
}

/** Undefined if the bytes, the first of a file, are no such header. */
export function readKernelHeader(bytes: Uint8Array): KernelHeader | undefined {
  if (bytes.length < KERNEL_HEADER_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint16(BOOT_FLAG, true) !== BOOT_FLAG_VALUE || view.getUint32(HEADER, true) !== HEADER_VALUE) {
    return undefined;
  }
  const version = view.getUint16(VERSION, true);
  return {
    version,
    loadedHigh: (view.getUint8(LOADFLAGS) & LOADED_HIGH) !== 0,
    is64Bit: version >= 0x20c && (view.getUint16(XLOADFLAGS, true) & XLF_KERNEL_64) !== 0,
    cmdlineMax: version >= 0x206 ? view.getUint32(CMDLINE_SIZE, true) : 255,
    setupSize: ((view.getUint8(SETUP_SECTS) || DEFAULT_SETUP_SECTS) + 1) * SECTOR,
    needsUpTo: version >= 0x20a ? Number(view.getBigUint64(PREF_ADDRESS, true)) + view.getUint32(INIT_SIZE, true) : 0,
  };
}
