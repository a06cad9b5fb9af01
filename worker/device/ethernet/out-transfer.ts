/** A transfer of a bulk OUT endpoint, put together from the requests that carry it: a short packet ends it (USB 2.0 §5.8.3). */
import type { Request } from "../../request.ts";

export class OutTransfer {
  readonly bytes: Uint8Array;
  #length = 0;

  /** `capacity` is the longest transfer, a number of whole packets: that many bytes end it, too. */
  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Takes all of a request, and calls `whole` for every transfer that ends in it; its bytes are the first `length`. */
  take(request: Request, maxPacketSize: number, whole: (length: number) => void): void {
    let offset = 0;
    while (offset < request.length) {
      const count = request.read(this.bytes.subarray(this.#length), offset);
      offset += count;
      this.#length += count;
      if (this.#length === this.bytes.length) this.#end(whole);
    }
    const short = request.length === 0 || request.length % maxPacketSize !== 0;
    if (short && this.#length > 0) this.#end(whole);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Of a transfer that has begun and not ended. */
  save(): Uint8Array {
    return this.bytes.slice(0, this.#length);
  }

  restore(begun: Uint8Array): void {
    this.bytes.set(begun);
    this.#length = begun.length;
  }

  #end(whole: (length: number) => void): void {
    const length = this.#length;
    this.#length = 0;
    whole(length);
  }
}
