/** The guest's RAM in v86, for a bus master. */
import type { GuestMemory } from "./machine.ts";
import type { V86Cpu } from "./v86-internals.ts";

/**
 * Of the first MiB only the VGA window is no RAM. What lies above it (0xC0000 to 0xFFFFF) is RAM in v86, and must be for a
 * bus master too: SeaBIOS keeps the rings of its boot devices there.
 */
const VGA_START = 0xa0000;
const VGA_END = 0xc0000;

export class V86Memory implements GuestMemory {
  readonly size: number;
  readonly #cpu: V86Cpu;
  readonly #base: number;
  // Of length 0 after v86's memory has grown, because that detaches the buffer they were made on.
  #bytes: Uint8Array;
  #words: Uint32Array;

  constructor(cpu: V86Cpu) {
    this.#cpu = cpu;
    this.size = cpu.memory_size[0] ?? 0;
    this.#base = cpu.mem8.byteOffset;
    this.#bytes = new Uint8Array(cpu.wasm_memory.buffer, this.#base, this.size);
    this.#words = new Uint32Array(cpu.wasm_memory.buffer, this.#base, this.size >>> 2);
  }

  read32(address: number): number {
    if (!this.#isRam(address, 4)) return 0xffffffff;
    const bytes = this.#live();
    if ((address & 3) === 0) return this.#words[address >>> 2] as number;
    return (
      ((bytes[address] as number) |
        ((bytes[address + 1] as number) << 8) |
        ((bytes[address + 2] as number) << 16) |
        ((bytes[address + 3] as number) << 24)) >>>
      0
    );
  }

  write32(address: number, value: number): void {
    if (!this.#isRam(address, 4)) return;
    this.#cpu.jit_dirty_cache(address, address + 4);
    const bytes = this.#live();
    if ((address & 3) === 0) {
      this.#words[address >>> 2] = value;
      return;
    }
    bytes[address] = value;
    bytes[address + 1] = value >>> 8;
    bytes[address + 2] = value >>> 16;
    bytes[address + 3] = value >>> 24;
  }

  read(address: number, target: Uint8Array, offset: number, length: number): boolean {
    if (!this.#isRam(address, length) || !(offset >= 0) || offset + length > target.length) return false;
    target.set(this.#live().subarray(address, address + length), offset);
    return true;
  }

  write(address: number, source: Uint8Array): boolean {
    if (!this.#isRam(address, source.length)) return false;
    if (source.length === 0) return true;
    // Compiled code of these pages is dropped first: the guest may run what is read into memory.
    this.#cpu.jit_dirty_cache(address, address + source.length);
    this.#live().set(source, address);
    return true;
  }

  view(address: number, length: number): Uint8Array | undefined {
    return this.#isRam(address, length) ? this.#live().subarray(address, address + length) : undefined;
  }

  /** Written so that NaN, a negative number and a sum beyond 2^32 all fail. */
  #isRam(address: number, length: number): boolean {
    const end = address + length;
    return address >= 0 && length >= 0 && end <= this.size && (end <= VGA_START || address >= VGA_END);
  }

  #live(): Uint8Array {
    if (this.#bytes.length === 0) {
      this.#bytes = new Uint8Array(this.#cpu.wasm_memory.buffer, this.#base, this.size);
      this.#words = new Uint32Array(this.#cpu.wasm_memory.buffer, this.#base, this.size >>> 2);
    }
    return this.#bytes;
  }
}
