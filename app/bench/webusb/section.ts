/** A device of this computer: WebUSB called directly on the page, beside the same transfers through ring and worker. */
import type { Bench, Section } from "../section.ts";
import { DirectCalls } from "./direct-calls.ts";
import { NoStreamError, pipesOf } from "./pipes.ts";
import { RingDriver } from "./ring-driver.ts";

const SIZES_KIB = [64, 256] as const;
const DEPTHS = [4, 16] as const;

async function run(bench: Bench): Promise<void> {
  const device = await bench.place.usbDevice?.();
  if (!device) {
    bench.skip("No WebUSB device was chosen.");
    return;
  }
  let ring: RingDriver | undefined;
  try {
    const pipes = pipesOf(device);
    ring = await RingDriver.start(device, pipes);
    const direct = new DirectCalls(device, pipes);
    for (const size of SIZES_KIB) {
      for (const depth of DEPTHS) await compare(bench, { ring, direct }, size, depth, pipes.out !== undefined);
    }
  } catch (error) {
    if (!(error instanceof NoStreamError)) throw error;
    bench.skip(error.message);
  } finally {
    await ring?.stop();
  }
}

interface Ways {
  readonly ring: RingDriver;
  readonly direct: DirectCalls;
}

async function compare(
  bench: Bench,
  { ring, direct }: Ways,
  kib: number,
  depth: number,
  hasOut: boolean,
): Promise<void> {
  const name = `WebUSB, ${kib} KiB, depth ${depth}`;
  bench.stage(name);
  const way = (driver: RingDriver | DirectCalls, direction: "in" | "out") => async () => {
    await driver.open();
    try {
      return await driver[direction](kib << 10, depth);
    } finally {
      await driver.close();
    }
  };
  const reads = { ring: way(ring, "in"), direct: way(direct, "in") };
  const row = (which: string, ours: readonly number[], rival: readonly number[]) =>
    bench.row({ name: which, unit: "MB/s", ours, rival });
  if (!hasOut) {
    await bench.alternate(reads, (figures) => row(name, figures.ring, figures.direct));
    return;
  }
  const writes = { ringOut: way(ring, "out"), directOut: way(direct, "out") };
  await bench.alternate({ ...reads, ...writes }, (figures) => {
    row(name, both(figures.ring, figures.ringOut), both(figures.direct, figures.directOut));
    row(`${name}, IN`, figures.ring, figures.direct);
    row(`${name}, OUT`, figures.ringOut, figures.directOut);
  });
}

/** The rate of as many bytes there as back. */
function both(there: readonly number[], back: readonly number[]): number[] {
  return there.map((rate, round) => 2 / (1 / rate + 1 / (back[round] ?? rate)));
}

export const webusb: Section = {
  name: "webusb",
  title: "A device of this computer, by WebUSB",
  notes:
    "Bulk transfers of one device, several under way at a time: WebUSB called by the page itself, and the same transfers as " +
    "URBs through the ring to the worker that has the device, copied to and from the guest's memory as a controller does " +
    "it. It takes a device whose first bulk IN endpoint sends without being asked, such as a board with the firmware of a " +
    "source and sink (Linux's gadget zero, the streamers of Cypress FX2 and FX3); what it sends is thrown away. Only gadget " +
    "zero is written to, because nobody knows what another device does with what it is sent. There, a row counts as many " +
    "bytes there as back. One device works for one of the two at a time: it is closed and opened between them, untimed.",
  run,
};
