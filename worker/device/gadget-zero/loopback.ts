/**
 * What is sent to an OUT endpoint comes back on an IN endpoint, transfer by transfer.
 *
 *   OUT ──▶ [ bytes, at most 128 KiB, with an end behind each transfer ] ──▶ IN
 *
 * An OUT transfer is answered when all of it is in the buffer; until the host reads, one for which there is no room waits,
 * as behind a NAK. An IN transfer ends where the OUT transfer ended, when it is full, or with a full buffer.
 */
import { STATUS_OK } from "../../../asm/layout.ts";
import type { Saved } from "../../../asm/saved.ts";
import type { Endpoint } from "../endpoint.ts";

const CAPACITY = 128 << 10;
/** Ends, so that transfers without data are bounded too. */
const ENDS_MAX = 256;

export class Loopback {
  readonly #in: Endpoint | undefined;
  readonly #out: Endpoint | undefined;
  readonly #bytes = new Uint8Array(CAPACITY);
  /** Bytes that came in and went out; free-running, so that their difference is what is there. */
  #received = 0;
  #sent = 0;
  /** `#received` at the end of each transfer that is not sent whole. */
  #ends: number[] = [];
  /** Bytes taken of the OUT transfer that waits. */
  #taken = 0;

  constructor(bulkIn: Endpoint | undefined, bulkOut: Endpoint | undefined) {
    this.#in = bulkIn;
    this.#out = bulkOut;
  }

  ready(): void {
    while (this.#take() || this.#give());
  }

  /** The host has given up a transfer: what was taken of it is one. */
  withdrawn(endpoint: Endpoint): void {
    if (endpoint === this.#out && this.#taken > 0) {
      this.#ends.push(this.#received);
      this.#taken = 0;
    }
    this.ready();
  }

  /** Bytes taken of a transfer that waits stay taken: it comes again, and goes on behind them. */
  save(): unknown {
    const bytes = new Uint8Array(this.#received - this.#sent);
    for (let at = 0; at < bytes.length; at++) bytes[at] = this.#bytes[(this.#sent + at) % CAPACITY] ?? 0;
    return { bytes, ends: this.#ends.map((end) => end - this.#sent), taken: this.#taken };
  }

  /** A fresh one. */
  restore(saved: Saved): void {
    const bytes = saved.bytes("bytes", CAPACITY, 0);
    const ends = saved.integers("ends", bytes.length, ENDS_MAX);
    if (ends.some((end, index) => end < (ends[index - 1] ?? 0))) throw saved.wrong("ends");
    const taken = saved.integer("taken");
    this.#bytes.set(bytes);
    this.#received = bytes.length;
    this.#sent = 0;
    this.#ends = [...ends];
    this.#taken = taken;
  }

  /** Takes what there is room for. False when nothing moved. */
  #take(): boolean {
    const request = this.#out?.head;
    if (!request || this.#ends.length === ENDS_MAX) return false;
    const room = CAPACITY - (this.#received - this.#sent);
    const start = this.#received % CAPACITY;
    const target = this.#bytes.subarray(start, start + Math.min(room, CAPACITY - start));
    const count = target.length === 0 ? 0 : request.read(target, this.#taken);
    this.#received += count;
    this.#taken += count;
    if (this.#taken < request.length) return count > 0;
    this.#ends.push(this.#received);
    this.#taken = 0;
    this.#out?.complete(STATUS_OK, request.length);
    return true;
  }

  /** Answers one IN transfer. False when it has to wait. */
  #give(): boolean {
    const request = this.#in?.head;
    if (!request) return false;
    const end = this.#ends[0];
    const available = (end ?? this.#received) - this.#sent;
    if (end === undefined && available < Math.min(request.length, CAPACITY)) return false;
    const count = Math.min(available, request.length);
    const start = this.#sent % CAPACITY;
    const before = Math.min(count, CAPACITY - start);
    if (before > 0) request.write(this.#bytes.subarray(start, start + before));
    if (count > before) request.write(this.#bytes.subarray(0, count - before), before);
    this.#sent += count;
    if (this.#sent === end) this.#ends.shift();
    this.#in?.complete(STATUS_OK, count);
    return true;
  }
}
