/** A hostile device's side: garbage on the completion ring ends that link, empties its ports, and nothing throws. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EP_TYPE_BULK_IN } from "../../app/xhci/context.ts";
import { TRB_IOC } from "../../app/xhci/trb.ts";
import {
  COMPLETION_RING,
  RING_ENTRIES,
  RING_MASK,
  RING_PRODUCER,
  SPEED_HIGH,
  SPEED_NONE,
  URB_ACTUAL,
  URB_SIZE,
  URB_STATUS,
  URB_TABLE,
} from "../../asm/layout.ts";
import { rigFactory } from "../fakes/guest-driver/rig.ts";
import { command, normal } from "../fakes/guest-driver/trbs.ts";

const createRig = await rigFactory();
const BULK_IN = 3;

function createDevice() {
  const rig = createRig({ placement: "deferred", ramSize: 1 << 20 });
  rig.driver.start();
  rig.back.plug(1, SPEED_HIGH);
  const device = rig.driver.enumerate(1, SPEED_HIGH);
  device.mustConfigure({ id: BULK_IN, type: EP_TYPE_BULK_IN });
  for (let count = 0; count < 4; count++) device.queue(BULK_IN, normal(rig.ram.buffer(64), 64, TRB_IOC));
  device.doorbell(BULK_IN);
  const words = new Uint32Array(rig.link.core.memory.buffer as unknown as SharedArrayBuffer);
  /** Puts entries on the completion ring, past the real device's side. */
  const complete = (...entries: readonly number[]) => {
    const producer = (COMPLETION_RING + RING_PRODUCER) >> 2;
    let counter = words[producer] as number;
    for (const entry of entries) words[((COMPLETION_RING + RING_ENTRIES) >> 2) + (counter++ & RING_MASK)] = entry;
    words[producer] = counter;
  };
  const record = (slot: number, status: number, actual: number) => {
    words[(URB_TABLE + slot * URB_SIZE + URB_STATUS) >> 2] = status;
    words[(URB_TABLE + slot * URB_SIZE + URB_ACTUAL) >> 2] = actual;
  };
  return { ...rig, device, words, complete, record };
}

type Setting = ReturnType<typeof createDevice>;

/** The guest sees an empty port, its transfers ended, and a controller that lives. */
function expectEnded({ driver, controller, device }: Setting): void {
  expect(controller.port(1).speed).toBe(SPEED_NONE);
  expect(controller.port(1).counters.inFlight).toBe(0);
  expect(driver.port(1).connected).toBe(false);
  expect(driver.takePorts()).toEqual([1]);
  expect(driver.execute(command.noOp()).code).toBe(1);
  device.doorbell(BULK_IN);
  device.stop(BULK_IN);
  device.disable();
  driver.start();
  expect(driver.port(1).connected).toBe(false);
  driver.port(1).startReset();
  expect(driver.port(1).resetting).toBe(false);
}

describe("a link whose backend breaks the rules", () => {
  it.each<[string, (setting: Setting, slot: number) => void]>([
    ["a slot that does not exist", ({ complete }) => complete(5000)],
    ["a slot that is not in flight", ({ complete }) => complete(255)],
    [
      "a slot twice",
      ({ complete, record }, slot) => {
        record(slot, 0, 8);
        complete(slot, slot);
      },
    ],
    [
      "more bytes than were asked for",
      ({ complete, record }, slot) => {
        record(slot, 0, 65);
        complete(slot);
      },
    ],
    [
      "an unknown status",
      ({ complete, record }, slot) => {
        record(slot, 99, 0);
        complete(slot);
      },
    ],
    ["an event of port 0", ({ complete }) => complete(0x40000000)],
    [
      "a counter that ran away",
      ({ words }) => {
        const producer = (COMPLETION_RING + RING_PRODUCER) >> 2;
        words[producer] = (words[producer] as number) + 5000;
      },
    ],
  ])("by %s is ended", (_, misbehave) => {
    const setting = createDevice();
    misbehave(setting, setting.back.first().slot);
    setting.driver.bar.read(0, 4);
    expectEnded(setting);
  });

  it("in any way, at random, is ended or was right by chance", () => {
    const entry = fc.oneof(fc.nat(300), fc.integer({ min: 0x40000000, max: 0x7fffffff }), fc.nat(0xffffffff));
    const lie = fc.record({ entry, status: fc.nat(8), actual: fc.oneof(fc.nat(70), fc.nat(0xffffffff)) });
    fc.assert(
      fc.property(fc.array(lie, { minLength: 1, maxLength: 8 }), (lies) => {
        const { driver, controller, complete, record, settle, ram } = createDevice();
        for (const { entry: each, status, actual } of lies) {
          if (each < 256) record(each, status, actual);
          complete(each);
          driver.bar.read(0, 4);
          driver.consume(100);
        }
        settle();
        for (let port = 1; port <= controller.portCount; port++) {
          expect(controller.port(port).counters.inFlight).toBeGreaterThanOrEqual(0);
        }
        driver.reset();
        expect(ram.bytes.length).toBe(1 << 20);
      }),
      { numRuns: 150 },
    );
  });
});
