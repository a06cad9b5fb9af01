/** A host whose worker dies: what was asked of it, what its guests see, and what comes back. */
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Machine, PciFunction } from "../../app/guest/machine.ts";
import { createUsbHost } from "../../app/host.ts";
import type { Notice } from "../../app/notice.ts";
import { SPEED_FULL } from "../../asm/layout.ts";
import { XhciDriver } from "../fakes/guest-driver/driver.ts";
import { FakePciSlot } from "../fakes/guest-driver/pci-slot.ts";
import { Ram } from "../fakes/guest-driver/ram.ts";
import { MortalWorker } from "../fakes/mortal-worker.ts";

class BareMachine implements Machine {
  fn: PciFunction | undefined;
  slot = new FakePciSlot(new Ram(1 << 20));

  attach(fn: PciFunction): FakePciSlot {
    this.fn = fn;
    return this.slot;
  }
}

async function setUp({ isMaker = true } = {}) {
  const workers: MortalWorker[] = [];
  const make = () => {
    const mortal = new MortalWorker();
    workers.push(mortal);
    return mortal.worker;
  };
  const host = await createUsbHost({ worker: isMaker ? make : make() });
  onTestFinished(() => host.close());
  const notices: string[] = [];
  host.onNotice = ({ path, reason }: Notice) => notices.push(`${path}: ${reason}`);
  const machine = new BareMachine();
  const controller = await host.attach(machine);
  return { host, controller, machine, workers, notices, last: () => workers.at(-1) as MortalWorker };
}

afterEach(() => vi.useRealTimers());

describe("a worker that crashes", () => {
  test("is replaced, and every device is plugged in again, behind a hub too", async () => {
    const { host, controller, workers, notices, last } = await setUp();
    await controller.port(1).plug(host.device("keyboard"));
    await controller.port(3).plug(host.device("hub", { ports: 2 }));
    await controller.port(3).port(2).plug(host.device("keyboard"));
    last().crash();
    expect(controller.port(1).plugged).toBeUndefined();
    await vi.waitFor(() => expect(notices).toHaveLength(3));
    expect(workers).toHaveLength(2);
    expect(workers[0]?.isTerminated).toBe(true);
    expect(notices[0]).toMatch(/^1: The worker .* started again\. .*[Kk]eyboard was plugged in again\.$/);
    expect(controller.port(1).plugged).toMatchObject({ plug: 1 });
    expect(controller.find("3.2")?.plugged?.product).toMatch(/keyboard/i);
    expect(await host.stats()).toMatchObject({ links: 1, devices: 3, owned: 0 });
    await controller.port(1).unplug();
    await controller.port(2).plug(host.device("keyboard"));
  });

  test("leaves programs at their cables", async () => {
    const { host, controller, notices, last } = await setUp();
    await controller.port(1).plug(host.device("ethernet", { cable: "lan" }));
    const [sender, receiver] = [await host.cable("lan"), await host.cable("lan")];
    const heard: Uint8Array[] = [];
    receiver.onFrame = (frame) => heard.push(frame);
    for (let round = 1; round <= 2; round++) {
      last().crash();
      await vi.waitFor(() => expect(notices).toHaveLength(round));
      sender.send(new Uint8Array(60).fill(round));
      await vi.waitFor(() => expect(heard).toHaveLength(round));
    }
    expect(heard[1]).toEqual(new Uint8Array(60).fill(2));
  });

  test("is a disconnect and a connect to the guest, whose transfers are answered once", async () => {
    const { host, controller, machine, notices, last } = await setUp();
    await controller.port(1).plug(host.device("keyboard"));
    const { fn, slot } = machine;
    const driver = new XhciDriver((fn as PciFunction).bar, slot, () => fn?.poll?.());
    driver.start();
    await vi.waitFor(() => expect(driver.port(1).connected).toBe(true));
    const { slots } = controller.free;
    driver.port(1).clearChanges();
    driver.port(1).startReset(); // on its way to a worker that will never see it
    expect(controller.inFlight).toBe(1);
    last().crash();
    expect(controller.inFlight).toBe(0);
    expect(driver.port(1).connected).toBe(false);
    await vi.waitFor(() => expect(notices).toHaveLength(1));
    await vi.waitFor(() => expect(driver.port(1).connected).toBe(true));
    expect(controller.free.slots).toBe(slots);
    expect(controller.port(1).status.speed).toBe(SPEED_FULL);
  });

  test("takes the writes to a disk in memory with it, and that is said", async () => {
    const { host, controller, notices, last } = await setUp();
    await controller.port(1).plug(host.device("flash-drive", { image: { size: 1 << 20 } }));
    last().crash();
    await vi.waitFor(() => expect(notices).toHaveLength(1));
    expect(notices[0]).toMatch(/Flash Drive was plugged in again: what was written to it is lost\.$/);
  });

  test("answers with an error what was asked of it, also what is asked before there is another", async () => {
    const { host, controller, last } = await setUp();
    last().fallSilent();
    const asked = [controller.port(1).plug(host.device("keyboard")), host.stats(), controller.port(2).unplug()];
    const outcomes = Promise.allSettled(asked);
    last().crash();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { name: "BackendLostError" } });
    expect(controller.port(1).busy).toBe(false);
    await vi.waitFor(async () => expect(await host.stats()).toMatchObject({ links: 1 }));
  });

  test("again and again is given up in words, and the host can be closed", async () => {
    const { host, controller, workers, notices, last } = await setUp();
    await controller.port(1).plug(host.device("keyboard"));
    for (let death = 1; death <= 3; death++) {
      last().crash();
      await vi.waitFor(() => expect(notices).toHaveLength(death));
    }
    last().crash();
    await vi.waitFor(() => expect(notices).toHaveLength(4));
    expect(notices[3]).toMatch(/^0: .*does not answer any more\. Start the guest again\.$/);
    expect(workers).toHaveLength(4);
    await expect(controller.port(1).plug(host.device("keyboard"))).rejects.toThrow("the devices is gone");
  });

  test("while another is being made is made up for too", async () => {
    const { host, controller, workers, notices, last } = await setUp();
    await controller.port(1).plug(host.device("keyboard"));
    last().crash();
    await vi.waitFor(() => expect(workers).toHaveLength(2));
    last().crash();
    await vi.waitFor(() => expect(notices.length).toBeGreaterThan(0));
    await vi.waitFor(() => expect(controller.port(1).plugged).toBeDefined());
    expect(workers).toHaveLength(3);
  });

  test("that the caller made is not replaced: the guests' ports are empty, and the words say what to do", async () => {
    const { host, controller, notices, last } = await setUp({ isMaker: false });
    await controller.port(1).plug(host.device("keyboard"));
    last().crash();
    await vi.waitFor(() => expect(notices).toHaveLength(1));
    expect(notices[0]).toContain("Start the guest again.");
    expect(controller.port(1).plugged).toBeUndefined();
  });
});

test("a worker that falls silent is given some seconds, and then replaced", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const { host, controller, workers, notices, last } = await setUp();
  await controller.port(1).plug(host.device("keyboard"));
  last().fallSilent();
  vi.advanceTimersByTime(9000);
  expect(controller.port(1).plugged).toBeDefined();
  vi.advanceTimersByTime(5000);
  expect(controller.port(1).plugged).toBeUndefined();
  vi.useRealTimers();
  await vi.waitFor(() => expect(notices).toHaveLength(1));
  expect(workers).toHaveLength(2);
});

test("a device that cannot come back is told of, and the others come", async () => {
  const { host, controller, notices, last } = await setUp();
  await controller.port(1).plug(host.device("flash-drive", { image: { size: 1 << 20 } }));
  await controller.port(2).plug(host.device("keyboard"));
  const source = controller.port(1).sources()[0]?.source as { image: { size: number } };
  source.image.size = -1;
  last().crash();
  await vi.waitFor(() => expect(notices).toHaveLength(2));
  expect(notices[0]).toContain("could not be plugged in again");
  expect(controller.port(2).plugged).toBeDefined();
});
