/**
 * v86's undocumented insides, as far as pvusb uses them, and the check that they are there. No other file outside `v86*.ts`
 * names them.
 */

/** The version of the npm package `v86` that pvusb is tested with. */
export const V86_TESTED = "0.5.462";

/** A V86 instance, before or after it is loaded. Structural, so that any copy of the package will do. */
export interface V86Like {
  add_listener(event: "emulator-loaded", listener: () => void): void;
  is_running(): boolean;
}

/** What a loaded V86 instance has besides, for those who hold one. */
export interface V86Public extends V86Like {
  run(): Promise<void>;
  stop(): Promise<void>;
  save_state(): Promise<ArrayBuffer>;
  restore_state(state: ArrayBuffer): Promise<void>;
}

/** A live view of the emulator's WebAssembly memory: every access makes a typed array, so keep what comes out. */
export interface LiveView {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly length: number;
  [index: number]: number;
}

/** What PCI.register_device takes. */
export interface V86PciDevice {
  readonly name: string;
  /** Device number in bits 7:3, function in bits 2:0. */
  readonly pci_id: number;
  readonly pci_space: readonly number[];
  readonly pci_bars: readonly ({ readonly size: number } | undefined)[];
}

interface V86Pci {
  readonly devices: readonly (V86PciDevice | undefined)[];
  readonly device_spaces: readonly (Int32Array | undefined)[];
  register_device(device: V86PciDevice): Int32Array;
  raise_irq(id: number): void;
  lower_irq(id: number): void;
}

type Read = (address: number) => number;
type Write = (address: number, value: number) => void;

interface V86Io {
  mmap_register(address: number, size: number, read8: Read, write8: Write, read32: Read, write32: Write): void;
  register_read(port: number, device: object, read8: Read): void;
  register_write(port: number, device: object, write8: (value: number) => void): void;
}

export interface V86Cpu {
  readonly wasm_memory: WebAssembly.Memory;
  readonly mem8: LiveView;
  readonly memory_size: LiveView;
  readonly flags: LiveView;
  readonly in_hlt: LiveView;
  readonly instruction_counter: LiveView;
  readonly memory_map_read8: readonly (Read | undefined)[];
  readonly io: V86Io;
  readonly devices: { readonly pci: V86Pci };
  jit_dirty_cache(start: number, end: number): void;
  /** What `store_current_tsc` has put there: low half, high half. */
  readonly current_tsc: LiveView;
  store_current_tsc(): void;
  set_tsc(low: number, high: number): void;
  get_state(): unknown[];
  set_state(state: unknown[]): void;
  reboot_internal(): void;
  /** Where the first interrupt controller's state lies in wasm_memory. */
  get_pic_addr_master(): number;
  /** Called between two pieces of guest code, about every 100,000 instructions and whenever the guest wakes. */
  run_hardware_timers?(acpi: number, now: number): number;
}

/** One end of the emulator's events: what is sent at one end is heard by those registered at the other. */
export interface V86Bus {
  register(event: string, listener: (value: Uint8Array) => void, owner: object): void;
  unregister(event: string, listener: (value: Uint8Array) => void): void;
  send(event: string, value: Uint8Array): void;
}

export interface V86Inner {
  readonly cpu: V86Cpu;
  readonly running: boolean;
  readonly stopping?: boolean;
  /** False while a slice runs. */
  readonly idle?: boolean;
  do_tick?(): void;
  /** Reads a file into an array and has `this.cpu` take it. */
  restore_state(file: ArrayBuffer): void;
}

/** The emulator cannot take a PCI function: not loaded yet, running already, or not the v86 that pvusb knows. */
export class V86Error extends Error {
  constructor(message: string) {
    super(message);
    this.name = "V86Error";
  }
}

const CPU_FUNCTIONS = [
  "jit_dirty_cache",
  "get_state",
  "set_state",
  "store_current_tsc",
  "set_tsc",
  "reboot_internal",
  "get_pic_addr_master",
] as const;
const CPU_VIEWS = ["mem8", "memory_size", "flags", "in_hlt", "instruction_counter", "current_tsc"] as const;
const STATE_FUNCTIONS = ["run", "stop", "save_state", "restore_state"] as const;
const IO_FUNCTIONS = ["mmap_register", "register_read", "register_write"] as const;
const PCI_FUNCTIONS = ["register_device", "raise_irq", "lower_irq"] as const;

function missing(what: string): V86Error {
  return new V86Error(`This v86 build has no ${what}; pvusb was tested with ${V86_TESTED}.`);
}

function inner(emulator: V86Like): V86Inner | undefined {
  return (emulator as { v86?: V86Inner }).v86;
}

function isLoaded(emulator: V86Like): boolean {
  const cpu = inner(emulator)?.cpu as Partial<V86Cpu> | undefined;
  return cpu?.io !== undefined && cpu.devices?.pci !== undefined;
}

/** Resolves once the emulator has its devices: PCI functions may be registered from then until it runs. */
export function whenLoaded(emulator: V86Like): Promise<void> {
  if (isLoaded(emulator)) return Promise.resolve();
  return new Promise((resolve) => emulator.add_listener("emulator-loaded", () => resolve()));
}

/** The insides of a loaded emulator that does not run yet. Throws a V86Error that says what is wrong. */
export function internalsOf(emulator: V86Like): V86Inner {
  const v86 = inner(emulator);
  if (!isLoaded(emulator) || !v86) {
    if (v86?.cpu) throw new V86Error("The emulator is not loaded yet: wait for its emulator-loaded event.");
    throw missing("v86.cpu (or the emulator is not loaded yet)");
  }
  const { cpu } = v86;
  if (!(cpu.wasm_memory instanceof WebAssembly.Memory)) throw missing("cpu.wasm_memory");
  for (const name of CPU_FUNCTIONS) if (typeof cpu[name] !== "function") throw missing(`cpu.${name}`);
  for (const name of CPU_VIEWS) if (typeof cpu[name]?.byteOffset !== "number") throw missing(`cpu.${name}`);
  for (const name of IO_FUNCTIONS) if (typeof cpu.io[name] !== "function") throw missing(`cpu.io.${name}`);
  if (!Array.isArray(cpu.memory_map_read8)) throw missing("cpu.memory_map_read8");
  const { pci } = cpu.devices;
  for (const name of PCI_FUNCTIONS) if (typeof pci[name] !== "function") throw missing(`devices.pci.${name}`);
  if (!Array.isArray(pci.devices) || !Array.isArray(pci.device_spaces)) throw missing("devices.pci.devices");
  for (const name of STATE_FUNCTIONS) {
    if (typeof (emulator as Partial<V86Public>)[name] !== "function") throw missing(name);
  }
  if (typeof v86.restore_state !== "function") throw missing("v86.restore_state");
  if (v86.running || emulator.is_running()) {
    throw new V86Error(
      "The emulator runs already. Make it with autostart: false, attach after its emulator-loaded event, then run() it.",
    );
  }
  return v86;
}

/**
 * v86's set_tsc adds what it is told to an offset that it should replace. To what the counter says now, it makes that offset
 * zero, and then v86 restores a state's counter right. Otherwise time in the guest stands still for as long as the counter
 * has gone back, which is as long as the machine has run.
 */
export function clearTscOffset(cpu: V86Cpu): void {
  cpu.store_current_tsc();
  cpu.set_tsc(cpu.current_tsc[0] ?? 0, cpu.current_tsc[1] ?? 0);
}

const BUS_FUNCTIONS = ["register", "unregister", "send"] as const;

/** Was it made with one of v86's network backends? */
export function hasNetworkBackend(emulator: V86Like): boolean {
  return (emulator as { network_adapter?: unknown }).network_adapter !== undefined;
}

/** The ends of the bus where the machine's network card is, and where v86's network backends are. Throws a V86Error. */
export function networkBuses(emulator: V86Like): { readonly card: V86Bus; readonly backend: V86Bus } {
  const { bus, emulator_bus } = emulator as { bus?: Partial<V86Bus>; emulator_bus?: Partial<V86Bus> };
  for (const name of BUS_FUNCTIONS) {
    if (typeof bus?.[name] !== "function") throw missing(`bus.${name}`);
    if (typeof emulator_bus?.[name] !== "function") throw missing(`emulator_bus.${name}`);
  }
  return { card: emulator_bus as V86Bus, backend: bus as V86Bus };
}

/** How many instructions the guest has executed: counts as u32, and is up to date whenever the guest does port I/O. */
export function instructionsRun(emulator: object): number {
  return ((emulator as { v86?: V86Inner }).v86?.cpu.instruction_counter[0] ?? 0) >>> 0;
}
