/** What the benchmark has to reach: every row of the table, once, by the name that its section gives it. */

/** Where the benchmark runs. */
export type Where = "node" | "chromium";

export interface Bar {
  readonly name: string;
  readonly section: "ring" | "urbs" | "storage" | "network" | "webusb" | "table-2009" | "growth";
  readonly against: string;
  /** Of the ratio, or of our own figure where there is no rival. Only where it is named. */
  readonly at: Partial<Record<Where, number>>;
  readonly higherIsBetter: boolean;
}

type Places = number | Partial<Record<Where, number>>;

function atLeast(section: Bar["section"], name: string, against: string, bar: Places): Bar {
  return { name, section, against, at: everywhere(bar), higherIsBetter: true };
}

function atMost(section: Bar["section"], name: string, against: string, bar: Places): Bar {
  return { name, section, against, at: everywhere(bar), higherIsBetter: false };
}

function everywhere(bar: Places): Bar["at"] {
  return typeof bar === "number" ? { node: bar, chromium: bar } : bar;
}

const IDE = "v86's IDE disk";

/** Best of UAS and bulk-only, best placement. The same rows again hold the worker against the guest's thread. */
const STORAGE: readonly Bar[] = [
  atLeast("storage", "storage, 4 KiB random read, depth 1", IDE, 0.9),
  atLeast("storage", "storage, 4 KiB random write, depth 1", IDE, 0.9),
  atLeast("storage", "storage, 64 KiB sequential read, depth 1", IDE, 0.9),
  atLeast("storage", "storage, 64 KiB sequential write, depth 1", IDE, 0.9),
  atLeast("storage", "storage, 4 KiB random read, eight readers", IDE, 1.2),
  atLeast("storage", "storage, 1 MiB sequential read, direct", IDE, { node: 0.9, chromium: 1.0 }),
  atLeast("storage", "storage, 1 MiB sequential write with fsync", IDE, { node: 1.0, chromium: 1.5 }),
  atLeast("storage", "storage, buffered read of a whole image, 1 MiB blocks", IDE, 1.0),
];

/** The name of a storage row for the worker's placement against the guest's thread. */
export function inWorker(name: string): string {
  return `${name}, worker ÷ thread`;
}

const THREAD = "the same device on the guest's thread";
const DIRECT = "the device without the virtual path";

export const BARS: readonly Bar[] = [
  atLeast("ring", "ring round trips, 64 B, depth 1", "postMessage", 4),
  atLeast("ring", "ring messages, 64 B, depth 16", "postMessage, depth 16", 10),
  atLeast("ring", "ring payloads, 1 MiB, copies counted", "postMessage by transfer, copies counted", 4),
  ...STORAGE,
  ...STORAGE.map(({ name }) => atLeast("storage", inWorker(name), THREAD, 0.7)),
  atLeast("storage", "storage, 64 KiB sequential read, guest busy", `${IDE}, guest busy`, 0.9),
  atLeast("storage", "storage, 64 KiB sequential write, guest busy", `${IDE}, guest busy`, 0.9),
  atMost("storage", "interrupts per command, UAS", "–", 1.1),
  atMost("storage", "interrupts per command, bulk-only", "–", 3.1),
  atMost("storage", "guest instructions per 4 KiB read, UAS", `${IDE}, same boot`, 1.12),
  atLeast("network", "network, TCP to the guest, NCM adapter", "v86's virtio-net", 1.0),
  atLeast("network", "network, TCP from the guest, NCM adapter", "v86's virtio-net", 1.0),
  atLeast("table-2009", "disk limited to 33 MB/s, read", DIRECT, 0.99),
  atLeast("table-2009", "disk limited to 33 MB/s, write", DIRECT, 0.99),
  atLeast("table-2009", "flash drive limited to 33 MB/s, read", DIRECT, 0.99),
  atLeast("table-2009", "flash drive limited to 33 MB/s, write", DIRECT, 0.99),
  atLeast("table-2009", "Ethernet limited to 100 Mb/s, TCP receive", DIRECT, 0.95),
  atLeast("table-2009", "Ethernet limited to 100 Mb/s, TCP transmit", DIRECT, 0.95),
  atMost("table-2009", "CPU time per MB, storage", DIRECT, 1.2),
  ...[64, 256].flatMap((size) =>
    [4, 16].map((depth) =>
      atLeast("webusb", `WebUSB, ${size} KiB, depth ${depth}`, "direct calls on the page", { chromium: 0.99 }),
    ),
  ),
  atLeast("growth", "total of 8 devices at once", "one device", 0.95),
];

export function barOf(name: string, where: Where): { value: number; higherIsBetter: boolean } | undefined {
  const bar = BARS.find((each) => each.name === name);
  const value = bar?.at[where];
  return bar && value !== undefined ? { value, higherIsBetter: bar.higherIsBetter } : undefined;
}
