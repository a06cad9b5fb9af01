/** A machine without a processor: its memory, and a line that somebody else's code listens to. */
import type { GuestMemory, Machine, MemoryWindow, PciFunction, PciSlot } from "../../guest/machine.ts";

const PAGE = 4096;

export class Ram implements GuestMemory {
  readonly size: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #words: DataView;
  #next = PAGE;

  constructor(size: number) {
    this.size = size;
    this.#bytes = new Uint8Array(size);
    this.#words = new DataView(this.#bytes.buffer);
  }

  read32(address: number): number {
    return this.#has(address, 4) ? this.#words.getUint32(address, true) : 0xffffffff;
  }

  write32(address: number, value: number): void {
    if (this.#has(address, 4)) this.#words.setUint32(address, value, true);
  }

  read(address: number, target: Uint8Array, offset: number, length: number): boolean {
    if (!this.#has(address, length)) return false;
    target.set(this.#bytes.subarray(address, address + length), offset);
    return true;
  }

  write(address: number, source: Uint8Array): boolean {
    if (!this.#has(address, source.length)) return false;
    this.#bytes.set(source, address);
    return true;
  }

  view(address: number, length: number): Uint8Array | undefined {
    return this.#has(address, length) ? this.#bytes.subarray(address, address + length) : undefined;
  }

  /** A place for `size` bytes. */
  allocate(size: number, alignment = PAGE): number {
    const at = Math.ceil(this.#next / alignment) * alignment;
    this.#next = at + size;
    if (this.#next > this.size) throw new RangeError("The machine's memory is used up.");
    return at;
  }

  #has(address: number, length: number): boolean {
    return address >= 0 && length >= 0 && address + length <= this.size;
  }
}

export class BareMachine implements Machine, PciSlot {
  readonly memory = new Ram(8 << 20);
  /** The level of INTx. */
  asserted = false;
  /** Called at the end of a burst: the guest would wake up. */
  onKick: () => void = () => {};
  #bar: MemoryWindow | undefined;

  attach({ bar }: PciFunction): PciSlot {
    this.#bar = bar;
    return this;
  }

  setInterrupt(asserted: boolean): void {
    this.asserted = asserted;
  }

  kick(): void {
    this.onKick();
  }

  get bar(): MemoryWindow {
    if (!this.#bar) throw new Error("Nothing is attached to the machine.");
    return this.#bar;
  }
}
