/** The smallest init for a 32-bit Linux: an ELF program that writes a text to its console and sleeps for ever. */

const BASE = 0x08048000;
const HEADERS = 52 + 32;

/**
 *     mov eax,4; mov ebx,1; mov ecx,text; mov edx,length; int 80h      write(1, text, length)
 *     again: mov eax,29; int 80h; jmp again                            pause()
 */
export function saysAndSleeps(text: string): Uint8Array<ArrayBuffer> {
  const words = new TextEncoder().encode(text);
  const code = [
    ...[0xb8, 4, 0, 0, 0, 0xbb, 1, 0, 0, 0, 0xb9, 0, 0, 0, 0, 0xba, 0, 0, 0, 0, 0xcd, 0x80],
    ...[0xb8, 29, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7],
  ];
  const bytes = new Uint8Array(HEADERS + code.length + words.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
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
  view.setUint32(68, bytes.length, true); // p_filesz
  view.setUint32(72, bytes.length, true); // p_memsz
  view.setUint32(76, 5, true); // p_flags: R, X
  view.setUint32(80, 4096, true); // p_align
  bytes.set(code, HEADERS);
  view.setUint32(HEADERS + 11, BASE + HEADERS + code.length, true);
  view.setUint32(HEADERS + 16, words.length, true);
  bytes.set(words, HEADERS + code.length);
  return bytes;
}
