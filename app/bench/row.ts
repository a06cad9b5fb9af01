/** What a benchmark says: one row a comparison, its figures taken in rounds. */
import { barOf, type Where } from "./bars.ts";

/** One figure a round. */
export type Figures = readonly number[];

export interface Row {
  /** Stable: what is in BARS is looked for by it. */
  readonly name: string;
  readonly where: Where;
  /** Of `ours` and `rival`: "1/s", "MB/s". */
  readonly unit: string;
  /** Medians. Without a rival, `ratio` is ours. */
  readonly ours: number;
  readonly rival: number | null;
  readonly ratio: number;
  /** What `ratio` must reach, or must not exceed when lower is better. Null: only to be known. */
  readonly bar: number | null;
  readonly higherIsBetter: boolean;
  /** How many counted so far. */
  readonly rounds: number;
  /** Of the ratios of single rounds. */
  readonly spread: { readonly min: number; readonly max: number };
  /** What the medians are of, a figure a round. */
  readonly figures: { readonly ours: Figures; readonly rival: Figures | null };
  /** Where the unit is 1/s: bytes that each one moves. */
  readonly bytesEach?: number;
  /** Medians at several counts: a curve. */
  readonly curve?: Curve;
  /** Where the time of one went: medians, in order. */
  readonly stages?: readonly { readonly name: string; readonly microseconds: number }[];
}

export interface Curve {
  /** What is counted along the x axis: "devices at once". */
  readonly over: string;
  readonly points: readonly { readonly x: number; readonly ours: number }[];
}

export interface Comparison {
  readonly name: string;
  readonly where: Where;
  readonly unit: string;
  readonly ours: Figures;
  readonly rival?: Figures | undefined;
  /** Where the name has no bar, and lower is better. */
  readonly higherIsBetter?: boolean;
  readonly bytesEach?: number;
  readonly curve?: Curve;
  readonly stages?: Row["stages"];
}

export function makeRow(comparison: Comparison): Row {
  const { name, where, unit, ours, rival, higherIsBetter, bytesEach, curve, stages } = comparison;
  const bar = barOf(name, where);
  const ratios = rival ? ours.map((figure, round) => figure / (rival[round] ?? Number.NaN)) : ours;
  const own = median(ours);
  const its = rival ? median(rival) : null;
  return {
    name,
    where,
    unit,
    ours: own,
    rival: its,
    ratio: its === null ? own : own / its,
    bar: bar?.value ?? null,
    higherIsBetter: bar?.higherIsBetter ?? higherIsBetter ?? true,
    rounds: ours.length,
    spread: { min: Math.min(...ratios), max: Math.max(...ratios) },
    figures: { ours: [...ours], rival: rival ? [...rival] : null },
    ...(bytesEach !== undefined && { bytesEach }),
    ...(curve && { curve }),
    ...(stages && { stages }),
  };
}

/** Does the row reach its bar? Undefined without one. */
export function reaches({ ratio, bar, higherIsBetter }: Pick<Row, "ratio" | "bar" | "higherIsBetter">) {
  if (bar === null) return undefined;
  return higherIsBetter ? ratio >= bar : ratio <= bar;
}

/** NaN of nothing. */
export function median(figures: Figures): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return sorted.length & 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
}

/** Round by round the better of two rivals. */
export function better(one: Figures, other: Figures): Figures {
  return one.map((figure, round) => Math.max(figure, other[round] ?? figure));
}
