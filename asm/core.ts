/** Loads the core (the AssemblyScript of this folder) over a link's shared memory, for either side. */
import type { instantiate as instantiateRaw } from "./build/core.js";
import {
  BLOCK_SIZE,
  HEADER,
  HEADER_STAMPING,
  MEMORY_PAGES,
  MEMORY_SIZE,
  RING_PRODUCER,
  URB_SIZE,
  URB_TABLE,
} from "./layout.ts";

/** The core's exports, typed by asc from their source. */
export type CoreExports = Awaited<ReturnType<typeof instantiateRaw>>;

/** Where the core's code comes from: the package's own file, another address, bytes, or a compiled module. */
export type CoreSource = URL | string | BufferSource | WebAssembly.Module;

/** The compiled core. In Node a `file:` address is read from disk; anything else is fetched. */
export async function compileCore(
  source: CoreSource = new URL("./build/core.wasm", import.meta.url),
): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (!(source instanceof URL) && typeof source !== "string") return WebAssembly.compile(source);
  const url = new URL(/* webpackIgnore: true */ source, import.meta.url);
  if (url.protocol === "file:") {
    const fs = "node:fs/promises"; // a bundler for the browser must not follow this
    const { readFile } = (await import(
      /* webpackIgnore: true */ /* @vite-ignore */ fs
    )) as typeof import("node:fs/promises");
    return WebAssembly.compile(new Uint8Array(await readFile(url)));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The pvusb core could not be loaded from ${url.href}: HTTP ${response.status}.`);
  return WebAssembly.compile(await response.arrayBuffer());
}

/** A fresh memory for one link. 32 MiB of address space; what is never touched costs nothing. */
export function createMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES, shared: true });
}

/** Up to here a loop over bytes is faster than the view that a copy in one piece needs. */
const BYTE_BY_BYTE = 128;

/** So long a thread may look at a ring without a sleep, before its other tasks get their turn. */
const TURN_MS = 1;

/** µs since 1970, with a fraction: nearly the same on every thread. */
export function moment(): number {
  return (performance.timeOrigin + performance.now()) * 1000;
}

/** Made when it is first needed: a page that may not share memory still has to load this module, to be told so. */
let taskBell: Int32Array | undefined;

/** Node's. There what waitAsync resolves goes before timers and sockets, as often as it comes. */
const immediate = (globalThis as { setImmediate?: (task: () => void) => void }).setImmediate;

/** Resolves in a task of its own, in every environment and without a timer's delay. */
export async function nextTask(): Promise<void> {
  if (immediate) return new Promise(immediate);
  taskBell ??= new Int32Array(new SharedArrayBuffer(4));
  const result = Atomics.waitAsync(taskBell, 0, 0);
  Atomics.notify(taskBell, 0);
  if (result.async) await result.value;
}

/** One side's instance of the core over a link's memory. */
export class Core {
  readonly exports: CoreExports;
  readonly memory: WebAssembly.Memory;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #times: Float64Array<SharedArrayBuffer>;

  private constructor(exports: CoreExports, memory: WebAssembly.Memory) {
    const buffer: unknown = memory.buffer;
    if (!(buffer instanceof SharedArrayBuffer) || buffer.byteLength !== MEMORY_SIZE) {
      throw new TypeError("The link's memory must be a shared WebAssembly.Memory made by createMemory().");
    }
    this.exports = exports;
    this.memory = memory;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#times = new Float64Array(buffer);
  }

  static async instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Core> {
    const instance = await WebAssembly.instantiate(module, { env: { memory } });
    return new Core(instance.exports as unknown as CoreExports, memory);
  }

  /** The back notes in each URB when it took and answered it: for traces. */
  get stamping(): boolean {
    return this.#words[(HEADER + HEADER_STAMPING) >> 2] !== 0;
  }

  set stamping(on: boolean) {
    this.#words[(HEADER + HEADER_STAMPING) >> 2] = on ? 1 : 0;
  }

  /** Notes the time: URB_TAKEN or URB_ANSWERED. */
  stamp(slot: number, which: number): void {
    this.#times[(URB_TABLE + slot * URB_SIZE + which) >> 3] = moment();
  }

  /** What the other side has noted. */
  stamped(slot: number, which: number): number {
    return this.#times[(URB_TABLE + slot * URB_SIZE + which) >> 3] as number;
  }

  /** Copies `target.length` bytes of a slot's payload, from byte `offset` on, into `target`. */
  read(slot: number, offset: number, target: Uint8Array): void {
    const { length } = target;
    if (length <= BYTE_BY_BYTE && (offset % BLOCK_SIZE) + length <= BLOCK_SIZE) {
      const at = this.#address(slot, offset);
      for (let index = 0; index < length; index++) target[index] = this.#bytes[at + index] as number;
      return;
    }
    for (let done = 0; done < target.length; ) {
      const window = this.window(slot, offset + done, target.length - done);
      target.set(window, done);
      done += window.length;
    }
  }

  /** Copies `source` into a slot's payload from byte `offset` on. */
  write(slot: number, offset: number, source: Uint8Array): void {
    const { length } = source;
    if (length <= BYTE_BY_BYTE && (offset % BLOCK_SIZE) + length <= BLOCK_SIZE) {
      const at = this.#address(slot, offset);
      for (let index = 0; index < length; index++) this.#bytes[at + index] = source[index] as number;
      return;
    }
    for (let done = 0; done < source.length; ) {
      const window = this.window(slot, offset + done, source.length - done);
      window.set(done === 0 && window.length === source.length ? source : source.subarray(done, done + window.length));
      done += window.length;
    }
  }

  /**
   * The payload's bytes in place, from byte `offset` on: at most `length`, and at most up to the end of the block.
   * Allocates the view. The caller keeps offset + length within the URB's length.
   */
  window(slot: number, offset: number, length: number): Uint8Array<SharedArrayBuffer> {
    const at = this.#address(slot, offset);
    return this.#bytes.subarray(at, at + Math.min(length, BLOCK_SIZE - (offset % BLOCK_SIZE)));
  }

  /** In the shared memory, of a payload's byte. */
  #address(slot: number, offset: number): number {
    return (this.exports.block(slot, Math.floor(offset / BLOCK_SIZE)) >>> 0) + (offset % BLOCK_SIZE);
  }

  /**
   * Sleeps until the ring's producer moves past `seen` (as `frontArm`/`backArm` answered), or `rouse` is called.
   * Answers false, at once, when it already has.
   */
  async sleep(ring: number, seen: number): Promise<boolean> {
    const result = Atomics.waitAsync(this.#words, (ring + RING_PRODUCER) >> 2, seen | 0);
    if (result.async) await result.value;
    return result.async;
  }

  /**
   * Calls `look` whenever something new is on the ring, until it answers false. `spin` may wait for it in its own way first,
   * and answers whether it came. The thread's other tasks get their turn even when the other side is so busy that there is
   * never a reason to sleep.
   */
  async follow(ring: number, arm: () => number, look: () => boolean, spin?: () => boolean): Promise<void> {
    for (let awake = performance.now(); look(); ) {
      if (!spin?.() && (await this.sleep(ring, arm()))) awake = performance.now();
      else if (performance.now() - awake > TURN_MS) {
        await nextTask();
        awake = performance.now();
      }
    }
  }

  /** Wakes whoever sleeps on the ring, without a new entry. */
  rouse(ring: number): void {
    Atomics.notify(this.#words, (ring + RING_PRODUCER) >> 2);
  }
}
