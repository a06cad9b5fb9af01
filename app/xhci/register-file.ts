/** Memory-mapped registers from a table: one row a register, so that masks stand in one place and can be tested as one. */

/** A 32-bit register. Bits in neither mask read as they were last set by the controller and ignore writes. */
export interface Register {
  readonly name: string;
  /** Bytes from the start of the BAR; a multiple of 4. */
  readonly offset: number;
  readonly reset: number;
  /** Bits that hold what is written. */
  readonly rw: number;
  /** Bits that a written 1 clears. */
  readonly rw1c: number;
  /** Takes the place of the stored value when the register is read. */
  readonly read?: (stored: number) => number;
  /**
   * Called after the masks were applied, with what the guest wrote (bytes it did not write are 0) for the bits that act
   * instead of being stored.
   */
  readonly written?: (value: number, before: number) => void;
}

export class RegisterFile {
  readonly registers: readonly Register[];
  readonly #values: Uint32Array;
  /** Row + 1 by offset / 4; 0 where there is no register. */
  readonly #rows: Uint16Array;

  constructor(size: number, registers: readonly Register[]) {
    this.registers = registers;
    this.#values = new Uint32Array(registers.length);
    this.#rows = new Uint16Array(size >> 2);
    registers.forEach((register, row) => {
      if (this.#rows[register.offset >> 2]) throw new Error(`${register.name} overlaps another register`);
      this.#rows[register.offset >> 2] = row + 1;
    });
    this.reset();
  }

  reset(): void {
    this.registers.forEach((register, row) => {
      this.#values[row] = register.reset;
    });
  }

  /** The name of the register at an offset, for traces. */
  name(offset: number): string | undefined {
    return this.registers[this.#row(offset)]?.name;
  }

  /** The stored value, by offset. */
  get(offset: number): number {
    return this.#values[this.#row(offset)] ?? 0;
  }

  /** Sets the stored value as the controller itself does, past the masks. */
  set(offset: number, value: number): void {
    const row = this.#row(offset);
    if (row >= 0) this.#values[row] = value;
  }

  setBits(offset: number, bits: number): void {
    this.set(offset, this.get(offset) | bits);
  }

  clearBits(offset: number, bits: number): void {
    this.set(offset, this.get(offset) & ~bits);
  }

  /** A guest's read of 1, 2 or 4 bytes. Unsigned; 0 where there is no register. */
  read(offset: number, width: 1 | 2 | 4): number {
    const row = this.#row(offset);
    const register = this.registers[row];
    if (!register) return 0;
    const stored = this.#values[row] ?? 0;
    const value = register.read ? register.read(stored) : stored;
    if (width === 4) return value >>> 0;
    return (value >>> ((offset & 3) * 8)) & (width === 2 ? 0xffff : 0xff);
  }

  /** A guest's write of 1, 2 or 4 bytes. Bytes that are not written neither change nor clear anything. */
  write(offset: number, width: 1 | 2 | 4, value: number): void {
    const row = this.#row(offset);
    const register = this.registers[row];
    if (!register) return;
    const shift = width === 4 ? 0 : (offset & 3) * 8;
    const lanes = width === 4 ? 0xffffffff : (width === 2 ? 0xffff : 0xff) << shift;
    const bits = (value << shift) & lanes;
    const before = this.#values[row] ?? 0;
    const kept = before & ~(register.rw & lanes);
    this.#values[row] = (kept | (bits & register.rw)) & ~(bits & register.rw1c);
    register.written?.(bits >>> 0, before);
  }

  /** Every stored value, in the table's order: for saved states. */
  save(): number[] {
    return [...this.#values];
  }

  restore(values: readonly number[]): void {
    this.#values.forEach((_, row) => {
      this.#values[row] = values[row] ?? 0;
    });
  }

  #row(offset: number): number {
    return (this.#rows[offset >> 2] ?? 0) - 1;
  }
}
