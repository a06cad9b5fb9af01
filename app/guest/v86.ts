/**
 * The seam to v86: PCI functions registered from outside with the npm package as it is.
 *
 *     guest store ──► v86 mmap handler ──► V86Slot ──► PciFunction.bar        (a host controller)
 *     guest INTx  ◄── devices.pci.raise_irq ◄── V86Slot.setInterrupt ◄─┘
 *
 * What v86 does and does not do is told in README.md.
 */
import { StateError } from "../../asm/saved.ts";
import type { Machine, PciFunction, PciSlot } from "./machine.ts";
import {
  clearTscOffset,
  internalsOf,
  type V86Cpu,
  V86Error,
  type V86Inner,
  type V86Like,
  type V86Public,
} from "./v86-internals.ts";
import { V86Memory } from "./v86-memory.ts";
import { type FunctionState, getFunctions, putFunctions } from "./v86-state.ts";

export { V86Error, type V86Like, whenLoaded } from "./v86-internals.ts";

/** v86 maps memory in pieces of this size, and its memory BARs cannot move. */
const WINDOW_SIZE = 0x20000;
/** Below v86's VGA ROM at 0xFEB00000; SeaBIOS and guests leave BARs here alone. */
const FIRST_WINDOW = 0xfea00000;
const END_OF_WINDOWS = 0xfeb00000;
/** An address that nothing claims: its handler tells a free window from a taken one. */
const UNCLAIMED = 0xfe000000;

/** Device numbers that v86's own devices take, present or not: 0, 1, 5 to 7, A to C, 12, 1E. */
const FREE_DEVICES = [
  0x04, 0x08, 0x03, 0x0f, 0x10, 0x13, 0x14, 0x02, 0x0d, 0x0e, 0x11, 0x15, 0x16, 0x17, 0x18,
] as const;

const CONFIG_SIZE = 256;
const CONFIG_VENDOR_ID = 0x00;
const CONFIG_DEVICE_ID = 0x02;
const CONFIG_REVISION = 0x08;
const CONFIG_CLASS = 0x09;
const CONFIG_BAR0 = 0x10;
const CONFIG_SUBSYSTEM_VENDOR_ID = 0x2c;
const CONFIG_SUBSYSTEM_ID = 0x2e;
const CONFIG_INTERRUPT_PIN = 0x3d;
const PIN_INTA = 1;

const EFLAGS_IF = 0x200;
/** v86 looks at its timers and interrupts after so many instructions of a slice, when it leaves a piece of compiled code. */
const INSTRUCTIONS_BETWEEN_LOOKS = 100_003;

/** The edge/level register in v86's interrupt controller, and in it the line that the second one hangs on. */
const PIC_ELCR = 10;
const PIC_CASCADE = 1 << 2;

export interface V86MachineOptions {
  /** For the test that shows what the guard is for: false lets INTx change under compiled code's feet. */
  readonly guardInterrupts?: boolean;
}

const machines = new WeakMap<object, V86Machine>();

/** The machine that a V86 instance is. The same instance gives the same machine. */
export function v86Machine(emulator: V86Like, options: V86MachineOptions = {}): Machine {
  const known = machines.get(emulator);
  if (known) return known;
  const machine = new V86Machine(emulator, options.guardInterrupts ?? true);
  machines.set(emulator, machine);
  return machine;
}

class V86Machine implements Machine {
  readonly #emulator: V86Like;
  readonly #inner: V86Inner;
  readonly #memory: V86Memory;
  readonly #slots: V86Slot[] = [];
  readonly #guard: boolean;
  #flags: Int32Array;
  #instructions: Uint32Array;
  #pic: Uint8Array;
  /** Added to the instruction counter, and to be taken off again. */
  #ahead = 0;
  /** Depth of calls from the guest's loads and stores into our functions. */
  #handling = 0;
  /** An interrupt ended the guest's sleep, and nobody has run it since. */
  #woken = false;
  /** States are saved and restored one after another. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(emulator: V86Like, guard: boolean) {
    this.#emulator = emulator;
    this.#inner = internalsOf(emulator);
    this.#guard = guard;
    const { cpu } = this.#inner;
    this.#memory = new V86Memory(cpu);
    this.#flags = flagsOf(cpu);
    this.#instructions = instructionsOf(cpu);
    this.#pic = picOf(cpu);
    this.#watchLooks(cpu);
    this.#watchResets(cpu);
    this.#watchStates(cpu);
    this.#takeStates(emulator as V86Public);
  }

  attach(fn: PciFunction): PciSlot {
    const { cpu } = internalsOf(this.#emulator);
    if (fn.bar.size > WINDOW_SIZE || (fn.bar.size & (fn.bar.size - 1)) !== 0 || fn.bar.size < 16) {
      throw new RangeError(`${fn.name}: a BAR of ${fn.bar.size} bytes is no power of two up to ${WINDOW_SIZE}.`);
    }
    const base = freeWindow(cpu);
    const id = freeDevice(cpu) << 3;
    cpu.devices.pci.register_device({
      name: fn.name,
      pci_id: id,
      pci_space: configurationSpace(fn, base),
      pci_bars: [{ size: fn.bar.size }],
    });
    const space = cpu.devices.pci.device_spaces[id];
    if (!space) throw new V86Error(`v86 did not take the PCI function ${fn.name}.`);
    const slot = new V86Slot(this, fn, id, space, this.#memory);
    this.#slots.push(slot);
    this.#map(cpu, base, fn);
    return slot;
  }

  /** One function's INTx has changed. v86 has no wired OR: a line that one lowers may be another's. */
  drive(changed: V86Slot): void {
    const { cpu } = this.#inner;
    const { pci } = cpu.devices;
    const slept = this.#handling === 0 && cpu.in_hlt[0] !== 0;
    const flags = this.#liveFlags(cpu);
    // An interrupt that is withdrawn before the guest takes it stays latched on v86's cascade, which is edge-triggered. The
    // guest then takes one that nobody has raised, never ends it, and hears of no line above 7 again. A level is not latched.
    this.#pic[PIC_ELCR] = (this.#pic[PIC_ELCR] as number) | PIC_CASCADE;
    // Raising or lowering makes v86 look at its interrupts at once. A store of compiled code does not expect that: the
    // guest would enter the handler with stale registers. With IF clear v86 only notes the line, and takes it later.
    const masked = this.#guard && this.#handling > 0 ? (flags[0] as number) & EFLAGS_IF : 0;
    if (masked) flags[0] = (flags[0] as number) & ~EFLAGS_IF;
    if (changed.asserted) {
      pci.raise_irq(changed.id);
    } else {
      pci.lower_irq(changed.id);
      for (const slot of this.#slots) if (slot.asserted) pci.raise_irq(slot.id);
    }
    if (masked) {
      flags[0] = (flags[0] as number) | EFLAGS_IF;
      if (changed.asserted) this.#lookSoon();
    }
    if (slept && cpu.in_hlt[0] === 0) this.#woken = true;
  }

  /** Runs one slice, if an interrupt has just ended the guest's sleep: v86's own wake-up goes round by the event loop. */
  kick(): void {
    if (!this.#woken) return;
    const v86 = this.#inner;
    if (this.#handling > 0 || !v86.running || v86.stopping || !v86.idle || !v86.do_tick) return;
    this.#woken = false;
    v86.do_tick();
  }

  #liveFlags(cpu: V86Cpu): Int32Array {
    if (this.#flags.length === 0) {
      this.#flags = flagsOf(cpu);
      this.#instructions = instructionsOf(cpu);
      this.#pic = picOf(cpu);
    }
    return this.#flags;
  }

  /** Has v86 look at its interrupts when the guest next leaves a piece of compiled code, by pretending it ran enough. */
  #lookSoon(): void {
    if (!this.#inner.cpu.run_hardware_timers || this.#ahead > 0) return;
    this.#ahead = INSTRUCTIONS_BETWEEN_LOOKS;
    this.#instructions[0] = (this.#instructions[0] as number) + INSTRUCTIONS_BETWEEN_LOOKS;
  }

  /** v86 runs its timers just before it looks at its interrupts: between two pieces of code, where nothing is stale. */
  #watchLooks(cpu: V86Cpu): void {
    const timers = cpu.run_hardware_timers;
    if (!timers) return;
    cpu.run_hardware_timers = (acpi, now) => {
      this.#liveFlags(cpu);
      this.#instructions[0] = (this.#instructions[0] as number) - this.#ahead;
      this.#ahead = 0;
      for (const slot of this.#slots) slot.poll();
      return timers.call(cpu, acpi, now);
    };
  }

  #map(cpu: V86Cpu, base: number, fn: PciFunction): void {
    const { bar } = fn;
    const { size } = bar;
    const mask = WINDOW_SIZE - 1;
    const read = (offset: number, width: 1 | 4): number => {
      if (offset + width > size) return width === 1 ? 0xff : 0xffffffff;
      this.#handling++;
      try {
        return bar.read(offset, width);
      } finally {
        this.#handling--;
      }
    };
    const write = (offset: number, width: 1 | 4, value: number): void => {
      if (offset + width > size) return;
      this.#handling++;
      try {
        bar.write(offset, width, value);
      } finally {
        this.#handling--;
      }
    };
    // v86 hands over signed addresses and values, and 32-bit accesses at any address: those that are not aligned become
    // four bytes here. A 16-bit access arrives as two bytes.
    cpu.io.mmap_register(
      base,
      WINDOW_SIZE,
      (address) => read(address & mask, 1) & 0xff,
      (address, value) => write(address & mask, 1, value & 0xff),
      (address) => {
        const offset = address & mask;
        if ((offset & 3) === 0) return read(offset, 4) | 0;
        let value = 0;
        for (let i = 0; i < 4; i++) value |= (read((offset + i) & mask, 1) & 0xff) << (8 * i);
        return value;
      },
      (address, value) => {
        const offset = address & mask;
        if ((offset & 3) === 0) write(offset, 4, value >>> 0);
        else for (let i = 0; i < 4; i++) write((offset + i) & mask, 1, (value >>> (8 * i)) & 0xff);
      },
    );
  }

  /** v86 resets its own devices by name; ours hear of it here. */
  #watchResets(cpu: V86Cpu): void {
    const reboot = cpu.reboot_internal;
    cpu.reboot_internal = () => {
      for (const slot of this.#slots) slot.reset();
      reboot.call(cpu);
    };
  }

  /** Inside v86's own states. Whatever cannot be restored is refused before anything is touched. */
  #watchStates(cpu: V86Cpu): void {
    const { get_state, set_state } = cpu;
    cpu.get_state = () => {
      const state = get_state.call(cpu);
      putFunctions(
        state,
        this.#slots.map((slot) => slot.save()),
      );
      return state;
    };
    cpu.set_state = (state) => {
      const functions = this.#read(state);
      for (const slot of this.#slots) slot.reset();
      clearTscOffset(cpu);
      set_state.call(cpu, state);
      this.#woken = false;
      this.#slots.forEach((slot, index) => {
        slot.restore(functions[index] as FunctionState);
      });
    };
  }

  /** What people call. A function may have to ask somebody else before, such as a worker. */
  #takeStates(emulator: V86Public): void {
    const save = emulator.save_state;
    emulator.save_state = () =>
      this.#inTurn(async () => {
        try {
          await Promise.all(this.#slots.map((slot) => slot.hold()));
          return await save.call(emulator);
        } finally {
          for (const slot of this.#slots) slot.resume();
        }
      });
    emulator.restore_state = (file) =>
      this.#inTurn(async () => {
        const state = this.#decode(file);
        const functions = this.#read(state);
        const runs = emulator.is_running();
        if (runs) await emulator.stop();
        try {
          await Promise.all(this.#slots.map((slot, index) => slot.prepare(functions[index] as FunctionState)));
          this.#inner.cpu.set_state(state);
        } finally {
          for (const slot of this.#slots) slot.resume();
          if (runs) void emulator.run();
        }
      });
  }

  /** v86 reads the file, and has a processor take it that only keeps it. */
  #decode(file: ArrayBuffer): unknown[] {
    let decoded: unknown[] = [];
    const set_state = (state: unknown[]) => {
      decoded = state;
    };
    const cpu: V86Cpu = Object.create(this.#inner.cpu, { set_state: { value: set_state } });
    this.#inner.restore_state.call({ ...this.#inner, cpu }, file);
    return decoded;
  }

  /** What a state says of each function, in their order. Throws a StateError. */
  #read(state: readonly unknown[]): FunctionState[] {
    if (this.#slots.length === 0) return [];
    const functions = getFunctions(state);
    const places = (of: readonly { readonly id: number; readonly name: string }[]) =>
      of.map(({ id, name }) => `${name} ${(id >> 3).toString(16).padStart(2, "0")}.${id & 7}`).join(", ");
    if (places(functions) !== places(this.#slots)) {
      throw new StateError(
        `This state is of a machine with ${places(functions)}, and this one has ${places(this.#slots)}. ` +
          "Attach the same controllers, in the same order, before you restore it.",
      );
    }
    this.#slots.forEach((slot, index) => {
      slot.check(functions[index] as FunctionState);
    });
    return functions;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/** One registered function. */
class V86Slot implements PciSlot {
  readonly memory: V86Memory;
  readonly id: number;
  readonly name: string;
  asserted = false;
  readonly #machine: V86Machine;
  readonly #fn: PciFunction;
  readonly #space: Int32Array;
  readonly #powerOn: Int32Array;

  constructor(machine: V86Machine, fn: PciFunction, id: number, space: Int32Array, memory: V86Memory) {
    this.#machine = machine;
    this.#fn = fn;
    this.id = id;
    this.name = fn.name;
    this.#space = space;
    this.#powerOn = space.slice();
    this.memory = memory;
  }

  setInterrupt(asserted: boolean): void {
    if (asserted === this.asserted) return;
    this.asserted = asserted;
    this.#machine.drive(this);
  }

  kick(): void {
    this.#machine.kick();
  }

  poll(): void {
    this.#fn.poll?.();
  }

  reset(): void {
    this.#fn.reset();
    this.setInterrupt(false);
    this.#space.set(this.#powerOn);
  }

  save(): FunctionState {
    return { id: this.id, name: this.name, asserted: this.asserted, state: this.#fn.save() };
  }

  /** The line's level is in the interrupt controller's own state; it must not be driven a second time. */
  restore({ asserted, state }: FunctionState): void {
    this.asserted = asserted;
    this.#fn.restore(state);
  }

  check({ state }: FunctionState): void {
    this.#fn.check(state);
  }

  async hold(): Promise<void> {
    await this.#fn.hold?.();
  }

  resume(): void {
    this.#fn.resume?.();
  }

  async prepare({ state }: FunctionState): Promise<void> {
    await this.#fn.prepare?.(state);
  }
}

function flagsOf(cpu: V86Cpu): Int32Array {
  return new Int32Array(cpu.wasm_memory.buffer, cpu.flags.byteOffset, 1);
}

function instructionsOf(cpu: V86Cpu): Uint32Array {
  return new Uint32Array(cpu.wasm_memory.buffer, cpu.instruction_counter.byteOffset, 1);
}

function picOf(cpu: V86Cpu): Uint8Array {
  return new Uint8Array(cpu.wasm_memory.buffer, cpu.get_pic_addr_master(), PIC_ELCR + 1);
}

function freeWindow(cpu: V86Cpu): number {
  const unclaimed = cpu.memory_map_read8[UNCLAIMED >>> 17];
  for (let base = FIRST_WINDOW; base < END_OF_WINDOWS; base += WINDOW_SIZE) {
    if (cpu.memory_map_read8[base >>> 17] === unclaimed) return base;
  }
  throw new V86Error("v86 has no room for another PCI memory window.");
}

/** A free number, of those whose interrupt line the fewest other devices share. */
function freeDevice(cpu: V86Cpu): number {
  const { devices, device_spaces } = cpu.devices.pci;
  const users = [0, 0, 0, 0];
  devices.forEach((device, id) => {
    const pin = device ? ((device_spaces[id]?.[CONFIG_INTERRUPT_PIN >> 2] ?? 0) >> 8) & 0xff : 0;
    if (pin > 0) users[interruptLine(id >> 3, pin)] = (users[interruptLine(id >> 3, pin)] ?? 0) + 1;
  });
  let best: number | undefined;
  for (const number of FREE_DEVICES) {
    if (devices[number << 3]) continue;
    const shared = users[interruptLine(number, PIN_INTA)] ?? 0;
    if (best === undefined || shared < (users[interruptLine(best, PIN_INTA)] ?? 0)) best = number;
  }
  if (best === undefined) throw new V86Error("v86 has no PCI device number left.");
  return best;
}

/** Which of the PIIX's four PIRQ lines a pin of a device is wired to. */
function interruptLine(device: number, pin: number): number {
  return (device - 1 + pin - 1) & 3;
}

function configurationSpace(fn: PciFunction, base: number): number[] {
  const space = new Uint8Array(CONFIG_SIZE);
  const view = new DataView(space.buffer);
  view.setUint16(CONFIG_VENDOR_ID, fn.vendorId, true);
  view.setUint16(CONFIG_DEVICE_ID, fn.deviceId, true);
  view.setUint8(CONFIG_REVISION, fn.revision);
  view.setUint8(CONFIG_CLASS, fn.classCode & 0xff);
  view.setUint16(CONFIG_CLASS + 1, fn.classCode >>> 8, true);
  view.setUint32(CONFIG_BAR0, base, true);
  view.setUint16(CONFIG_SUBSYSTEM_VENDOR_ID, fn.vendorId, true);
  view.setUint16(CONFIG_SUBSYSTEM_ID, fn.deviceId, true);
  view.setUint8(CONFIG_INTERRUPT_PIN, PIN_INTA);
  for (const [offset, value] of Object.entries(fn.config)) space[Number(offset)] = value;
  return Array.from(space);
}
