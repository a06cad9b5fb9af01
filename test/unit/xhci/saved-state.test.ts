/** A saved state of the machine, and the controller after it was restored. */
import { describe, expect, it } from "vitest";
import {
  EP_STATE_HALTED,
  EP_STATE_RUNNING,
  EP_STATE_STOPPED,
  EP_TYPE_BULK_IN,
  EP_TYPE_BULK_OUT,
} from "../../../app/xhci/context.ts";
import { PORTSC_CSC } from "../../../app/xhci/registers.ts";
import { CC_STALL, CC_SUCCESS, CC_USB_TRANSACTION_ERROR, TRB_IOC } from "../../../app/xhci/trb.ts";
import { SPEED_HIGH, SPEED_SUPER, STATUS_NO_DEVICE, STATUS_OK, STATUS_STALL } from "../../../asm/layout.ts";
import type { Rig } from "../../fakes/guest-driver/rig.ts";
import { rigFactory } from "../../fakes/guest-driver/rig.ts";
import { command, normal } from "../../fakes/guest-driver/trbs.ts";

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
  const state = controller.pci.save();
  const memory = ram.bytes.slice();
  meanwhile();
  settle();
  ram.bytes.set(memory);
  controller.pci.reset();
  controller.pci.restore(state);
  settle();
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

  it("of a state without a controller is as after power-on", () => {
    const rig = createDevice();
    rig.controller.pci.restore(new TextEncoder().encode("null"));
    expect(rig.driver.readOperational(0)).toBe(0);
    expect(rig.driver.readOperational(4) & 1).toBe(1);
    rig.driver.start();
    rig.driver.enumerate(1, SPEED_HIGH);
  });

  it("of a state with another number of ports is as after power-on", () => {
    const other = createRig({ sockets: 2 });
    other.driver.start();
    const state = other.controller.pci.save();
    const rig = createDevice();
    rig.controller.pci.restore(state);
    expect(rig.driver.readOperational(0)).toBe(0);
    rig.driver.start();
    rig.driver.enumerate(1, SPEED_HIGH);
  });
});
