/** The smallest init for a 32-bit Linux: a program that writes a text to its console and sleeps for ever. */
import { BASE, elf, HEADERS } from "../../app/bench/storage/elf.ts";

/**
 *     mov eax,4; mov ebx,1; mov ecx,text; mov edx,length; int 80h      write(1, text, length)
 *     again: mov eax,29; int 80h; jmp again                            pause()
 */
export function saysAndSleeps(text: string): Uint8Array<ArrayBuffer> {
  const words = new TextEncoder().encode(text);
  const code = Uint8Array.of(
    ...[0xb8, 4, 0, 0, 0, 0xbb, 1, 0, 0, 0, 0xb9, 0, 0, 0, 0, 0xba, 0, 0, 0, 0, 0xcd, 0x80],
    ...[0xb8, 29, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7],
    ...words,
  );
  const view = new DataView(code.buffer);
  view.setUint32(11, BASE + HEADERS + code.length - words.length, true);
  view.setUint32(16, words.length, true);
  return elf(code, HEADERS + code.length);
}
