/** What was measured, for a file and for a link that carries it all. */
import { BARS, barOf, type Where } from "../../bench/bars.ts";
import type { Curve, Row } from "../../bench/row.ts";

export interface Machine {
  /** Processors that the browser tells of. */
  readonly cpus: number;
  /** The browser's own words for itself. */
  readonly browser: string;
  /** ISO 8601. */
  readonly at: string;
}

export interface SectionResult {
  readonly name: string;
  readonly rows: readonly Row[];
}

export interface BenchResult {
  readonly machine: Machine;
  readonly sections: readonly SectionResult[];
}

/** As `npm run bench -- --json` writes it. */
export function toJson({ machine, sections }: BenchResult): string {
  return `${JSON.stringify({ machine, rows: sections.flatMap(({ rows }) => rows) }, undefined, 1)}\n`;
}

/** Marks the part of an address that has a result. */
const KEY = "#result=";
/** More is no result of ours. */
const MOST_BYTES = 1 << 20;
const MOST_TEXT = 200;

/** For the end of the page's address. The figures of single rounds are left out, all else is there. */
export async function toLink(result: BenchResult): Promise<string> {
  const sections = result.sections.map(({ name, rows }) => ({
    name,
    rows: rows.map(({ figures: _, bar: __, ...row }) => row),
  }));
  const packed = await through(bytesOf(JSON.stringify({ ...result, sections })), new CompressionStream("deflate-raw"));
  return (
    KEY +
    btoa(String.fromCharCode(...packed))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "")
  );
}

/** Undefined for an address without a result. Rejects when it has one that is damaged: anybody may have made it. */
export async function fromLink(hash: string): Promise<BenchResult | undefined> {
  if (!hash.startsWith(KEY)) return undefined;
  const base64 = hash.slice(KEY.length).replaceAll("-", "+").replaceAll("_", "/");
  const packed = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const text = new TextDecoder().decode(await through(packed, new DecompressionStream("deflate-raw")));
  const { machine, sections } = JSON.parse(text);
  return {
    machine: { cpus: number(machine.cpus), browser: words(machine.browser), at: words(machine.at) },
    sections: list(sections).map((section) => ({
      name: words(section.name),
      rows: list(section.rows).map(readRow),
    })),
  };
}

/** Of anything that a link may have, before it is looked at. */
type Fields = Partial<
  Record<keyof Row | keyof SectionResult | keyof Curve | "min" | "max" | "x" | "microseconds", unknown>
>;

function readRow(value: Fields): Row {
  const name = words(value.name);
  const where: Where = value.where === "node" ? "node" : "chromium";
  const spread = record(value.spread);
  const rival = value.rival === null ? null : number(value.rival);
  return {
    name,
    where,
    unit: words(value.unit),
    ours: number(value.ours),
    rival,
    ratio: number(value.ratio),
    bar: barOf(name, where)?.value ?? null,
    higherIsBetter: value.higherIsBetter !== false,
    rounds: number(value.rounds),
    spread: { min: number(spread.min), max: number(spread.max) },
    figures: { ours: [], rival: null },
    ...(value.bytesEach !== undefined && { bytesEach: number(value.bytesEach) }),
    ...(value.stages !== undefined && {
      stages: list(value.stages).map((stage) => ({
        name: words(stage.name),
        microseconds: number(stage.microseconds),
      })),
    }),
    ...(value.curve !== undefined && { curve: readCurve(record(value.curve)) }),
  };
}

function readCurve({ over, points }: Fields): Curve {
  return { over: words(over), points: list(points).map(({ x, ours }) => ({ x: number(x), ours: number(ours) })) };
}

function list(value: unknown): Fields[] {
  if (!Array.isArray(value) || value.length > 10 * BARS.length) throw new Error("This is no list of a result.");
  return value.map(record);
}

function record(value: unknown): Fields {
  if (typeof value !== "object" || value === null) throw new Error("A part of the result is missing.");
  return value as Fields;
}

function number(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Error("A figure of the result is missing.");
  return value;
}

function words(value: unknown): string {
  if (typeof value !== "string" || value.length > MOST_TEXT) throw new Error("A name in the result is missing.");
  return value;
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  transform: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Blob([bytes]).stream().pipeThrough(transform).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.byteLength;
    if (length > MOST_BYTES) {
      await reader.cancel();
      throw new Error("This is more than a result has.");
    }
    parts.push(part.value);
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}
