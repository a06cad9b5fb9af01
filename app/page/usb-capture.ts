/** A capture of what the hub carries, kept in the page's memory until another one begins. */

import { CAPTURE_FULL, CAPTURE_STARTED, CAPTURE_STOPPED, captureNote } from "../hub/words.ts";
import type { UsbHost } from "../index.ts";

export const CAPTURE_MAX = 64 * 2 ** 20;
const PIECE = 2 ** 20;
/** The type of a packet's block: those of the file's head do not count. */
const ENHANCED_PACKET = 6;

export interface CaptureHooks {
  /** Has the hub to listen to, while the guest runs. */
  host(): Pick<UsbHost, "capture"> | undefined;
  announce(words: string): void;
}

export interface CaptureFile {
  readonly name: string;
  readonly url: string;
}

export class UsbCapture {
  readonly #hooks: CaptureHooks;
  readonly #max: number;
  #state: "none" | "running" | "stopped" | "full" = "none";
  #stop: (() => void) | undefined;
  /** All but the last one are full. */
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;
  #packets = 0;
  #file: CaptureFile | undefined;

  constructor(hooks: CaptureHooks, max = CAPTURE_MAX) {
    this.#hooks = hooks;
    this.#max = max;
  }

  get running(): boolean {
    return this.#state === "running";
  }

  /** What is to be saved, once it has stopped. */
  get file(): CaptureFile | undefined {
    return this.#file;
  }

  get note(): string {
    return captureNote(this.#state, this.#packets, this.#bytes);
  }

  /** Forgets the last capture. */
  start(): void {
    const host = this.#hooks.host();
    if (!host || this.running) return;
    if (this.#file) URL.revokeObjectURL(this.#file.url);
    this.#file = undefined;
    this.#pieces = [];
    this.#bytes = 0;
    this.#packets = 0;
    this.#state = "running";
    this.#stop = host.capture((block) => this.#take(block));
    this.#hooks.announce(CAPTURE_STARTED);
  }

  stop(): void {
    this.#end("stopped");
  }

  /** In the midst of the guest's work. */
  #take(block: Uint8Array): void {
    if (!this.running) return;
    if (this.#bytes + block.length > this.#max) {
      this.#end("full");
      return;
    }
    if (block[0] === ENHANCED_PACKET) this.#packets++;
    for (let done = 0; done < block.length; ) {
      const used = this.#bytes % PIECE;
      if (used === 0) this.#pieces.push(new Uint8Array(PIECE));
      const count = Math.min(PIECE - used, block.length - done);
      this.#pieces.at(-1)?.set(block.subarray(done, done + count), used);
      this.#bytes += count;
      done += count;
    }
  }

  #end(state: "stopped" | "full"): void {
    if (!this.running) return;
    this.#state = state;
    this.#stop?.();
    this.#stop = undefined;
    const last = this.#pieces.pop()?.slice(0, this.#bytes % PIECE || PIECE);
    const blob = new Blob([...this.#pieces, ...(last ? [last] : [])], { type: "application/x-pcapng" });
    this.#pieces = [];
    const time = new Date().toISOString().slice(0, 19).replaceAll(/[T:]/g, "-");
    this.#file = { name: `pvusb-${time}.pcapng`, url: URL.createObjectURL(blob) };
    this.#hooks.announce(state === "full" ? CAPTURE_FULL : CAPTURE_STOPPED);
  }
}
