/** Bytes on their way: a ring of a fixed size. */
import type { Saved } from "../../asm/saved.ts";

export class ByteFifo {
  readonly #bytes: Uint8Array;
  /** Bytes that came in and went out; free-running, so that their difference is what is there. */
  #pushed = 0;
  #taken = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  get length(): number {
    return this.#pushed - this.#taken;
  }

  /** False when there is no room for it. */
  push(byte: number): boolean {
    if (this.length === this.capacity) return false;
    this.#bytes[this.#pushed++ % this.capacity] = byte;
    return true;
  }

  /** The byte that is `at` behind the oldest. */
  peek(at: number): number {
    return this.#bytes[(this.#taken + at) % this.capacity] ?? 0;
  }

  /** Moves the oldest `count` bytes to `at`. */
  take(into: Uint8Array, at: number, count: number): void {
    for (let index = 0; index < count; index++) into[at + index] = this.peek(index);
    this.#taken += count;
  }

  takeAll(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.length);
    this.take(bytes, 0, bytes.length);
    return bytes;
  }

  clear(): void {
    this.#taken = this.#pushed;
  }

  save(): Uint8Array {
    return Uint8Array.from({ length: this.length }, (_, at) => this.peek(at));
  }

  /** A way to become what `save` said, checked. */
  read(saved: Saved, field: string): () => void {
    const bytes = saved.bytes(field, this.capacity, 0);
    return () => {
      this.clear();
      for (const byte of bytes) this.push(byte);
    };
  }
}
