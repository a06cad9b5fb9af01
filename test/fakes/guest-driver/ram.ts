/** A guest's memory in an ArrayBuffer, with the allocator of a driver that never frees. */
import type { GuestMemory } from "../../../app/guest/machine.ts";

const PAGE = 4096;

export class Ram implements GuestMemory {
  readonly size: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #next = PAGE;
  /** Told of every write of the controller. */
  onWrite: ((address: number, length: number) => void) | undefined;

  constructor(size: number) {
    this.size = size;
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  read32(address: number): number {
    return this.#isRam(address, 4) ? this.#view.getUint32(address, true) : 0xffffffff;
  }

  write32(address: number, value: number): void {
    if (!this.#isRam(address, 4)) return;
    this.#view.setUint32(address, value, true);
    this.onWrite?.(address, 4);
  }

  read(address: number, target: Uint8Array, offset: number, length: number): boolean {
    if (!this.#isRam(address, length) || !(offset >= 0) || offset + length > target.length) return false;
    target.set(this.bytes.subarray(address, address + length), offset);
    return true;
  }

  write(address: number, source: Uint8Array): boolean {
    if (!this.#isRam(address, source.length)) return false;
    this.bytes.set(source, address);
    this.onWrite?.(address, source.length);
    return true;
  }

  view(address: number, length: number): Uint8Array | undefined {
    return this.#isRam(address, length) ? this.bytes.subarray(address, address + length) : undefined;
  }

  /** What the guest's own code writes: no bus master, no `onWrite`. */
  poke(address: number, ...dwords: readonly number[]): void {
    dwords.forEach((dword, index) => {
      this.#view.setUint32(address + index * 4, dword, true);
    });
  }

  /** A place for `size` bytes, all zero, inside one page if they fit in one. */
  allocate(size: number, alignment = 64): number {
    let at = Math.ceil(this.#next / alignment) * alignment;
    if (size <= PAGE && Math.floor(at / PAGE) !== Math.floor((at + size - 1) / PAGE)) at = Math.ceil(at / PAGE) * PAGE;
    if (at + size > this.size) throw new RangeError("The guest's memory is used up.");
    this.#next = at + size;
    return at;
  }

  /** Forgets all that was allocated, and clears it: for the next of many programs. */
  clear(): void {
    this.bytes.fill(0, 0, this.#next);
    this.#next = PAGE;
  }

  /** Where the allocated part of the memory ends. */
  get used(): number {
    return this.#next;
  }

  /** A buffer of `size` bytes that hold 0xA5. */
  buffer(size: number, alignment = 64): number {
    const at = this.allocate(Math.max(1, size), alignment);
    this.bytes.fill(0xa5, at, at + size);
    return at;
  }

  /** A buffer that holds `content`. */
  place(content: Uint8Array): number {
    const at = this.buffer(content.length);
    this.bytes.set(content, at);
    return at;
  }

  slice(address: number, length: number): Uint8Array {
    return this.bytes.slice(address, address + length);
  }

  #isRam(address: number, length: number): boolean {
    return address >= 0 && length >= 0 && address + length <= this.size;
  }
}
