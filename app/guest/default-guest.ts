/**
 * A guest in v86, the same in Node and in a page: by default Linux from `public/guest/`, or a machine of a person's own. A start
 * of the default guest goes on from a saved state of the ready guest if there is one, and otherwise boots and saves one.
 *
 *   check ─► load ─► new V86 ─► machineReady (controllers attach) ─┬─► restore ─► set the clock ─────────► ready
 *                                                                  ├─► boot ─► agent is there ─► save ──► ready
 *                                                                  └─► run ─────────────────────────────► ready     its own
 */
import { V86, type V86Options } from "v86";
import { StateError } from "../../asm/saved.ts";
import { Agent, type ExecOptions, type ExecResult } from "./agent.ts";
import type { GuestFiles } from "./guest-files.ts";
import type { GuestManifest } from "./image/manifest.ts";
import { assertMachine } from "./machine-check.ts";
import { DEFAULT_MACHINE, isPlainLinux, type MachineConfig, MachineError } from "./machine-config.ts";
import { loadMachine, type MachineParts } from "./machine-parts.ts";
import { SerialPort } from "./serial-port.ts";
import { type StateStore, stateKey } from "./state-store.ts";
import { whenLoaded } from "./v86.ts";
import { listenToBios } from "./v86-bios-log.ts";
import type { V86Disk } from "./v86-disk.ts";
import { V86_TESTED } from "./v86-internals.ts";
import { setCompiling } from "./v86-jit.ts";

const BOOT_PATIENCE_MS = 180_000;
const RESTORE_PATIENCE_MS = 20_000;
/** For so long a kernel of one's own is interpreted, which boots it in half the time: nobody says when it is done. */
const KERNEL_BOOT_MS = 15_000;

export interface GuestProgress {
  readonly stage: "loading" | "restoring" | "booting" | "ready";
  /** 0 to 1, of the whole start. */
  readonly fraction: number;
  /** While it is loading. */
  readonly bytes?: { readonly loaded: number; readonly total: number };
}

/** Undoes what `machineReady` did, when a saved state turns out to be of no use and another machine is made. */
export type Undo = () => Promise<void> | void;

export interface GuestOptions {
  readonly files: GuestFiles;
  /** Where v86.wasm is: a path in Node, an address in a page. */
  readonly wasm: string;
  /** Whatever is not said is as in DEFAULT_MACHINE. Its ports and controller are the caller's to attach, in `machineReady`. */
  readonly machine?: Partial<MachineConfig>;
  /** Goes on from this state of such a machine instead of booting. */
  readonly state?: Uint8Array<ArrayBuffer>;
  /** A cpio archive, unpacked over the default guest's files: see writeCpio(). */
  readonly overlay?: Uint8Array;
  /** More of v86's options, such as a screen. */
  readonly v86?: Partial<V86Options>;
  /** The machine is made and does not run yet: the time to attach controllers. */
  machineReady?(emulator: V86): Promise<Undo | undefined>;
  /** Bytes from the guest's console, its first serial port. */
  onConsole?(bytes: Uint8Array): void;
  /** What the BIOS says. */
  onBiosLog?(bytes: Uint8Array): void;
  onProgress?(progress: GuestProgress): void;
  /** A sentence: the file in a drive cannot be read any more. */
  onDiskError?(message: string): void;
  /** Where to keep the ready guest's state. None: boot every time. */
  readonly states?: StateStore;
  /** What else decides the state: which controllers are attached, which build of pvusb this is. */
  readonly stateKey?: readonly (string | number)[];
}

/** The guest did not come up. */
export class GuestBootError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "GuestBootError";
  }
}

export class Guest {
  readonly emulator: V86;
  readonly machine: MachineConfig;
  /** The machine's own hard disk. */
  readonly disk: V86Disk | undefined;
  /** It went on from a saved state instead of booting. */
  resumed = false;
  /** Settles when the state of a guest that has just booted is kept. Never rejects: a state is a convenience. */
  saved: Promise<void> = Promise.resolve();
  readonly #console: SerialPort;
  readonly #agentPort: SerialPort;
  readonly #agent: Agent;
  #compileAgain: ReturnType<typeof setTimeout> | undefined;

  private constructor(emulator: V86, machine: MachineConfig, disk: V86Disk | undefined, options: GuestOptions) {
    this.emulator = emulator;
    this.machine = machine;
    this.disk = disk;
    this.#console = new SerialPort(emulator, 0);
    this.#console.onBytes = (bytes) => options.onConsole?.(bytes);
    this.#agentPort = new SerialPort(emulator, 1);
    this.#agent = new Agent(this.#agentPort);
  }

  /**
   * Resolves when the default guest's agent takes commands; with a machine of a person's own, as soon as that runs. Rejects
   * with a MachineError, GuestFileError, GuestBootError or StateError, each a sentence.
   */
  static async start(options: GuestOptions): Promise<Guest> {
    const machine: MachineConfig = { ...DEFAULT_MACHINE, ...options.machine };
    await assertMachine(machine);
    const manifest = await options.files.manifest();
    if (options.state || machine.boots.from === "state") return Guest.#goOn(options, machine, manifest, options.state);
    if (machine.boots.from !== "linux") return Guest.#run(options, machine, manifest);
    const key = await keyOf(options, machine, manifest);
    const state = key && (await options.states?.get(key).catch(() => undefined));
    if (key && state) {
      const guest = await Guest.#goOn(options, machine, manifest, state).catch(() => undefined);
      if (guest) return guest;
      await options.states?.delete(key).catch(() => {});
    }
    return Guest.#boot(options, machine, manifest, key);
  }

  /** Only the default guest has an agent, which runs commands. */
  get hasAgent(): boolean {
    return this.machine.boots.from === "linux";
  }

  /** Types into the guest's console. */
  write(text: string): void {
    this.#console.write(new TextEncoder().encode(text));
  }

  /** Runs a shell command in the guest, beside what the console does. */
  async exec(command: string, options?: ExecOptions): Promise<ExecResult> {
    if (!this.hasAgent) throw new MachineError("This guest runs no commands from outside: type them into its console.");
    return this.#agent.exec(command, options);
  }

  /** Does `work` with the guest's code interpreted: for what runs once, such as taking a device, that is faster by far. */
  async interpreted<T>(work: () => Promise<T>): Promise<T> {
    setCompiling(this.emulator, false);
    try {
      return await work();
    } finally {
      setCompiling(this.emulator, true);
    }
  }

  #interpretFor(milliseconds: number): void {
    setCompiling(this.emulator, false);
    this.#compileAgain = setTimeout(() => setCompiling(this.emulator, true), milliseconds);
  }

  /** The whole machine as it is now, software devices included. Real ones will come back as an unplug and a plug. */
  async saveState(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.emulator.save_state());
  }

  async stop(): Promise<void> {
    clearTimeout(this.#compileAgain);
    this.#agent.close(new Error("The guest was stopped."));
    this.#console.close();
    this.#agentPort.close();
    await this.emulator.destroy();
  }

  static async #run(options: GuestOptions, machine: MachineConfig, manifest: GuestManifest): Promise<Guest> {
    const { guest } = await Guest.#make(options, machine, manifest, 0.9);
    if (machine.boots.from === "kernel") guest.#interpretFor(KERNEL_BOOT_MS);
    void guest.emulator.run();
    options.onProgress?.({ stage: "ready", fraction: 1 });
    return guest;
  }

  /** From the state that is given, or the one that the machine boots. */
  static async #goOn(
    options: GuestOptions,
    machine: MachineConfig,
    manifest: GuestManifest,
    given: Uint8Array<ArrayBuffer> | undefined,
  ): Promise<Guest> {
    const { guest, undo, state } = await Guest.#make(options, machine, manifest, 0.5, given);
    try {
      options.onProgress?.({ stage: "restoring", fraction: 0.5 });
      if (state) await guest.#restore(state);
      void guest.emulator.run();
      if (guest.hasAgent) await guest.#setClock();
    } catch (error) {
      await guest.stop();
      await undo?.();
      throw error;
    }
    guest.resumed = true;
    options.onProgress?.({ stage: "ready", fraction: 1 });
    return guest;
  }

  static async #boot(
    options: GuestOptions,
    machine: MachineConfig,
    manifest: GuestManifest,
    key: string | undefined,
  ): Promise<Guest> {
    const { guest, undo } = await Guest.#make(options, machine, manifest, 0.4);
    const greeting = guest.#agent.greeting();
    guest.#watchBoot(options);
    setCompiling(guest.emulator, false);
    void guest.emulator.run();
    try {
      await within(BOOT_PATIENCE_MS, greeting, "The guest did not come up: its agent never spoke.");
    } catch (error) {
      await guest.stop();
      await undo?.();
      throw error;
    }
    setCompiling(guest.emulator, true);
    guest.#console.onBytes = (bytes) => options.onConsole?.(bytes);
    if (key && options.states) {
      await guest.interpreted(() => guest.exec(UNTIL_QUIET));
      const state = await guest.saveState();
      guest.saved = options.states.set(key, state).catch(() => {});
    }
    options.onProgress?.({ stage: "ready", fraction: 1 });
    return guest;
  }

  async #restore(state: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      await this.emulator.restore_state(state.buffer);
    } catch (cause) {
      if (cause instanceof StateError) throw cause;
      // v86's own words are about its file's header.
      throw new StateError("This v86 cannot read the saved state: it is damaged, or of another version.", { cause });
    }
  }

  async #setClock(): Promise<void> {
    const command = `date -s @${(Date.now() / 1000).toFixed(0)}`;
    const { status } = await this.interpreted(() => this.exec(command, { timeout: RESTORE_PATIENCE_MS }));
    if (status !== 0) throw new GuestBootError(`The guest's clock could not be set (status ${status}).`);
  }

  /** The progress goes up to `share`. */
  static async #make(
    options: GuestOptions,
    machine: MachineConfig,
    manifest: GuestManifest,
    share: number,
    state?: Uint8Array<ArrayBuffer>,
  ): Promise<{ readonly guest: Guest; readonly undo: Undo | undefined; readonly state: MachineParts["state"] }> {
    const { files, overlay, onProgress } = options;
    onProgress?.({ stage: "loading", fraction: 0 });
    const parts = await loadMachine(machine, manifest, {
      files,
      ...(state && { state }),
      ...(overlay && { overlay }),
      onBytes: (loaded, total) => {
        onProgress?.({ stage: "loading", fraction: (share * loaded) / total, bytes: { loaded, total } });
      },
      onDiskError: (message) => options.onDiskError?.(message),
    });
    const emulator = new V86({
      disable_speaker: true,
      ...options.v86,
      wasm_path: options.wasm,
      autostart: false,
      uart1: true,
      ...parts.v86,
    });
    await whenLoaded(emulator);
    if (options.onBiosLog) listenToBios(emulator, options.onBiosLog);
    const guest = new Guest(emulator, machine, parts.disk, options);
    const undo = await options.machineReady?.(emulator);
    return { guest, undo, state: parts.state };
  }

  /** Tells how far the boot is, by the words of the image's init. */
  #watchBoot({ onConsole, onProgress }: GuestOptions): void {
    let text = "";
    let fraction = 0.4;
    onProgress?.({ stage: "booting", fraction });
    this.#console.onBytes = (bytes) => {
      onConsole?.(bytes);
      text = (text + new TextDecoder("latin1").decode(bytes)).slice(-4096);
      for (const [words, reached] of BOOT_WORDS) {
        if (reached <= fraction || !text.includes(words)) continue;
        fraction = reached;
        onProgress?.({ stage: "booting", fraction });
      }
    };
  }
}

/**
 * Before a state is kept, what init still does in the background is awaited, or every restored guest would do it again.
 * Then there are two of it left: itself, and the one that keeps the agent.
 */
const UNTIL_QUIET = "n=0; while set -- $(pidof init); [ $# -gt 2 ] && [ $n -lt 100 ]; do n=$((n+1)); sleep 0.1; done";

const BOOT_WORDS = [
  ["pvusb: init", 0.7],
  ["pvusb: modules", 0.75],
  ["pvusb: devices", 0.85],
  ["pvusb: ready", 0.95],
] as const;

/** What is in a drive would be part of the state. */
async function keyOf(
  options: GuestOptions,
  machine: MachineConfig,
  manifest: GuestManifest,
): Promise<string | undefined> {
  if (!options.states || !isPlainLinux(machine)) return undefined;
  return stateKey([
    manifest.id,
    machine.memoryMiB ?? manifest.memoryMiB,
    machine.vgaMemoryMiB,
    machine.network,
    options.overlay ?? "no overlay",
    V86_TESTED,
    ...(options.stateKey ?? []),
  ]);
}

async function within<T>(milliseconds: number, work: Promise<T>, message: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new GuestBootError(message)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
