/** What becomes of speed, processor time and latency as devices and guests are added. */
import { createUsbHost } from "../../host.ts";
import { type Figures, median } from "../row.ts";
import type { Bench, Section } from "../section.ts";
import { CommandWatch } from "./command-watch.ts";
import { Reader, TOTAL } from "./reader.ts";

const DEVICES = [1, 2, 4, 8] as const;
const GUESTS = [1, 2] as const;

/** Beside the rate, which `alternate` has. */
const KINDS = ["CPU time", "latency, p50", "latency, p95"] as const;
const UNITS = { "CPU time": "ms/MB", "latency, p50": "µs", "latency, p95": "µs" } as const;

async function run(bench: Bench): Promise<void> {
  bench.stage("Linux starts");
  const host = await createUsbHost();
  const readers: Reader[] = [];
  const more = async (drives: number) => {
    const reader = await Reader.start(host, bench.place);
    readers.push(reader);
    await reader.plug(host, drives);
  };
  try {
    await more(DEVICES[DEVICES.length - 1] ?? 1);
    bench.stage("Several devices of one guest are read at once");
    await grow(bench, "devices", DEVICES, (count) => measure(bench, readers.slice(0, 1), count));
    bench.stage("A second Linux starts");
    await more(1);
    bench.stage("Two guests read at once");
    await grow(bench, "guests", GUESTS, (count) => measure(bench, readers.slice(0, count), 1));
  } finally {
    await host.close();
    for (const reader of readers) await reader.stop();
  }
}

/** Each of the readers reads from so many drives at once. */
async function measure(bench: Bench, readers: readonly Reader[], drives: number) {
  const watch = new CommandWatch();
  const stops = readers.map((reader, guest) => reader.listen((urb) => watch.hear(guest, urb)));
  const began = await bench.place.cpuTime?.();
  await Promise.all(readers.map((reader) => reader.read(drives, TOTAL / readers.length)));
  const ended = await bench.place.cpuTime?.();
  for (const stop of stops) stop();
  const { rate, p50, p95 } = watch.load;
  const cpu = ((ended ?? Number.NaN) - (began ?? Number.NaN)) / (TOTAL / 1e6);
  return { rate, "CPU time": cpu, "latency, p50": p50, "latency, p95": p95 };
}

async function grow(
  bench: Bench,
  what: "devices" | "guests",
  counts: readonly number[],
  work: (count: number) => ReturnType<typeof measure>,
): Promise<void> {
  const most = counts[counts.length - 1] ?? 1;
  const over = `${what} at once`;
  const others = new Map(KINDS.map((kind) => [kind, new Map(counts.map((count) => [count, [] as number[]]))]));
  const way = (count: number) => async () => {
    const measured = await work(count);
    for (const kind of KINDS) others.get(kind)?.get(count)?.push(measured[kind]);
    return measured.rate;
  };
  const row = (name: string, unit: string, figures: (count: number) => Figures, higherIsBetter: boolean) => {
    const points = counts.map((count) => ({ x: count, ours: median(figures(count)) }));
    const curve = { over, points };
    bench.row({ name, unit, ours: figures(most), rival: figures(1), higherIsBetter, curve });
  };
  await bench.alternate(Object.fromEntries(counts.map((count) => [`of ${count}`, way(count)])), (rates) => {
    row(`total of ${most} ${over}`, "MB/s", (count) => rates[`of ${count}`] ?? [], true);
    for (const kind of KINDS) {
      // The round that does not count is in these.
      const figures = (count: number) => others.get(kind)?.get(count)?.slice(1) ?? [];
      if (figures(1).some(Number.isNaN)) continue;
      row(`${kind}, ${most} ${over}`, UNITS[kind], figures, false);
    }
  });
}

export const growth: Section = {
  name: "growth",
  title: "Growth",
  notes:
    "One guest reads from 1, 2, 4 and 8 flash drives at once, then two guests from one each; all drives are in one worker. " +
    "The same 64 MiB are read each time, 64 KiB a request, divided among the drives. The total is what all of them moved " +
    "while every one was at work: starting the programs that read is not counted. Latency is a request's, from its command " +
    "to its status, as the guest's controller sees it; processor time is the whole program's. The ratios are of most to one.",
  run,
};
