/** URBs through controller, ring, worker and a device that takes no time: what is between a guest and its device, without the guest. */
import { createUsbHost } from "../../host.ts";
import { Count, sizeInWords } from "../count.ts";
import { Crossings } from "../ring/crossings.ts";
import { startDeviceThread } from "../ring/device-thread.ts";
import type { Bench, Section } from "../section.ts";
import { Driver } from "./driver.ts";
import { BareMachine } from "./machine.ts";

const SIZES = [64, 4096, 65536] as const;
const DEPTHS = [1, 16] as const;
/** Source and sink: see worker/device/gadget-zero/. */
const CONFIGURATION = 3;

interface Rig {
  perSecond(length: number, depth: number): Promise<number>;
  close(): Promise<void>;
}

async function open(placement: "worker" | "thread"): Promise<Rig> {
  const host = await createUsbHost({ placement });
  const machine = new BareMachine();
  const controller = await host.attach(machine, { ports: 1 });
  const driver = new Driver(machine);
  await controller.port(1).plug(host.device("gadget-zero", { atOnce: true }));
  await driver.takeDevice(CONFIGURATION);
  return {
    async perSecond(length, depth) {
      const count = new Count();
      await driver.read(length, depth, () => count.more());
      return count.perSecond;
    },
    close: () => host.close(),
  };
}

async function run(bench: Bench): Promise<void> {
  const worker = await open("worker");
  const thread = await open("thread");
  const crossings = await Crossings.open(await startDeviceThread());
  try {
    for (const size of SIZES) {
      for (const depth of DEPTHS) {
        const what = `URBs, ${sizeInWords(size)} IN, depth ${depth}`;
        bench.stage(what);
        const ways = {
          worker: () => worker.perSecond(size, depth),
          thread: () => thread.perSecond(size, depth),
          message: () => crossings.message("clone", size, depth),
        };
        await bench.alternate(ways, (rates) => {
          const each = { unit: "1/s", bytesEach: size };
          bench.row({
            ...each,
            name: `${what}, in the worker, beside postMessage`,
            ours: rates.worker,
            rival: rates.message,
          });
          bench.row({ ...each, name: `${what}, worker ÷ thread`, ours: rates.worker, rival: rates.thread });
        });
      }
    }
  } finally {
    crossings.close();
    await worker.close();
    await thread.close();
  }
}

export const urbs: Section = {
  name: "urbs",
  title: "Transfers without a guest",
  notes:
    "A driver of the least kind fills the rings of the virtual controller and takes its interrupts, and a device that takes " +
    "no time answers: in the worker, on the same thread, and beside them a message with the same bytes through postMessage.",
  run,
};
