/** The ring beside postMessage and Comlink: a read from the device's thread into the guest's private memory. */
import { Worker } from "node:worker_threads";
import { inChromium } from "./chromium.ts";
import { measure } from "./ring/guest.ts";
import { type Measures, type Results, SIZES, VARIANTS } from "./ring/protocol.ts";
import { type Section, type Spread, spread, type Table } from "./section.ts";

const NOTES = [
  "Round trips: a request of no payload one way, a payload of the given size back (an IN transfer), from a private image",
  "on the device's thread into private memory on the guest's thread; every copy on the way is counted. The ring is",
  "app/link.ts and worker/link.ts, both asleep in Atomics.waitAsync between bursts. Medians [min..max] over rounds in which",
  "the variants take turns; ratios are made within a round.",
];

async function inNode(rounds: number): Promise<Results> {
  const worker = new Worker(new URL("./ring/node-device.js", import.meta.url));
  try {
    return await measure(
      {
        post: (message, transfer) => worker.postMessage(message, [...(transfer ?? [])] as never[]),
        listen: (hear) => void worker.on("message", hear),
      },
      rounds,
    );
  } finally {
    await worker.terminate();
  }
}

const sizeNames = SIZES.map((size) =>
  size < 1024 ? `${size} B` : size < 1 << 20 ? `${size >> 10} KiB` : `${size >> 20} MiB`,
);

function tables(where: string, results: Results): Table[] {
  const per = (unit: Spread["unit"], of: (variant: number, size: number) => number[]) =>
    VARIANTS.map(({ name }, variant) => [name, ...SIZES.map((_, size) => spread(unit, of(variant, size)))]);
  const rates = (variant: number, size: number) => results[variant]?.[size] ?? [];
  const rows: (string | Spread)[][] = [];
  for (const [variant, { name, depth, way }] of VARIANTS.entries()) {
    if (way === "ring") continue;
    const ring = VARIANTS.findIndex((other) => other.way === "ring" && other.depth === depth);
    const ratios = (size: number) => rates(ring, size).map((rate, round) => rate / (rates(variant, size)[round] ?? 0));
    rows.push([`ring ÷ ${name}`, ...SIZES.map((_, size) => spread("ratio", ratios(size)))]);
  }
  const mb = (variant: number, size: number) => rates(variant, size).map((rate) => (rate * (SIZES[size] ?? 0)) / 1e6);
  const columns = ["", ...sizeNames];
  return [
    { title: `Crossing threads, ${where}: round trips/s`, notes: NOTES, columns, rows: per("per s", rates) },
    { title: `Crossing threads, ${where}: MB/s`, notes: [], columns, rows: per("MB/s", mb) },
    { title: `Crossing threads, ${where}: how much faster the ring is`, notes: [], columns, rows },
  ];
}

export const ring: Section = {
  name: "ring",
  async run({ rounds, where }) {
    const all: Table[] = [];
    if (where !== "chromium") all.push(...tables("Node", await inNode(rounds)));
    if (where !== "node") {
      const results = await inChromium((page) =>
        page.evaluate((count) => (globalThis as unknown as Measures).measureRing(count), rounds),
      );
      all.push(...tables("Chromium", results));
    }
    return all;
  },
};
