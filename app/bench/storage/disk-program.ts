/**
 * The program that loads a disk in the guest: dd asks in order only, and one process a request would be measured instead of the
 * disk. An ELF file for a 32-bit Linux, assembled here, with what it has to do in its code:
 *
 *   open ─► one request ─► "begin" ─► requests, by this process or by several at once ─► fsync ─► "end"
 */
import { BASE, elf, HEADERS, PAGE } from "./elf.ts";

export interface DiskLoad {
  /** A block device's path. */
  readonly device: string;
  readonly writes: boolean;
  /** Anywhere in the span, or one behind the other. */
  readonly random: boolean;
  /** Past the guest's cache (O_DIRECT). */
  readonly direct: boolean;
  /** Bytes of a request: a power of two. */
  readonly size: number;
  /** Requests of all processes together. */
  readonly count: number;
  readonly processes: number;
  /** Bytes of the device that are used: a power of two, up to 2 GiB. */
  readonly span: number;
  readonly syncs: boolean;
}

const SYS_EXIT = 1;
const SYS_FORK = 2;
const SYS_WRITE = 4;
const SYS_OPEN = 5;
const SYS_WAITPID = 7;
const SYS_FSYNC = 118;
const SYS_PREAD64 = 180;
const SYS_PWRITE64 = 181;
const O_RDWR = 2;
const O_DIRECT = 0o40000;
const O_LARGEFILE = 0o100000;

const MULTIPLIER = 1664525;
const INCREMENT = 1013904223;

/** Bytes with labels. What a line emits is in its comment. */
class Assembler {
  readonly #bytes: number[] = [];
  readonly #labels = new Map<string, number>();
  readonly #fixups: { readonly at: number; readonly label: string; readonly relative: boolean }[] = [];

  emit(...bytes: readonly number[]): this {
    this.#bytes.push(...bytes);
    return this;
  }

  emit32(value: number): this {
    return this.emit(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
  }

  label(name: string): this {
    this.#labels.set(name, this.#bytes.length);
    return this;
  }

  /** The distance from behind these four bytes. */
  relative(label: string): this {
    this.#fixups.push({ at: this.#bytes.length, label, relative: true });
    return this.emit32(0);
  }

  absolute(label: string): this {
    this.#fixups.push({ at: this.#bytes.length, label, relative: false });
    return this.emit32(0);
  }

  /** A label at a place that is not emitted. */
  define(label: string, at: number): void {
    this.#labels.set(label, at);
  }

  text(label: string, words: string): this {
    return this.label(label).emit(...new TextEncoder().encode(words));
  }

  /** mov eax, number; int 80h */
  call(number: number): this {
    return this.emit(0xb8).emit32(number).emit(0xcd, 0x80);
  }

  /** write(1, label, length) with ebx kept */
  say(label: string, length: number): this {
    this.emit(0x53, 0xbb).emit32(1); // push ebx; mov ebx, 1
    this.emit(0xb9).absolute(label); // mov ecx, label
    this.emit(0xba).emit32(length); // mov edx, length
    return this.call(SYS_WRITE).emit(0x5b); // pop ebx
  }

  get length(): number {
    return this.#bytes.length;
  }

  assemble(base: number): Uint8Array {
    const image = Uint8Array.from(this.#bytes);
    const view = new DataView(image.buffer);
    for (const { at, label, relative } of this.#fixups) {
      const target = this.#labels.get(label);
      if (target === undefined) throw new Error(`There is no label ${label}.`);
      view.setInt32(at, relative ? target - at - 4 : base + target, true);
    }
    return image;
  }
}

/** The program's file, to be made executable in the guest. Its exit status is 0 when every request was answered whole. */
export function diskProgram(load: DiskLoad): Uint8Array<ArrayBuffer> {
  const { size, span, processes } = load;
  const code = new Assembler();
  const flags = (load.writes ? O_RDWR : 0) | (load.direct ? O_DIRECT : 0) | O_LARGEFILE;

  code.emit(0xbb).absolute("device"); // mov ebx, device
  code.emit(0xb9).emit32(flags); // mov ecx, flags
  code.call(SYS_OPEN);
  code.emit(0x85, 0xc0, 0x0f, 0x88).relative("fail"); // test eax, eax; js fail
  code.emit(0x89, 0xc3, 0x31, 0xf6, 0x31, 0xff); // mov ebx, eax; xor esi, esi; xor edi, edi
  code.emit(0xbd).emit32(1); // mov ebp, 1
  code.emit(0xe8).relative("work"); // call work
  code.say("begin", 6);
  if (processes === 1) {
    code.emit(0xbd).emit32(load.count); // mov ebp, count
    code.emit(0xe8).relative("work");
  } else {
    code.label("next");
    code.call(SYS_FORK);
    code.emit(0x85, 0xc0, 0x0f, 0x84).relative("child"); // test eax, eax; jz child
    code.emit(0xff, 0x0d).absolute("left"); // dec dword [left]
    code.emit(0x0f, 0x85).relative("next"); // jnz next
    code.label("wait");
    code.emit(0x53, 0xbb).emit32(-1); // push ebx; mov ebx, -1
    code.emit(0xb9).absolute("status"); // mov ecx, status
    code.emit(0x31, 0xd2); // xor edx, edx
    code.call(SYS_WAITPID);
    code.emit(0x5b); // pop ebx
    code.emit(0x85, 0xc0, 0x0f, 0x89).relative("waited"); // test eax, eax; jns waited
  }
  code.label("over");
  if (load.syncs) code.call(SYS_FSYNC);
  code.say("end", 4);
  code.emit(0x31, 0xdb).call(SYS_EXIT); // xor ebx, ebx

  if (processes > 1) {
    code.label("waited");
    code.emit(0x83, 0x3d).absolute("status").emit(0); // cmp dword [status], 0
    code.emit(0x0f, 0x84).relative("wait"); // je wait
    code.emit(0xe9).relative("fail"); // jmp fail
    code.label("child");
    code.emit(0xa1).absolute("left"); // mov eax, [left]
    code.emit(0x01, 0x05).absolute("seed"); // add [seed], eax
    code.emit(0x69, 0xf0).emit32(Math.floor(span / processes / size) * size); // imul esi, eax, a share of the span
    code.emit(0x81, 0xe6).emit32(span - 1); // and esi, span - 1
    code.emit(0xbd).emit32(Math.floor(load.count / processes)); // mov ebp, its requests
    code.emit(0xe8).relative("work");
    code.emit(0x31, 0xdb).call(SYS_EXIT);
  }

  // ebx: the file, ebp: requests, esi: the first one's place
  code.label("work");
  if (load.random) {
    code.emit(0x69, 0x05).absolute("seed").emit32(MULTIPLIER); // imul eax, [seed], MULTIPLIER
    code.emit(0x05).emit32(INCREMENT); // add eax, INCREMENT
    code.emit(0xa3).absolute("seed"); // mov [seed], eax
    code.emit(0xc1, 0xe8, 8); // shr eax, 8
    code.emit(0x25).emit32(span / size - 1); // and eax, requests of the span - 1
    code.emit(0x69, 0xf0).emit32(size); // imul esi, eax, size
  }
  code.emit(0xb9).absolute("buffer"); // mov ecx, buffer
  code.emit(0xba).emit32(size); // mov edx, size
  code.call(load.writes ? SYS_PWRITE64 : SYS_PREAD64);
  code.emit(0x3d).emit32(size); // cmp eax, size
  code.emit(0x0f, 0x85).relative("fail"); // jne fail
  code.emit(0x81, 0xc6).emit32(size); // add esi, size
  code.emit(0x81, 0xe6).emit32(span - 1); // and esi, span - 1
  code.emit(0x4d, 0x0f, 0x85).relative("work"); // dec ebp; jnz work
  code.emit(0xc3); // ret
  code.label("fail");
  code.emit(0xbb).emit32(1).call(SYS_EXIT); // mov ebx, 1

  code.text("begin", "begin\n").text("end", "end\n").text("device", `${load.device}\0`);
  code.label("seed").emit32(12345).label("left").emit32(processes).label("status").emit32(0);
  const buffer = Math.ceil((HEADERS + code.length) / PAGE) * PAGE;
  code.define("buffer", buffer - HEADERS);
  return elf(code.assemble(BASE + HEADERS), buffer + size);
}
