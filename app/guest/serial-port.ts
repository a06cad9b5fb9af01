/** One of the guest's serial ports: bytes out in batches, bytes in no faster than the guest takes them. */
import type { V86 } from "v86";

/** v86 holds 4096 bytes for the guest and silently drops what is beyond. */
const BURST = 512;
const PAUSE_MS = 8;

export class SerialPort {
  readonly #emulator: V86;
  readonly #number: 0 | 1;
  #batch: number[] = [];
  #queue: Uint8Array[] = [];
  #sending = false;
  /** Called with what the guest sent during one slice. */
  onBytes: ((bytes: Uint8Array) => void) | undefined;

  constructor(emulator: V86, number: 0 | 1) {
    this.#emulator = emulator;
    this.#number = number;
    emulator.add_listener(`serial${number}-output-byte`, (byte) => {
      // A microtask runs after the slice in which the bytes came.
      if (this.#batch.length === 0) queueMicrotask(() => this.#deliver());
      this.#batch.push(byte);
    });
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += BURST) this.#queue.push(bytes.slice(at, at + BURST));
    if (!this.#sending) this.#send();
  }

  close(): void {
    this.#queue = [];
    this.onBytes = undefined;
  }

  #deliver(): void {
    const bytes = Uint8Array.from(this.#batch);
    this.#batch = [];
    this.onBytes?.(bytes);
  }

  #send(): void {
    const bytes = this.#queue.shift();
    this.#sending = bytes !== undefined;
    if (!bytes) return;
    this.#emulator.serial_send_bytes(this.#number, bytes);
    setTimeout(() => this.#send(), PAUSE_MS);
  }
}
