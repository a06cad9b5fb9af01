/** A saved state of the machine, and the controller after it was restored. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  EP_STATE_HALTED,
  EP_STATE_RUNNING,
  EP_STATE_STOPPED,
  EP_TYPE_BULK_IN,
  EP_TYPE_BULK_OUT,
} from "../../../app/xhci/context.ts";
import { DOORBELLS, PORTSC_CSC, USBSTS } from "../../../app/xhci/registers.ts";
import { CC_SHORT_PACKET, CC_STALL, CC_SUCCESS, CC_USB_TRANSACTION_ERROR, TRB_IOC } from "../../../app/xhci/trb.ts";
import {
  SPEED_FULL,
  SPEED_HIGH,
  SPEED_NONE,
  SPEED_SUPER,
  STATUS_CANCELLED,
  STATUS_NO_DEVICE,
  STATUS_OK,
  STATUS_STALL,
} from "../../../asm/layout.ts";
import { StateError } from "../../../asm/saved.ts";
import type { Rig } from "../../fakes/guest-driver/rig.ts";
import { rigFactory } from "../../fakes/guest-driver/rig.ts";
import { command, normal } from "../../fakes/guest-driver/trbs.ts";
import { damaged, RUBBISH, throughFile } from "../saved.ts";

const createRig = await rigFactory();
const BULK_IN = 3;
const BULK_OUT = 4;

function createDevice() {
  const rig = createRig({ placement: "deferred" });
  rig.driver.start();
  rig.back.plug(1, SPEED_HIGH);
  const device = rig.driver.enumerate(1, SPEED_HIGH);
  device.mustConfigure({ id: BULK_IN, type: EP_TYPE_BULK_IN }, { id: BULK_OUT, type: EP_TYPE_BULK_OUT });
  return { ...rig, device };
}

/** As the machine does it: memory and function are saved together, and restored into the same machine. */
function saveAndRestore({ controller, ram, settle }: Rig, meanwhile: () => void): void {
  const state = throughFile(controller.pci.save());
  const memory = ram.bytes.slice();
  meanwhile();
  settle();
  ram.bytes.set(memory);
  controller.pci.check(state);
  controller.pci.reset();
  controller.pci.restore(state);
  settle();
}

/** As with a software device: it is in its port again, as another plug of it, before the state is restored. */
function comeBack({ back, controller, settle }: Rig, port: number, speed: number): void {
  const plug = back.plugOf(port);
  back.unplug(port);
  back.plug(port, speed);
  settle();
  controller.keep(new Map([[port, plug]]));
}

/** As the backend does it with transfers for a plug that is not there. */
function refuseStale({ back }: Rig): void {
  back.onTransfer = (request) => {
    const isThere = request.plug === back.plugOf(request.port);
    back.answer(request, isThere ? STATUS_OK : STATUS_NO_DEVICE, 0);
  };
}

describe("a restored controller", () => {
  it("has its registers and rings back, and its device anew", () => {
    const rig = createDevice();
    const { driver, device, slot } = rig;
    driver.service();
    saveAndRestore(rig, () => {});
    expect(slot.asserted).toBe(true);
    expect(driver.takePorts()).toEqual([1]);
    expect(driver.port(1).changes).toBe(PORTSC_CSC);
    expect(driver.port(1).connected).toBe(true);
    expect(driver.port(1).enabled).toBe(false);
    expect(driver.execute(command.noOp()).code).toBe(CC_SUCCESS);
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_RUNNING);
    expect(rig.controller.port(1).address).toBe(0);
    expect(device.disable()).toBe(CC_SUCCESS);
    driver.enumerate(1, SPEED_HIGH);
    expect(rig.controller.port(1).address).toBe(1);
  });

  it("fails the transfers of the device of then, whatever is plugged now", () => {
    const rig = createDevice();
    const { device, driver, back, ram } = rig;
    refuseStale(rig);
    saveAndRestore(rig, () => {
      back.unplug(1);
      back.plug(1, SPEED_SUPER);
    });
    expect(driver.takePorts().sort()).toEqual([1, 5]);
    expect(driver.port(1).connected).toBe(false);
    expect(driver.port(5).connected).toBe(true);
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    expect(device.events()).toMatchObject([{ code: CC_USB_TRANSACTION_ERROR }]);
  });

  it("has transfers that were in flight read again when their endpoint is rung, or stopped at the first of them", () => {
    const rig = createDevice();
    const { device, back, ram } = rig;
    const [first] = device.queue(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    saveAndRestore(rig, () => {});
    expect(back.held).toEqual([]);
    expect(rig.link.inFlight).toBe(0);
    expect(device.stop(BULK_IN)).toBe(CC_SUCCESS);
    expect(device.dequeue(BULK_IN)).toBe(first);
  });

  it("answers a command that was under way", () => {
    const rig = createDevice();
    const { device, driver, back, ram } = rig;
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    back.onCancel = () => {};
    const address = driver.issue(command.stopEndpoint(device.slotId, BULK_IN));
    expect(driver.completionOf(address)).toBeUndefined();
    saveAndRestore(rig, () => {});
    expect(driver.completionOf(address)).toMatchObject({ code: CC_SUCCESS });
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_STOPPED);
  });

  it("keeps a halted endpoint halted", () => {
    const rig = createDevice();
    const { device, back, ram } = rig;
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    back.answer(back.first(), STATUS_STALL, 0);
    expect(device.events()).toMatchObject([{ code: CC_STALL }]);
    saveAndRestore(rig, () => {});
    expect(device.endpointState(BULK_IN)).toBe(EP_STATE_HALTED);
    expect(device.resetEndpoint(BULK_IN)).toBe(CC_SUCCESS);
  });

  it("keeps events that waited for room", () => {
    const rig = createRig({ placement: "deferred" });
    const { driver } = rig;
    driver.start({ eventSegments: [16] });
    const issued = Array.from({ length: 14 }, () => driver.issue(command.noOp()));
    issued.push(driver.issue(command.noOp()));
    saveAndRestore(rig, () => {});
    const completions = driver.take(({ type }) => type === 33).map(({ parameter }) => parameter);
    expect(completions).toEqual(issued);
  });

  it("refuses a state without a controller, or of one with another number of ports, with a sentence", () => {
    const other = createRig({ sockets: 2 });
    other.driver.start();
    const { check } = createDevice().controller.pci;
    expect(() => check(undefined)).toThrow(StateError);
    expect(() => check(other.controller.pci.save())).toThrow("Attach it with ports: 2.");
  });
});

describe("a controller restored with its device", () => {
  it("has the device where it was, and the guest sees nothing", () => {
    const rig = createDevice();
    const { driver, device, controller, back, ram } = rig;
    driver.service();
    saveAndRestore(rig, () => comeBack(rig, 1, SPEED_HIGH));
    driver.service();
    expect(driver.takePorts()).toEqual([]);
    expect(driver.port(1)).toMatchObject({ connected: true, enabled: true, changes: 0 });
    expect(controller.port(1)).toMatchObject({ address: 1, enabled: true });
    device.submit(BULK_OUT, normal(ram.buffer(64), 64, TRB_IOC));
    expect(back.first().plug).toBe(back.plugOf(1));
    back.answer(back.first(), STATUS_OK, 64);
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS }]);
  });

  it("hands over again what was in flight, without a doorbell", () => {
    const rig = createDevice();
    const { device, back, ram } = rig;
    const buffer = ram.buffer(64);
    device.submit(BULK_IN, normal(buffer, 8, TRB_IOC));
    device.submit(BULK_IN, normal(buffer + 8, 8, TRB_IOC));
    saveAndRestore(rig, () => comeBack(rig, 1, SPEED_HIGH));
    expect(back.held.map(({ plug, endpoint }) => [plug, endpoint])).toEqual([
      [back.plugOf(1), 0x81],
      [back.plugOf(1), 0x81],
    ]);
    back.answer(back.first(), STATUS_OK, Uint8Array.of(0x11, 0x22, 0x33));
    rig.settle();
    expect(device.events()).toMatchObject([{ code: CC_SHORT_PACKET, length: 5 }]);
    expect(ram.bytes.slice(buffer, buffer + 3)).toEqual(Uint8Array.of(0x11, 0x22, 0x33));
    expect(back.held).toHaveLength(1);
  });

  it("goes on in the middle of a transfer that the guest had stopped", () => {
    const rig = createDevice();
    const { device, back, ram } = rig;
    const buffer = ram.buffer(64);
    device.submit(BULK_IN, normal(buffer, 64, TRB_IOC));
    back.onCancel = (request) => back.answer(request, STATUS_CANCELLED, Uint8Array.of(0x11, 0x22, 0x33, 0x44));
    expect(device.stop(BULK_IN)).toBe(CC_SUCCESS);
    device.events();
    saveAndRestore(rig, () => comeBack(rig, 1, SPEED_HIGH));
    expect(back.held).toEqual([]);
    device.doorbell(BULK_IN);
    expect(back.first().length).toBe(60);
    back.answer(back.first(), STATUS_OK, Uint8Array.of(0x55));
    rig.settle();
    expect(Array.from(ram.bytes.slice(buffer, buffer + 5))).toEqual([0x11, 0x22, 0x33, 0x44, 0x55]);
  });

  it("resets again a port whose reset was under way", () => {
    const rig = createRig({ placement: "deferred" });
    const { driver, back } = rig;
    driver.start();
    back.plug(1, SPEED_HIGH);
    rig.settle();
    back.resetsAtOnce = false;
    driver.port(1).startReset();
    rig.settle();
    saveAndRestore(rig, () => comeBack(rig, 1, SPEED_HIGH));
    expect(driver.port(1).enabled).toBe(false);
    expect(back.resets.at(-1)?.plug).toBe(back.plugOf(1));
    back.resets.at(-1)?.complete(STATUS_OK, 0);
    rig.settle();
    expect(driver.port(1).enabled).toBe(true);
  });

  it("takes another device, or none, for an unplug", () => {
    for (const speed of [SPEED_FULL, SPEED_NONE]) {
      const rig = createDevice();
      const { driver, back, device } = rig;
      refuseStale(rig);
      driver.service();
      saveAndRestore(rig, () => {
        comeBack(rig, 1, SPEED_HIGH);
        back.unplug(1);
        if (speed !== SPEED_NONE) back.plug(1, speed);
      });
      expect(driver.takePorts()).toEqual([1]);
      expect(driver.port(1).connected).toBe(speed !== SPEED_NONE);
      device.submit(BULK_IN, normal(rig.ram.buffer(64), 8, TRB_IOC));
      expect(device.events()).toMatchObject([{ code: CC_USB_TRANSACTION_ERROR }]);
    }
  });

  it("sends nothing while it is held", () => {
    const rig = createDevice();
    const { device, back, controller, ram } = rig;
    controller.hold(true);
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    expect(back.held).toEqual([]);
    controller.hold(false);
    rig.settle();
    expect(back.held).toHaveLength(1);
  });
});

it("a damaged state is refused, or harmless to the machine that takes it", () => {
  const rig = createDevice();
  const { controller, device, ram, back } = rig;
  device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
  const good = throughFile(controller.pci.save());
  const memory = ram.bytes.slice();
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(), fc.constantFrom(...RUBBISH)), { minLength: 1, maxLength: 3 }),
      (changes) => {
        const bad = damaged(good, changes);
        ram.bytes.set(memory);
        try {
          controller.pci.check(bad);
        } catch (error) {
          expect(error).toBeInstanceOf(StateError);
          return;
        }
        controller.keep(new Map([[1, back.plugOf(1)]]));
        controller.pci.reset();
        controller.pci.restore(bad);
        rig.settle();
        controller.pci.bar.write(DOORBELLS + 4, 4, BULK_IN);
        controller.pci.bar.read(USBSTS, 4);
        rig.settle();
        controller.pci.reset();
        rig.settle();
        expect(rig.link.inFlight).toBe(0);
        expect(back.violation).toBeUndefined();
      },
    ),
    { numRuns: 100 },
  );
  controller.pci.reset();
  rig.settle();
  expect(rig.link.inFlight).toBe(0);
});
