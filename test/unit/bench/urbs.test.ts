/** The benchmark's own driver: it takes a device, and each of its transfers comes back once, however many are in flight. */
import { expect, it } from "vitest";
import { Driver } from "../../../app/bench/urbs/driver.ts";
import { BareMachine } from "../../../app/bench/urbs/machine.ts";
import { createUsbHost } from "../../../app/host.ts";

it("keeps as many transfers in flight as it is told, until no more are wanted", async () => {
  const host = await createUsbHost({ placement: "thread" });
  const machine = new BareMachine();
  const controller = await host.attach(machine, { ports: 1 });
  const driver = new Driver(machine);
  await controller.port(1).plug(host.device("gadget-zero", { atOnce: true }));
  await driver.takeDevice(3);
  const { transfers: before, bytesIn } = { ...controller.port(1).status.counters };
  for (const [length, depth] of [
    [64, 1],
    [65536, 16],
  ] as const) {
    let left = 600; // the rings of 256 TRBs come round
    let done = 0;
    await driver.read(length, depth, () => {
      done++;
      return --left >= 0;
    });
    expect(done).toBe(600 + depth);
  }
  const after = controller.port(1).status.counters;
  expect(after.transfers - before).toBe(601 + 616);
  expect(after.bytesIn - bytesIn).toBe(601 * 64 + 616 * 65536);
  expect(controller.inFlight).toBe(0);
  await host.close();
});
