/** A disk that is saved and made again at any moment, between any two transfers, is the disk that nobody has saved. */
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { TYPE_BULK, TYPE_CONTROL } from "../../asm/layout.ts";
import { createDevice } from "../../worker/device/index.ts";
import type { DeviceSource } from "../../worker/protocol.ts";
import { Host, pattern, type Setup, type Transfer } from "../unit/device/harness.ts";
import { again, quiet } from "../unit/device/saved.ts";
import { cbw, cdb, rw10 } from "../unit/device/storage.ts";
import { commandIu, taskIu } from "../unit/device/uas-host.ts";

const BLOCKS = 40;
const BLOCK = 512;

interface Step {
  readonly endpoint: number;
  /** Bytes of an OUT, room of an IN. */
  readonly data: Uint8Array | number;
  readonly stream?: number;
  readonly setup?: Setup;
}

const outLength = fc.oneof(fc.constantFrom(0, 31, 512, 1024, 2048, 4096), fc.nat(3000));
const command = fc.oneof(
  fc.tuple(fc.constantFrom(0x28, 0x2a), fc.nat(BLOCKS), fc.nat(8)).map(([code, lba, count]) => rw10(code, lba, count)),
  fc
    .constantFrom(
      [0x00],
      [0x03, 18],
      [0x12, 36],
      [0x1a, 192],
      [0x1b, 2],
      [0x1b, 3],
      [0x1e, 1],
      [0x1e, 0],
      [0x15, 4],
      [0xff],
    )
    .map(([code = 0, length = 0]) => cdb(code, 6, { 4: length })),
);
const control = (setups: readonly Setup[]) =>
  fc.constantFrom(...setups).map((setup): Step => ({ endpoint: 0, data: setup.wLength ?? 0, setup }));
const clear = (address: number): Setup => ({ bmRequestType: 0x02, bRequest: 1, wIndex: address });

const bulkOnly = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(command, fc.nat(6), fc.boolean()).map(
      ([block, count, isIn]): Step => ({
        endpoint: 0x02,
        data: cbw(block, count * BLOCK || (block[4] ?? 0), isIn),
      }),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(13, 36, 512, 1024, 2048, 3072).map((data): Step => ({ endpoint: 0x81, data })),
  },
  { weight: 2, arbitrary: outLength.map((length): Step => ({ endpoint: 0x02, data: pattern(length, length + 1) })) },
  control([
    clear(0x81),
    clear(0x02),
    { bmRequestType: 0x21, bRequest: 0xff },
    { bmRequestType: 0x02, bRequest: 3, wIndex: 0x81 },
  ]),
);

const tag = fc.integer({ min: 1, max: 4 });
const uas = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(tag, command, fc.constantFrom(0, 0, 1, 2)).map(
      ([id, block, attribute]): Step => ({
        endpoint: 0x04,
        data: commandIu(id, block, { attribute }),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(tag, tag, fc.constantFrom(0x01, 0x02, 0x08, 0x80)).map(
      ([id, other, code]): Step => ({
        endpoint: 0x04,
        data: taskIu(id, code, other),
      }),
    ),
  },
  { weight: 4, arbitrary: tag.map((stream): Step => ({ endpoint: 0x83, data: 64, stream })) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(tag, fc.constantFrom(36, 512, 1024, 4096))
      .map(([stream, data]): Step => ({ endpoint: 0x81, data, stream })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(tag, outLength)
      .map(([stream, length]): Step => ({ endpoint: 0x02, data: pattern(length, stream), stream })),
  },
);

/** Runs the steps; before those in `saves` the device is saved, thrown away and made again. */
async function play(
  source: DeviceSource,
  setups: readonly Setup[],
  steps: readonly Step[],
  saves: ReadonlySet<number>,
) {
  let host = await Host.plug(await createDevice(source, quiet));
  for (const setup of setups) host.control(setup);
  const sent: { step: Step; transfer: Transfer }[] = [];
  const submit = ({ endpoint, data, stream = 0, setup }: Step) =>
    host.submit(endpoint, setup ? TYPE_CONTROL : TYPE_BULK, data, setup, { stream });
  for (const [index, step] of steps.entries()) {
    if (saves.has(index)) {
      host = await again(host, source);
      for (const each of sent) if (!each.transfer.answer) each.transfer = submit(each.step);
    }
    sent.push({ step, transfer: submit(step) });
  }
  host = await again(host, source);
  return { answers: sent.map(({ transfer }) => transfer.answer), disk: diskOf(host.device.save?.()) };
}

interface DriveState {
  readonly function: { readonly commands?: unknown; readonly bulkOnly?: { readonly commands: unknown } };
}

/** The disk's part in a drive's state: its contents, its sense, whether it is loaded. */
function diskOf(state: unknown): unknown {
  const drive = (state as DriveState).function;
  return drive.bulkOnly?.commands ?? drive.commands;
}

const CONFIGURE: Setup = { bmRequestType: 0x00, bRequest: 9, wValue: 1 };
const CHOOSE_UAS: Setup = { bmRequestType: 0x01, bRequest: 11, wValue: 1 };
const image = { bytes: pattern(BLOCKS * BLOCK) };
const serial = "0123456789AB";

for (const [name, source, setups, step] of [
  ["a flash drive", { kind: "flash-drive", image, serial }, [CONFIGURE], bulkOnly],
  ["a UAS drive with streams", { kind: "uas-drive", image, serial }, [CONFIGURE, CHOOSE_UAS], uas],
] as const) {
  test(`${name} that is saved in between answers what one answers that is not`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 40 }),
        fc.array(fc.nat(40), { minLength: 1, maxLength: 5 }),
        async (steps, saves) => {
          const plain = await play(source, setups, steps, new Set());
          const saved = await play(source, setups, steps, new Set(saves));
          expect(isDeepStrictEqual(saved, plain)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);
}
