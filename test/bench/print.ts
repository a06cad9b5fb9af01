/** Tables as Markdown, so that they can be pasted where they are needed. */
import type { Cell, Spread, Table } from "./section.ts";

export function print(table: Table): string {
  const cells = [table.columns, ...table.rows.map((row) => row.map(text))];
  const widths = table.columns.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  const [head = [], ...rows] = cells;
  return [
    `## ${table.title}`,
    ...table.notes,
    "",
    line(head),
    line(widths.map((width) => "-".repeat(width))),
    ...rows.map(line),
    "",
  ].join("\n");
}

function text(cell: Cell): string {
  if (typeof cell === "string") return cell;
  return `${short(cell.median, cell.unit)} [${short(cell.min, cell.unit)}..${short(cell.max, cell.unit)}]`;
}

function short(value: number, unit: Spread["unit"]): string {
  if (unit === "ratio") return value.toFixed(2);
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)} k`;
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
