/** A stock guest's USB drives beside v86's own IDE disk: the same bytes, the same boot, by turns. */
import { STAGES } from "../../trace/stages.ts";
import { inWorker } from "../bars.ts";
import { median } from "../row.ts";
import type { Bench, Section } from "../section.ts";
import { DISKS, type Disk, type Load, LoadedGuest, USB_DISKS, type UsbDisk } from "./loaded-guest.ts";

interface Work {
  /** As in the table of bars. */
  readonly name: string;
  readonly load: Load;
  /** With another task in the guest that never sleeps. */
  readonly busy?: boolean;
}

const KIB = 1 << 10;
const MIB = 1 << 20;
const ONE: Load = {
  writes: false,
  random: false,
  direct: true,
  size: 4 * KIB,
  count: 600,
  processes: 1,
  syncs: false,
};
const BLOCKS: Load = { ...ONE, size: 64 * KIB, count: 400 };
const MEGABYTES: Load = { ...ONE, size: MIB, count: 128 };

const WORKS: readonly Work[] = [
  { name: "storage, 4 KiB random read, depth 1", load: { ...ONE, random: true } },
  { name: "storage, 4 KiB random write, depth 1", load: { ...ONE, random: true, writes: true } },
  { name: "storage, 64 KiB sequential read, depth 1", load: BLOCKS },
  { name: "storage, 64 KiB sequential write, depth 1", load: { ...BLOCKS, writes: true } },
  { name: "storage, 4 KiB random read, eight readers", load: { ...ONE, random: true, count: 800, processes: 8 } },
  { name: "storage, 1 MiB sequential read, direct", load: MEGABYTES },
  { name: "storage, 1 MiB sequential write with fsync", load: { ...MEGABYTES, writes: true, syncs: true } },
  {
    name: "storage, buffered read of a whole image, 1 MiB blocks",
    load: { ...MEGABYTES, direct: false, count: 63 },
  },
  { name: "storage, 64 KiB sequential read, guest busy", load: { ...BLOCKS, count: 200 }, busy: true },
  { name: "storage, 64 KiB sequential write, guest busy", load: { ...BLOCKS, count: 200, writes: true }, busy: true },
];

/** Until compiled code is warm, the guest's as well as ours. */
const WARM: Load = { ...ONE, random: true, count: 3000 };

const INTERRUPTS = "interrupts per command";
const INSTRUCTIONS = "guest instructions per 4 KiB read, UAS";

type Rates = Readonly<Record<Disk, readonly number[]>>;

async function measure(bench: Bench, guest: LoadedGuest, { name, load, busy }: Work): Promise<void> {
  bench.stage(name);
  const rate = (disk: Disk) => async () => {
    const take = () => guest.take(disk, load);
    const { milliseconds } = await (busy ? guest.whileBusy(take) : take());
    return (load.size * load.count) / 1e3 / milliseconds;
  };
  const ways = Object.fromEntries(DISKS.map((disk) => [disk, rate(disk)])) as Record<Disk, () => Promise<number>>;
  await bench.alternate(ways, (rates) => tell(bench, name, rates, busy === true));
}

function tell(bench: Bench, name: string, rates: Rates, busy: boolean): void {
  const best = USB_DISKS.reduce((a, b) => (median(rates[b]) > median(rates[a]) ? b : a));
  bench.row({ name, unit: "MB/s", ours: rates[best], rival: rates.IDE });
  if (!busy) {
    // The same device: the one that is the faster on the guest's thread.
    const isUas = median(rates["UAS, thread"]) > median(rates["bulk-only, thread"]);
    const device = isUas ? "UAS" : "bulk-only";
    const worker: UsbDisk = `${device}, worker`;
    bench.row({ name: inWorker(name), unit: "MB/s", ours: rates[worker], rival: rates[`${device}, thread`] });
  }
  for (const disk of USB_DISKS)
    bench.row({ name: `${name}: ${disk}`, unit: "MB/s", ours: rates[disk], rival: rates.IDE });
}

/** What hardly depends on the machine that this runs on. */
async function count(bench: Bench, guest: LoadedGuest): Promise<void> {
  bench.stage("Interrupts and instructions of a command");
  const load: Load = { ...ONE, random: true, count: 500 };
  const interrupts: Record<"UAS" | "bulk-only", number[]> = { UAS: [], "bulk-only": [] };
  const instructions: Record<"UAS" | "IDE", number[]> = { UAS: [], IDE: [] };
  const each = (disk: Disk) => async () => {
    const taken = await guest.take(disk, load);
    if (disk === "bulk-only, thread") interrupts["bulk-only"].push(taken.interrupts / (load.count + 1));
    else if (disk === "UAS, thread") {
      interrupts.UAS.push(taken.interrupts / (load.count + 1));
      instructions.UAS.push(taken.instructions / load.count);
    } else instructions.IDE.push(taken.instructions / load.count);
    return taken.milliseconds;
  };
  const ways = { IDE: each("IDE"), uas: each("UAS, thread"), bulkOnly: each("bulk-only, thread") };
  await bench.alternate(ways, () => {
    const counted = (figures: readonly number[]) => figures.slice(1);
    for (const transport of ["UAS", "bulk-only"] as const) {
      const ours = counted(interrupts[transport]);
      bench.row({ name: `${INTERRUPTS}, ${transport}`, unit: "interrupts", ours });
    }
    const ours = counted(instructions.UAS);
    bench.row({ name: INSTRUCTIONS, unit: "instructions", ours, rival: counted(instructions.IDE) });
  });
}

/** The transfers of one command, as they are told apart. */
const URBS = {
  "bulk-only": [
    { name: "command", endpoint: 0x02, length: 31 },
    { name: "data", endpoint: 0x81, length: 4 * KIB },
    { name: "status", endpoint: 0x81, length: 13 },
  ],
  UAS: [
    { name: "command", endpoint: 0x04, length: 32 },
    { name: "data", endpoint: 0x81, length: 4 * KIB },
    { name: "status", endpoint: 0x83, length: undefined },
  ],
} as const;

/** Where the time of each transfer of a command goes. */
async function stages(bench: Bench, guest: LoadedGuest): Promise<void> {
  for (const transport of ["bulk-only", "UAS"] as const) {
    for (const placement of ["thread", "worker"] as const) {
      const disk: UsbDisk = `${transport}, ${placement}`;
      bench.stage(`Where the time of a transfer goes: ${disk}`);
      const heard = URBS[transport].map((urb) => ({ urb, stages: STAGES.map((): number[] => []) }));
      const stop = guest.controllers[placement].traceStages(({ endpoint, length, stages: taken }) => {
        const found = heard.find(({ urb }) => urb.endpoint === endpoint && (urb.length ?? length) === length);
        STAGES.forEach((stage, index) => {
          found?.stages[index]?.push(taken[stage]);
        });
      });
      try {
        await guest.take(disk, { ...ONE, random: true });
      } finally {
        stop();
      }
      for (const { urb, stages: all } of heard) {
        const medians = STAGES.map((name, index) => ({ name, microseconds: median(all[index] ?? []) }));
        const ours = [medians.reduce((sum, { microseconds }) => sum + microseconds, 0)];
        const name = `a 4 KiB read's ${urb.name}, ${disk}`;
        bench.row({ name, unit: "µs", ours, higherIsBetter: false, stages: medians });
      }
    }
  }
}

export const storage: Section = {
  name: "storage",
  title: "Storage in the guest",
  notes:
    "A small program in the guest asks USB drives and v86's IDE disk for the same bytes, in one boot and by turns, past the guest's " +
    "cache where it is not said otherwise. All disks hold the same 64 MiB in memory; the USB drives are at super speed, one bulk-only " +
    "and one UAS, each once on the guest's thread and once in the worker. The best of the four is held against the IDE disk. Time is " +
    "the host's, between two marks that the program writes to the serial line; code is warmed up first, and the first round does not " +
    "count.",
  async run(bench) {
    bench.stage("Linux starts");
    const guest = await LoadedGuest.start(bench.place);
    try {
      for (const disk of DISKS) {
        bench.stage(`Code is warmed up: ${disk}`);
        await guest.take(disk, WARM);
      }
      await count(bench, guest);
      for (const work of WORKS) await measure(bench, guest, work);
      await stages(bench, guest);
    } finally {
      await guest.stop();
    }
  },
};
