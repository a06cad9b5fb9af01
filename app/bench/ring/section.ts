/** The ring beside postMessage and Comlink: a read from the device's thread into the guest's private memory. */
import { sizeInWords } from "../count.ts";
import { better } from "../row.ts";
import type { Bench, Section } from "../section.ts";
import { Crossings } from "./crossings.ts";
import { startDeviceThread } from "./device-thread.ts";

const SIZES = [64, 512, 4096, 65536, 1 << 20] as const;
const DEPTHS = [1, 16] as const;

async function run(bench: Bench): Promise<void> {
  const crossings = await Crossings.open(await startDeviceThread());
  try {
    for (const size of SIZES) for (const depth of DEPTHS) await compare(bench, crossings, size, depth);
    await copies(bench, crossings);
  } finally {
    crossings.close();
  }
}

/** What bounds the longest payloads: at depth 1 the two copies follow each other, at depth 16 each side makes its own. */
async function copies(bench: Bench, crossings: Crossings): Promise<void> {
  const size = 1 << 20;
  const ways = { into: () => crossings.copy("in", size), out: () => crossings.copy("out", size) };
  bench.stage("the copies alone");
  await bench.alternate(ways, ({ into, out }) => {
    bench.row({ name: "1 MiB copied into shared memory, nothing else", unit: "1/s", ours: into, bytesEach: size });
    bench.row({ name: "1 MiB copied out of shared memory, nothing else", unit: "1/s", ours: out, bytesEach: size });
  });
}

async function compare(bench: Bench, crossings: Crossings, size: number, depth: number): Promise<void> {
  const what = `${sizeInWords(size)}, depth ${depth}`;
  bench.stage(what);
  const ways = {
    ring: () => crossings.ring(size, depth),
    clone: () => crossings.message("clone", size, depth),
    transfer: () => crossings.message("transfer", size, depth),
    comlink: () => crossings.comlink(size, depth),
  };
  await bench.alternate(ways, ({ ring, clone, transfer, comlink }) => {
    const row = (name: string, rival: readonly number[]) =>
      bench.row({ name, unit: "1/s", ours: ring, rival, bytesEach: size });
    if (size === 64 && depth === 1) row("ring round trips, 64 B, depth 1", better(clone, transfer));
    if (size === 64 && depth === 16) row("ring messages, 64 B, depth 16", better(clone, transfer));
    if (size === 1 << 20 && depth === 16) row("ring payloads, 1 MiB, copies counted", transfer);
    row(`ring, ${what}, beside postMessage by clone`, clone);
    row(`ring, ${what}, beside postMessage by transfer`, transfer);
    row(`ring, ${what}, beside Comlink`, comlink);
  });
}

export const ring: Section = {
  name: "ring",
  title: "Crossing threads",
  notes:
    "Round trips: a request of no payload one way, a payload of the given size back (an IN transfer), from a private image " +
    "on the device's thread into private memory on the guest's thread. Every copy on the way is counted. The ring is the " +
    "one that URBs travel on, with its own way of waiting.",
  run,
};
