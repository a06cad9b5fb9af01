/**
 * The seam to an emulator: what a host controller needs of the machine it is plugged into. `v86.ts` is its implementation
 * for v86; another emulator needs one file more.
 */

/** The guest's physical memory, as a bus master sees it. Addresses are bytes; nothing here throws for a bad one. */
export interface GuestMemory {
  /** Bytes of RAM, from address 0. */
  readonly size: number;
  /** A little-endian u32; 0xFFFFFFFF where there is no RAM. */
  read32(address: number): number;
  /** Ignored where there is no RAM. */
  write32(address: number, value: number): void;
  /** Copies `length` bytes from `address` to `target` at `offset`. False, and nothing copied, if it is not all RAM. */
  read(address: number, target: Uint8Array, offset: number, length: number): boolean;
  /** Copies all of `source` to `address`. False, and nothing copied, if it is not all RAM. */
  write(address: number, source: Uint8Array): boolean;
  /** A view of RAM for a moment (until the guest runs again), or undefined if it is not all RAM. Allocates the view. */
  view(address: number, length: number): Uint8Array | undefined;
}

/** A PCI function's only memory BAR. Offsets are relative to it; widths are 1, 2 or 4 bytes; values are unsigned. */
export interface MemoryWindow {
  readonly size: number;
  read(offset: number, width: 1 | 2 | 4): number;
  write(offset: number, width: 1 | 2 | 4, value: number): void;
}

/** A PCI function to be registered with the machine before the guest runs. */
export interface PciFunction {
  readonly name: string;
  readonly vendorId: number;
  readonly deviceId: number;
  /** Base class, sub-class and programming interface: 0x0C0330 is an xHCI. */
  readonly classCode: number;
  readonly revision: number;
  /** Bytes of configuration space beyond the standard header, by offset. */
  readonly config: Readonly<Record<number, number>>;
  readonly bar: MemoryWindow;
  /** The machine was reset, or a saved state is about to be restored: as after power-on. */
  reset(): void;
  /** What a saved state keeps of the function: plain data (asm/saved.ts). */
  save(): unknown;
  /** Goes on as `save` said, after `reset`. Never throws for what `check` has let pass. */
  restore(state: unknown): void;
  /** Throws a StateError for a state that is not of such a function. Nothing of the machine is touched yet. */
  check(state: unknown): void;
  /** A state is about to be saved. From here to `resume`, `save` answers what belongs together with what the guest has seen. */
  hold?(): Promise<void>;
  /**
   * A state is about to be restored, and the guest stands: gets ready what `restore` cannot at once, and does nothing on its
   * own account until `resume`. Rejects with a StateError.
   */
  prepare?(state: unknown): Promise<void>;
  /** The state was saved or restored, or could not be. */
  resume?(): void;
  /** Called often while the guest runs, between two of its instructions: a chance to look whether something came back. */
  poll?(): void;
}

/** What the machine gives a registered function. */
export interface PciSlot {
  readonly memory: GuestMemory;
  /** Drives the INTx line. Safe at any time, also inside a `MemoryWindow.write`. */
  setInterrupt(asserted: boolean): void;
  /** Runs the guest soon, when it sleeps for want of an interrupt. Called at the end of a burst. */
  kick(): void;
}

export interface Machine {
  /** Registers the function. Must be called before the guest runs. */
  attach(fn: PciFunction): PciSlot;
}
