/** What both threads of a traffic test know: the seeded random numbers, and the bytes of every payload. */
export interface TrafficOptions {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly seed: number;
  /** URBs to be answered. */
  readonly urbs: number;
  /** URBs in flight at once. */
  readonly depth: number;
  /** Where the rings' counters start. */
  readonly counter: number;
  /** Between bursts: Atomics.waitAsync, or looking again and again. */
  readonly waiting: "sleep" | "poll";
  readonly lengths: "small" | "mixed";
  /** The back never answers a URB whose number is from here on. */
  readonly silentFrom: number;
  /** The back writes this many random words over all but the payloads, from its 1000th URB on. */
  readonly garbage: number;
}

export interface FrontReport {
  readonly answered: number;
  readonly cancelled: number;
  readonly bytes: number;
  readonly events: number;
  readonly violation: number;
  /** Sentences; an honest back leaves it empty. */
  readonly complaints: readonly string[];
}

export interface BackReport {
  readonly taken: number;
  readonly events: number;
  readonly complaints: readonly string[];
}

/** A generator of u32 (xorshift), the same in both threads and in every run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed || 1;
  }

  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  below(bound: number): number {
    return this.next() % bound;
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.next() % times === 0;
  }
}

const OFFSETS = 1 << 16;
const LONGEST = 3 << 19;

/** Random bytes; a payload is a part of them that the URB names by its offset. */
export class Bytes {
  readonly #bytes = new Uint8Array(OFFSETS + LONGEST);

  constructor(seed: number) {
    const random = new Random(seed);
    const words = new Uint32Array(this.#bytes.buffer);
    for (let index = 0; index < words.length; index++) words[index] = random.next();
  }

  part(offset: number, length: number): Uint8Array {
    return this.#bytes.subarray(offset % OFFSETS, (offset % OFFSETS) + length);
  }

  /** Compares without a loop over bytes in JavaScript. */
  equal(offset: number, actual: Uint8Array): boolean {
    return Buffer.compare(this.part(offset, actual.length), actual) === 0;
  }
}

export function randomLength(random: Random, lengths: TrafficOptions["lengths"]): number {
  const kind = random.below(1000);
  if (lengths === "small" || kind < 700) return random.below(65);
  if (kind < 960) return random.below(4097);
  if (kind < 998) return random.below(100_000);
  return random.below(LONGEST);
}
