import { createRequire } from "node:module";
import { V86 } from "v86";
import { expect, onTestFinished, test } from "vitest";
import type { PciFunction, PciSlot } from "../../app/guest/machine.ts";
import { v86Machine, whenLoaded } from "../../app/guest/v86.ts";
import {
  bareMetalBios,
  checksum,
  DEVICE_ID,
  REG_ACK,
  REG_BAR,
  REG_CHECKSUM,
  REG_COUNT,
  REG_DONE,
  REG_DOORBELL,
  REG_FAULT,
  REG_STUCK,
  REG_WITHDRAWN,
  VENDOR_ID,
} from "./v86-bare-metal.ts";

interface Outcome {
  ended: "done" | "fault" | "stuck" | "silent";
  /** What the guest read from its BAR. */
  bar: number;
  /** Interrupts raised, and interrupts that the guest counted. */
  raises: number;
  count: number;
  checksum: number;
  instructions: number;
  /** Times that the guest's handler answered. */
  answers: number;
}

/** Runs the guest until it reports, or for `patience` milliseconds. It goes on, or sleeps, until the test ends. */
async function ring(rounds: number, patience: number, guardInterrupts = true) {
  const emulator = new V86({
    wasm_path: createRequire(import.meta.url)
      .resolve("v86")
      .replace("libv86.mjs", "v86.wasm"),
    bios: { buffer: bareMetalBios(rounds).buffer },
    memory_size: 2 ** 24,
    autostart: false,
  });
  onTestFinished(() => emulator.destroy());
  await whenLoaded(emulator);
  const outcome: Outcome = { ended: "silent", bar: 0, raises: 0, count: 0, checksum: 0, instructions: 0, answers: 0 };
  let end = (_: Outcome["ended"]): void => {};
  const write = (offset: number, _: number, value: number): void => {
    if (offset === REG_DOORBELL) {
      outcome.raises++;
      slot.setInterrupt(true);
    } else if (offset === REG_ACK) {
      outcome.answers++;
      slot.setInterrupt(false);
    }
    if (offset === REG_WITHDRAWN) {
      slot.setInterrupt(true);
      slot.setInterrupt(false);
    }
    if (offset === REG_BAR) outcome.bar = value;
    else if (offset === REG_COUNT) outcome.count = value;
    else if (offset === REG_CHECKSUM) outcome.checksum = value;
    else if (offset === REG_DONE) end("done");
    else if (offset === REG_FAULT) end("fault");
    else if (offset === REG_STUCK) end("stuck");
  };
  const fn: PciFunction = {
    name: "test function",
    vendorId: VENDOR_ID,
    deviceId: DEVICE_ID,
    classCode: 0xff0000,
    revision: 1,
    config: {},
    bar: { size: 0x1000, read: () => 0, write },
    reset: () => {},
    save: () => undefined,
    check: () => {},
    restore: () => {},
  };
  const slot: PciSlot = v86Machine(emulator, { guardInterrupts }).attach(fn);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, patience);
    end = (how) => {
      clearTimeout(timer);
      outcome.ended = how;
      resolve();
    };
    void emulator.run();
  });
  outcome.instructions = emulator.get_instruction_counter();
  return { outcome, slot };
}

test("thousands of interrupts raised inside a store leave a busy guest unharmed", async () => {
  const rounds = 100_000;
  const { outcome } = await ring(rounds, 120_000);
  expect(outcome).toMatchObject({
    ended: "done",
    bar: 0xfea00000,
    raises: rounds,
    count: rounds,
    checksum: checksum(rounds),
  });
  // Taken when the guest leaves a piece of compiled code. If v86 had its way, at the end of a turn of 100,000.
  expect(outcome.instructions / rounds).toBeLessThan(20_000);
});

test("an interrupt that is withdrawn before the guest can take it is forgotten, and the next ones come", async () => {
  const { outcome } = await ring(3, 60_000);
  expect(outcome).toMatchObject({ ended: "done", raises: 3, count: 3 });
});

test("without the guard the same guest loses its way", async () => {
  // More rounds: the loop must be compiled before it can lose registers.
  const rounds = 1_000_000;
  const { outcome } = await ring(rounds, 60_000, false);
  expect(outcome.bar).toBe(0xfea00000);
  expect(outcome.raises).toBeGreaterThan(0);
  expect(outcome).not.toMatchObject({ ended: "done", count: rounds, checksum: checksum(rounds) });
});

test("an interrupt from outside wakes a sleeping guest, which a kick runs at once", async () => {
  const { outcome, slot } = await ring(10, 60_000);
  expect(outcome).toMatchObject({ ended: "done", answers: 10 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  slot.kick();
  expect(outcome.answers).toBe(10);
  slot.setInterrupt(true);
  slot.kick();
  expect(outcome.answers).toBe(11);
  // Without a kick, v86's own wake-up comes by the event loop.
  await new Promise((resolve) => setTimeout(resolve, 50));
  slot.setInterrupt(true);
  expect(outcome.answers).toBe(11);
  await expect.poll(() => outcome.answers).toBe(12);
});
