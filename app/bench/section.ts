/**
 * A section of the benchmark measures one thing, in Node and in a page alike, and tells a row again after every round, so
 * that a chart can follow it. The last telling of a name counts.
 */
import type { GuestFiles } from "../guest/guest-files.ts";
import type { Where } from "./bars.ts";
import { type Comparison, makeRow, type Row } from "./row.ts";

export interface Section {
  readonly name: string;
  /** What a person reads above its rows. */
  readonly title: string;
  /** How it is measured and what is counted, in a few sentences. */
  readonly notes: string;
  run(bench: Bench): Promise<void>;
}

/** Where it runs. */
export interface BenchPlace {
  readonly where: Where;
  /** The default guest's files, and where v86.wasm is. */
  readonly guest: { readonly files: GuestFiles; readonly wasm: string };
  /** Milliseconds of processor time that this program has used, over all its threads, where that can be told. */
  cpuTime?(): Promise<number>;
  /** The WebUSB device that the person has chosen for the benchmark; without one there is none. */
  usbDevice?(): Promise<USBDevice | undefined>;
}

export interface BenchOptions {
  /** Rounds that count; one more before them warms up. */
  readonly rounds: number;
  readonly signal?: AbortSignal;
  onRow?(row: Row): void;
  /** What is being done now, in a few words. */
  onStage?(words: string): void;
  /** Why a section has not all of its rows, in a sentence. */
  onSkip?(words: string): void;
}

/** What a run of a section has in its hands. */
export class Bench {
  readonly place: BenchPlace;
  readonly rounds: number;
  readonly #options: BenchOptions;
  readonly #rows = new Map<string, Row>();

  constructor(place: BenchPlace, options: BenchOptions) {
    this.place = place;
    this.rounds = options.rounds;
    this.#options = options;
  }

  get rows(): readonly Row[] {
    return [...this.#rows.values()];
  }

  stage(words: string): void {
    this.#options.signal?.throwIfAborted();
    this.#options.onStage?.(words);
  }

  /** Tells a person why rows are missing. */
  skip(words: string): void {
    this.#options.onSkip?.(words);
  }

  /** A row as it is after the rounds so far. */
  row(comparison: Omit<Comparison, "where">): void {
    const row = makeRow({ ...comparison, where: this.place.where });
    this.#rows.set(row.name, row);
    this.#options.onRow?.(row);
  }

  /**
   * The ways of doing the same work take turns: one round of each that does not count, then `rounds` that do, each beginning
   * with another way. After each of these `told` hears every way's figures so far. Rejects once the signal is given.
   */
  async alternate<K extends string>(
    ways: Readonly<Record<K, () => Promise<number>>>,
    told: (figures: Readonly<Record<K, readonly number[]>>) => void,
  ): Promise<void> {
    const names = Object.keys(ways) as K[];
    const figures = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, number[]>;
    for (let round = -1; round < this.rounds; round++) {
      for (let turn = 0; turn < names.length; turn++) {
        this.#options.signal?.throwIfAborted();
        const name = names[(turn + round + names.length) % names.length] as K;
        const figure = await ways[name]();
        if (round >= 0) figures[name].push(figure);
      }
      if (round >= 0) told(figures);
    }
  }
}

/** Runs the sections one after another. Answers their rows. */
export async function runBench(
  sections: readonly Section[],
  place: BenchPlace,
  options: BenchOptions,
): Promise<readonly Row[]> {
  const bench = new Bench(place, options);
  for (const section of sections) {
    bench.stage(section.title);
    await section.run(bench);
  }
  return bench.rows;
}
