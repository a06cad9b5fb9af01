/** A section of the benchmark measures one thing and answers tables; main.ts prints and stores them. */
export interface Section {
  readonly name: string;
  run(options: BenchOptions): Promise<Table[]>;
}

export interface BenchOptions {
  /** Rounds that count; one more before them warms up. */
  readonly rounds: number;
  /** Leave Chromium out, or Node. */
  readonly where: "both" | "node" | "chromium";
}

export interface Table {
  readonly title: string;
  /** How it was measured, and what is counted. */
  readonly notes: readonly string[];
  /** The first column is the row's name. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export type Cell = string | Spread;

/** One value a round. */
export interface Spread {
  readonly unit: "per s" | "MB/s" | "ratio";
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: readonly number[];
}

export function spread(unit: Spread["unit"], rounds: readonly number[]): Spread {
  const sorted = [...rounds].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = sorted.length >> 1;
  const median = sorted.length & 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { unit, median, min: at(0), max: at(sorted.length - 1), rounds };
}
