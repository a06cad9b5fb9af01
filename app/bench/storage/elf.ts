/** Programs for a 32-bit Linux, as ELF files (System V ABI, chapter 4). */

/** Where a program is loaded. */
export const BASE = 0x08048000;
/** Bytes of the file before its code. */
export const HEADERS: number = 52 + 32;
export const PAGE = 4096;

/** One segment that may be written and run: headers and code, of `memory` bytes in memory. It begins with its first instruction. */
export function elf(code: Uint8Array, memory: number): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(HEADERS + code.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  view.setUint16(16, 2, true); // e_type: ET_EXEC
  view.setUint16(18, 3, true); // e_machine: EM_386
  view.setUint32(20, 1, true); // e_version
  view.setUint32(24, BASE + HEADERS, true); // e_entry
  view.setUint32(28, 52, true); // e_phoff
  view.setUint16(40, 52, true); // e_ehsize
  view.setUint16(42, 32, true); // e_phentsize
  view.setUint16(44, 1, true); // e_phnum
  view.setUint32(52, 1, true); // p_type: PT_LOAD
  view.setUint32(60, BASE, true); // p_vaddr
  view.setUint32(64, BASE, true); // p_paddr
  view.setUint32(68, file.length, true); // p_filesz
  view.setUint32(72, memory, true); // p_memsz
  view.setUint32(76, 7, true); // p_flags: R, W, X
  view.setUint32(80, PAGE, true); // p_align
  file.set(code, HEADERS);
  return file;
}
