/**
 * The default guest: Linux from `public/guest/` in v86, the same in Node and in a page. A start goes on from a saved state of
 * the ready guest if there is one, and otherwise boots and saves one.
 *
 *   load ─► new V86 ─► machineReady (controllers attach) ─┬─► restore ─► set the clock ─────────► ready
 *                                                         └─► boot ─► agent is there ─► save ──► ready
 */
import { V86, type V86Options } from "v86";
import { Agent, type ExecOptions, type ExecResult } from "./agent.ts";
import type { GuestFiles } from "./guest-files.ts";
import type { GuestFile, GuestManifest } from "./image/manifest.ts";
import { SerialPort } from "./serial-port.ts";
import { type StateStore, stateKey } from "./state-store.ts";
import { whenLoaded } from "./v86.ts";
import { listenToBios } from "./v86-bios-log.ts";
import { V86_TESTED } from "./v86-internals.ts";
import { setCompiling } from "./v86-jit.ts";

const MIB = 2 ** 20;
/** v86 puts the initrd here; Linux unpacks it into the RAM that is left. */
const INITRD_ADDRESS = 64 * MIB;
const BOOT_PATIENCE_MS = 180_000;
const RESTORE_PATIENCE_MS = 20_000;

export interface GuestProgress {
  readonly stage: "loading" | "restoring" | "booting" | "ready";
  /** 0 to 1, of the whole start. */
  readonly fraction: number;
}

/** Undoes what `machineReady` did, when a saved state turns out to be of no use and another machine is made. */
export type Undo = () => Promise<void> | void;

export interface GuestOptions {
  readonly files: GuestFiles;
  /** Where v86.wasm is: a path in Node, an address in a page. */
  readonly wasm: string;
  /** Default: as the image's manifest says. */
  readonly memoryMiB?: number;
  /** A cpio archive, unpacked over the image's files: see writeCpio(). */
  readonly overlay?: Uint8Array;
  /** A disk for v86's own IDE, kept in memory. */
  readonly hda?: Uint8Array<ArrayBuffer>;
  /** "bios": no kernel; the BIOS boots what it finds, and there is no agent. Default "linux". */
  readonly boot?: "linux" | "bios";
  /** More of v86's options, such as a screen. */
  readonly v86?: Partial<V86Options>;
  /** The machine is made and does not run yet: the time to attach controllers. */
  machineReady?(emulator: V86): Promise<Undo | undefined>;
  /** Bytes from the guest's console, its first serial port. */
  onConsole?(bytes: Uint8Array): void;
  /** What the BIOS says. */
  onBiosLog?(bytes: Uint8Array): void;
  onProgress?(progress: GuestProgress): void;
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
  /** It went on from a saved state instead of booting. */
  resumed = false;
  /** Settles when the state of a guest that has just booted is kept. Never rejects: a state is a convenience. */
  saved: Promise<void> = Promise.resolve();
  readonly #console: SerialPort;
  readonly #agentPort: SerialPort;
  readonly #agent: Agent;

  private constructor(emulator: V86, options: GuestOptions) {
    this.emulator = emulator;
    this.#console = new SerialPort(emulator, 0);
    this.#console.onBytes = (bytes) => options.onConsole?.(bytes);
    this.#agentPort = new SerialPort(emulator, 1);
    this.#agent = new Agent(this.#agentPort);
  }

  /** Resolves when the guest's agent takes commands; with `boot: "bios"`, as soon as the machine runs. */
  static async start(options: GuestOptions): Promise<Guest> {
    const manifest = await options.files.manifest();
    const key = await keyOf(options, manifest);
    const state = key && (await options.states?.get(key).catch(() => undefined));
    if (key && state) {
      const guest = await Guest.#resume(options, manifest, state);
      if (guest) return guest;
      await options.states?.delete(key).catch(() => {});
    }
    return Guest.#boot(options, manifest, key);
  }

  /** Types into the guest's console. */
  write(text: string): void {
    this.#console.write(new TextEncoder().encode(text));
  }

  /** Runs a shell command in the guest, beside what the console does. */
  exec(command: string, options?: ExecOptions): Promise<ExecResult> {
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

  /** The whole machine as it is now, software devices included. Real ones will come back as an unplug and a plug. */
  async saveState(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.emulator.save_state());
  }

  async stop(): Promise<void> {
    this.#agent.close(new Error("The guest was stopped."));
    this.#console.close();
    this.#agentPort.close();
    await this.emulator.destroy();
  }

  static async #boot(options: GuestOptions, manifest: GuestManifest, key: string | undefined): Promise<Guest> {
    const wanted: GuestFile[] = options.boot === "bios" ? ["bios", "vgaBios"] : ["bios", "vgaBios", "kernel", "initrd"];
    const { guest, undo } = await Guest.#make(options, manifest, await load(options, manifest, wanted, 0.4));
    if (options.boot === "bios") {
      void guest.emulator.run();
      options.onProgress?.({ stage: "ready", fraction: 1 });
      return guest;
    }
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

  /** Undefined when the state is of no use. */
  static async #resume(
    options: GuestOptions,
    manifest: GuestManifest,
    state: Uint8Array<ArrayBuffer>,
  ): Promise<Guest | undefined> {
    const files = await load(options, manifest, ["bios", "vgaBios"], 0.5);
    const { guest, undo } = await Guest.#make(options, manifest, files);
    try {
      options.onProgress?.({ stage: "restoring", fraction: 0.5 });
      await guest.emulator.restore_state(state.buffer);
      void guest.emulator.run();
      const setClock = `date -s @${(Date.now() / 1000).toFixed(0)}`;
      const { status } = await guest.interpreted(() => guest.exec(setClock, { timeout: RESTORE_PATIENCE_MS }));
      if (status !== 0) throw new GuestBootError(`The guest's clock could not be set (status ${status}).`);
    } catch {
      await guest.stop();
      await undo?.();
      return undefined;
    }
    guest.resumed = true;
    options.onProgress?.({ stage: "ready", fraction: 1 });
    return guest;
  }

  static async #make(options: GuestOptions, manifest: GuestManifest, files: LoadedFiles) {
    const memory = memorySize(options, manifest);
    const image = (bytes: Uint8Array<ArrayBuffer> | undefined) => bytes && { buffer: bytes.buffer };
    const initrd = files.initrd && withOverlay(files.initrd, options.overlay, memory);
    const emulator = new V86({
      disable_speaker: true,
      ...options.v86,
      wasm_path: options.wasm,
      memory_size: memory,
      autostart: false,
      uart1: true,
      ...given({
        bios: image(files.bios),
        vga_bios: image(files.vgaBios),
        bzimage: image(files.kernel),
        initrd: image(initrd),
        hda: image(options.hda),
        cmdline: files.kernel && manifest.cmdline,
      }),
    });
    await whenLoaded(emulator);
    if (options.onBiosLog) listenToBios(emulator, options.onBiosLog);
    const guest = new Guest(emulator, options);
    const undo = await options.machineReady?.(emulator);
    return { guest, undo };
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

type LoadedFiles = Partial<Record<GuestFile, Uint8Array<ArrayBuffer>>>;

/** A disk would be part of the state, and what a BIOS boots has no moment of being ready. */
async function keyOf(options: GuestOptions, manifest: GuestManifest): Promise<string | undefined> {
  if (!options.states || options.hda || options.boot === "bios") return undefined;
  return stateKey([
    manifest.id,
    memorySize(options, manifest),
    options.overlay ?? "no overlay",
    V86_TESTED,
    ...(options.stateKey ?? []),
  ]);
}

function memorySize(options: GuestOptions, manifest: GuestManifest): number {
  return (options.memoryMiB ?? manifest.memoryMiB) * MIB;
}

/** Loads files side by side; the progress goes up to `share`. */
async function load(options: GuestOptions, manifest: GuestManifest, wanted: readonly GuestFile[], share: number) {
  const total = wanted.reduce((sum, file) => sum + manifest.sizes[file], 0);
  const loaded = new Map<GuestFile, number>();
  const files: LoadedFiles = {};
  options.onProgress?.({ stage: "loading", fraction: 0 });
  await Promise.all(
    wanted.map(async (file) => {
      files[file] = await options.files.load(file, (bytes) => {
        loaded.set(file, bytes);
        const sum = [...loaded.values()].reduce((a, b) => a + b, 0);
        options.onProgress?.({ stage: "loading", fraction: share * Math.min(1, sum / total) });
      });
    }),
  );
  return files;
}

/** Linux unpacks archives one behind another; each begins at a multiple of four. */
function withOverlay(initrd: Uint8Array<ArrayBuffer>, overlay: Uint8Array | undefined, memory: number) {
  const start = (initrd.length + 3) & ~3;
  const size = start + (overlay?.length ?? 0);
  // Its files are unpacked while it is still there.
  if (INITRD_ADDRESS + 2 * size > memory) {
    const needed = Math.ceil((INITRD_ADDRESS + 2 * size) / MIB / 64) * 64;
    throw new GuestBootError(`The guest's files need more memory: at least ${needed} MiB.`);
  }
  if (!overlay) return initrd;
  const both = new Uint8Array(size);
  both.set(initrd);
  both.set(overlay, start);
  return both;
}

/** Without the properties that are undefined. */
function given<T extends object>(properties: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
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
