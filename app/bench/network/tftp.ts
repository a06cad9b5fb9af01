/** A TFTP server (RFC 1350) with the option blksize (RFC 2348): a datagram, then its answer, so it is latency that is measured. */

const RRQ = 1;
const WRQ = 2;
const DATA = 3;
const ACK = 4;
const OACK = 6;
export const BLOCK_SIZE = 1428;
const OPTIONS = Uint8Array.of(0, OACK, ...new TextEncoder().encode(`blksize\0${BLOCK_SIZE}\0`));
const HEADER = 4;

/** Of one file, to be read and to be written, one after another. */
export class Tftp {
  readonly #file: Uint8Array;
  /** What the guest wrote. */
  readonly written: Uint8Array;
  readonly #out = new Uint8Array(HEADER + BLOCK_SIZE);
  #began = 0;
  #heard = 0;

  constructor(file: Uint8Array) {
    this.#file = file;
    this.written = new Uint8Array(file.length);
  }

  /** From the last request to the last datagram. */
  get milliseconds(): number {
    return this.#heard - this.#began;
  }

  hear(datagram: Uint8Array): Uint8Array | undefined {
    if (datagram.length < HEADER) return undefined;
    const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    const operation = view.getUint16(0);
    this.#heard = performance.now();
    if (operation === ACK) return this.#data(view.getUint16(2) + 1);
    if (operation === DATA) return this.#take(view.getUint16(2), datagram.subarray(HEADER));
    if (operation !== RRQ && operation !== WRQ) return undefined;
    this.#began = this.#heard;
    return OPTIONS;
  }

  #data(block: number): Uint8Array | undefined {
    const start = (block - 1) * BLOCK_SIZE;
    if (start > this.#file.length) return undefined; // the last one is acknowledged
    const data = this.#file.subarray(start, start + BLOCK_SIZE);
    this.#head(DATA, block);
    this.#out.set(data, HEADER);
    return this.#out.subarray(0, HEADER + data.length);
  }

  #take(block: number, data: Uint8Array): Uint8Array {
    const start = (block - 1) * BLOCK_SIZE;
    if (start >= 0 && start + data.length <= this.written.length) this.written.set(data, start);
    this.#head(ACK, block);
    return this.#out.subarray(0, HEADER);
  }

  #head(operation: number, block: number): void {
    this.#out.set([0, operation, block >> 8, block]);
  }
}
