/** Tables as Markdown, so that they can be pasted where they are needed. */
import { BARS, type Where } from "../../app/bench/bars.ts";
import { type Row, reaches } from "../../app/bench/row.ts";

const HEAD = ["", "ours", "rival", "ratio", "[min..max]", "bar", ""] as const;

export function print(title: string, rows: readonly Row[]): string {
  const cells = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  const [head = [], ...rest] = cells;
  const table = [line(head), line(widths.map((width) => "-".repeat(width))), ...rest.map(line)];
  return [`## ${title}`, "", ...table, "", ...rows.flatMap(curveOf), ...rows.flatMap(stagesOf)].join("\n");
}

function curveOf({ name, unit, curve }: Row): string[] {
  if (!curve) return [];
  const points = curve.points.map(({ x, ours }) => `${x}: ${short(ours)} ${unit}`);
  return [`- ${name} (${curve.over}): ${points.join(", ")}`];
}

function stagesOf({ name, stages }: Row): string[] {
  if (!stages) return [];
  return [`- ${name}: ${stages.map((each) => `${each.name} ${each.microseconds.toFixed(1)} µs`).join(", ")}`];
}

/** Bars of these sections and places that no row stands for. */
export function unmeasured(rows: readonly Row[], sections: readonly string[], places: readonly Where[]): string[] {
  return BARS.filter(({ section }) => sections.includes(section)).flatMap(({ name, at }) =>
    places
      .filter((where) => at[where] !== undefined && !rows.some((row) => row.name === name && row.where === where))
      .map((where) => `${name} (${where})`),
  );
}

function cellsOf(row: Row): string[] {
  const { name, unit, ours, rival, ratio, spread, bar, higherIsBetter, bytesEach } = row;
  const figure = (value: number) =>
    bytesEach === undefined
      ? `${short(value)} ${unit}`
      : `${short(value)} ${unit}, ${short((value * bytesEach) / 1e6)} MB/s`;
  return [
    name,
    figure(ours),
    rival === null ? "" : figure(rival),
    ratio.toFixed(2),
    `[${spread.min.toFixed(2)}..${spread.max.toFixed(2)}]`,
    bar === null ? "" : `${higherIsBetter ? "≥" : "≤"} ${bar}`,
    bar === null ? "" : reaches(row) ? "reached" : "MISSED",
  ];
}

function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)} k`;
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
