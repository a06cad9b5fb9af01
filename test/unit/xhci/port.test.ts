/** Root hub ports: plug, unplug, reset, disable, suspend, and what happens meanwhile (xHCI 1.2 §4.15, §4.19). */
import { describe, expect, it } from "vitest";
import { EP_TYPE_BULK_IN } from "../../../app/xhci/context.ts";
import {
  PLS_DISABLED,
  PLS_POLLING,
  PLS_RESUME,
  PLS_RX_DETECT,
  PLS_U0,
  PLS_U3,
  PORTSC_CSC,
  PORTSC_PLC,
  PORTSC_PRC,
  PORTSC_WRC,
} from "../../../app/xhci/registers.ts";
import {
  CC_SUCCESS,
  CC_USB_TRANSACTION_ERROR,
  TRB_IOC,
  TRB_PORT_STATUS_CHANGE,
  TRB_TRANSFER_EVENT,
} from "../../../app/xhci/trb.ts";
import { SPEED_HIGH, SPEED_SUPER, STATUS_NO_DEVICE, STATUS_OK } from "../../../asm/layout.ts";
import { type RigOptions, rigFactory } from "../../fakes/guest-driver/rig.ts";
import { normal } from "../../fakes/guest-driver/trbs.ts";

const createRig = await rigFactory();
const BULK_IN = 3;
const SLOTS = 256;

function start(options: RigOptions = { placement: "deferred" }) {
  const rig = createRig(options);
  rig.driver.start();
  return rig;
}

function createDevice() {
  const rig = start();
  rig.back.plug(1, SPEED_HIGH);
  const device = rig.driver.enumerate(1, SPEED_HIGH);
  device.mustConfigure({ id: BULK_IN, type: EP_TYPE_BULK_IN });
  return { ...rig, device };
}

describe("a port reset", () => {
  it("reaches the device and is over when the device has answered", () => {
    const { driver, back, settle } = start();
    back.resetsAtOnce = false;
    back.plug(1, SPEED_HIGH);
    driver.takePorts();
    const port = driver.port(1);
    port.clearChanges();
    port.startReset();
    expect(port.resetting).toBe(true);
    expect(port.enabled).toBe(false);
    port.startReset();
    expect(back.resets.length).toBe(1);
    expect(driver.takePorts()).toEqual([]);
    back.resets[0]?.complete(STATUS_OK, 0);
    settle();
    expect(port.resetting).toBe(false);
    expect(port.enabled).toBe(true);
    expect(port.changes).toBe(PORTSC_PRC);
    expect(driver.takePorts()).toEqual([1]);
  });

  it("of a device that does not come back leaves the port disabled", () => {
    const { driver, back, settle } = start();
    back.resetsAtOnce = false;
    back.plug(1, SPEED_HIGH);
    const port = driver.port(1);
    port.startReset();
    back.resets[0]?.complete(STATUS_NO_DEVICE, 0);
    settle();
    expect(port.resetting).toBe(false);
    expect(port.enabled).toBe(false);
    expect(port.changes & PORTSC_PRC).toBe(PORTSC_PRC);
  });

  it.each(["unplug", "replug", "controller reset"])("answered after a %s says nothing to what is there now", (what) => {
    const { driver, back, settle, link } = start();
    back.resetsAtOnce = false;
    back.plug(1, SPEED_HIGH);
    driver.port(1).startReset();
    if (what === "controller reset") driver.start();
    else back.unplug(1);
    if (what === "replug") back.plug(1, SPEED_HIGH);
    settle();
    expect(driver.port(1).resetting).toBe(false);
    driver.takePorts();
    const before = driver.port(1).portsc;
    back.resets[0]?.complete(STATUS_OK, 0);
    settle();
    expect(driver.port(1).portsc).toBe(before);
    expect(driver.takePorts()).toEqual([]);
    expect(link.core.exports.freeSlots()).toBe(SLOTS);
  });

  it("of an empty port does nothing", () => {
    const { driver, back } = start();
    const before = driver.port(3).portsc;
    driver.port(3).startReset();
    driver.port(7).startReset(true);
    expect(driver.port(3).portsc).toBe(before);
    expect(back.resetCount).toBe(0);
  });

  it("that is warm reports both changes at its end", () => {
    const { driver, back, settle } = start();
    back.resetsAtOnce = false;
    back.plug(1, SPEED_SUPER);
    driver.takePorts();
    const port = driver.port(5);
    port.clearChanges();
    port.startReset(true);
    expect(port.changes).toBe(0);
    back.resets[0]?.complete(STATUS_OK, 0);
    settle();
    expect(port.changes).toBe(PORTSC_PRC | PORTSC_WRC);
    expect(port.linkState).toBe(PLS_U0);
    port.clearChanges();
    port.startReset();
    back.resets[1]?.complete(STATUS_OK, 0);
    settle();
    expect(port.changes).toBe(PORTSC_PRC);
  });
});

describe("a port", () => {
  it("that is disabled is enabled by its next reset", () => {
    const { driver, back } = start();
    back.plug(1, SPEED_HIGH);
    driver.port(1).reset();
    driver.port(1).disable();
    expect(driver.port(1).enabled).toBe(false);
    expect(driver.port(1).connected).toBe(true);
    expect(driver.port(1).linkState).toBe(PLS_DISABLED);
    driver.port(1).reset();
    expect(driver.port(1).linkState).toBe(PLS_U0);
  });

  it("of USB2 is suspended, and resumed in two steps", () => {
    const { driver, back } = start();
    back.plug(1, SPEED_HIGH);
    driver.takePorts();
    const port = driver.port(1);
    port.setLinkState(PLS_U3);
    expect(port.linkState).toBe(PLS_POLLING);
    port.reset();
    driver.takePorts();
    port.setLinkState(PLS_U3);
    expect(port.linkState).toBe(PLS_U3);
    expect(port.changes).toBe(0);
    port.setLinkState(PLS_RESUME);
    expect(port.linkState).toBe(PLS_RESUME);
    port.setLinkState(PLS_U0);
    expect(port.linkState).toBe(PLS_U0);
    expect(port.changes).toBe(PORTSC_PLC);
    expect(driver.takePorts()).toEqual([1]);
  });

  it("of USB3 is suspended, and resumed in one", () => {
    const { driver, back } = start();
    back.plug(1, SPEED_SUPER);
    driver.takePorts();
    const port = driver.port(5);
    port.clearChanges();
    port.setLinkState(PLS_U3);
    port.setLinkState(PLS_RESUME);
    expect(port.linkState).toBe(PLS_U3);
    port.setLinkState(PLS_U0);
    expect(port.linkState).toBe(PLS_U0);
    expect(port.changes).toBe(PORTSC_PLC);
  });

  it("of USB3 that was disabled trains again from RxDetect", () => {
    const { driver, back } = start();
    back.plug(1, SPEED_SUPER);
    driver.takePorts();
    const port = driver.port(5);
    port.clearChanges();
    port.disable();
    expect(port.linkState).toBe(PLS_DISABLED);
    port.setLinkState(PLS_RX_DETECT);
    expect(port.enabled).toBe(true);
    expect(port.changes).toBe(PORTSC_CSC);
  });

  it("keeps what was plugged while the controller stood, and reports it when it runs", () => {
    const { driver, back, settle } = start();
    driver.halt();
    back.plug(2, SPEED_HIGH);
    settle();
    expect(driver.port(2).changes).toBe(PORTSC_CSC);
    driver.run();
    expect(driver.takePorts()).toEqual([2]);
  });

  it("finds its device again after a controller reset, as new", () => {
    const { driver, back, controller } = start();
    back.plug(1, SPEED_HIGH);
    back.plug(2, SPEED_SUPER);
    driver.enumerate(1, SPEED_HIGH);
    expect(controller.port(1).address).toBe(1);
    driver.start();
    expect(controller.port(1).address).toBe(0);
    expect(driver.port(1).enabled).toBe(false);
    expect(driver.port(1).changes).toBe(PORTSC_CSC);
    expect(driver.port(6).enabled).toBe(true);
    expect(driver.takePorts()).toEqual([1, 6]);
    driver.enumerate(1, SPEED_HIGH);
    expect(controller.port(1).address).toBe(1);
  });
});

describe("a device that is replugged fast", () => {
  it("is a disconnect and a connect, and the old slot never reaches the new device", () => {
    const { device, driver, back, ram, settle } = createDevice();
    back.unplug(1);
    const plug = back.plug(1, SPEED_HIGH);
    expect(driver.takePorts()).toEqual([1]);
    expect(driver.port(1).changes).toBe(PORTSC_CSC);
    expect(driver.port(1).enabled).toBe(false);
    back.onTransfer = (request) => {
      back.answer(request, request.plug === plug ? STATUS_OK : STATUS_NO_DEVICE, 0);
    };
    device.submit(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC));
    settle();
    expect(device.events()).toMatchObject([{ code: CC_USB_TRANSACTION_ERROR }]);
    expect(device.disable()).toBe(CC_SUCCESS);
    const next = driver.enumerate(1, SPEED_HIGH);
    next.control({ bmRequestType: 0, bRequest: 9 });
    expect(next.events()).toMatchObject([{ code: CC_SUCCESS }]);
  });

  it("as another speed leaves one port and comes to the other", () => {
    const { driver, back } = createDevice();
    back.unplug(1);
    back.plug(1, SPEED_SUPER);
    expect(driver.takePorts()).toEqual([1, 5]);
    expect(driver.port(1).connected).toBe(false);
    expect(driver.port(5).connected).toBe(true);
  });
});

describe("a device that is unplugged with transfers in flight", () => {
  it("is reported gone before its transfers fail", () => {
    const { device, driver, back, ram, link, controller, settle } = createDevice();
    const trbs = [1, 2, 3].map(() => device.queue(BULK_IN, normal(ram.buffer(64), 8, TRB_IOC))[0]);
    device.doorbell(BULK_IN);
    const { counters } = controller.port(1);
    expect(counters.inFlight).toBe(3);
    back.unplug(1);
    for (const request of back.held.slice()) back.answer(request, STATUS_NO_DEVICE, 0);
    settle();
    driver.service();
    expect(driver.events).toMatchObject([
      { type: TRB_PORT_STATUS_CHANGE },
      { type: TRB_TRANSFER_EVENT, code: CC_USB_TRANSACTION_ERROR, parameter: trbs[0] },
    ]);
    expect(counters.inFlight).toBe(0);
    expect(link.inFlight).toBe(0);
    expect(link.core.exports.freeSlots()).toBe(SLOTS);
  });
});

describe("a controller reset with transfers in flight", () => {
  it("gives them up; late answers touch nothing", () => {
    const { device, driver, back, ram, link, settle } = createDevice();
    const buffer = ram.buffer(64);
    back.onCancel = () => {};
    for (let count = 0; count < 40; count++) device.queue(BULK_IN, normal(buffer, 8, TRB_IOC));
    device.doorbell(BULK_IN);
    expect(link.inFlight).toBe(32);
    driver.start();
    driver.takePorts();
    ram.onWrite = () => {
      throw new Error("a late answer wrote to memory");
    };
    for (const request of back.held.slice()) back.answer(request, STATUS_OK, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    settle();
    ram.onWrite = undefined;
    expect(driver.take()).toEqual([]);
    expect(link.inFlight).toBe(0);
    expect(link.core.exports.freeSlots()).toBe(SLOTS);
    driver.enumerate(1, SPEED_HIGH);
  });
});
