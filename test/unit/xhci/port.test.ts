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

  it("waits for a free URB when all are on their way", () => {
    const { driver, back, link, settle } = start();
    back.plug(1, SPEED_HIGH);
    settle();
    const all = Array.from({ length: SLOTS }, () => link.reserve(0));
    driver.port(1).startReset();
    expect(driver.port(1).resetting).toBe(true);
    for (const urb of all) if (urb) link.release(urb);
    // Something comes back, which is when the controller looks again.
    back.plug(2, SPEED_HIGH);
    settle();
    expect(driver.port(1).resetting).toBe(false);
    expect(driver.port(1).enabled).toBe(true);
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

describe("a port's power", () => {
  it.each([
    ["USB2", SPEED_HIGH, 1],
    ["USB3", SPEED_SUPER, 5],
  ])("is the guest's to cut: the device of a %s port is gone, is reset, and comes back as new", (_, speed, id) => {
    const { driver, back, controller } = start();
    back.plug(1, speed);
    driver.enumerate(id, speed);
    const { resetCount } = back;
    const port = driver.port(id);
    port.setPower(false);
    expect(port.powered).toBe(false);
    expect(port.connected).toBe(false);
    expect(driver.takePorts()).toEqual([]);
    expect(back.resetCount).toBe(resetCount + 1);
    expect(controller.port(1).enabled).toBe(false);
    port.setPower(true);
    expect(port.changes).toBe(PORTSC_CSC);
    expect(driver.takePorts()).toEqual([id]);
    driver.enumerate(id, speed);
  });

  it("is on after a controller reset", () => {
    const { driver } = start();
    driver.port(2).setPower(false);
    driver.start();
    expect(driver.port(2).powered).toBe(true);
  });

  it("that is off hides what comes and goes until it is on", () => {
    const { driver, back, settle } = start();
    const port = driver.port(1);
    port.setPower(false);
    back.plug(1, SPEED_HIGH);
    settle();
    back.unplug(1);
    settle();
    back.plug(1, SPEED_HIGH);
    settle();
    expect(port.connected).toBe(false);
    port.startReset();
    port.setLinkState(PLS_U3);
    expect(driver.takePorts()).toEqual([]);
    port.setPower(true);
    expect(driver.takePorts()).toEqual([1]);
    port.reset();
  });

  it("is not cut by a write to another byte of the register", () => {
    const { driver, back } = start();
    back.plug(1, SPEED_HIGH);
    driver.port(1).reset();
    const at = driver.capabilities.operational + 0x400;
    for (const lane of [0, 2, 3]) driver.bar.write(at + lane, 1, 0);
    expect(driver.port(1).powered).toBe(true);
    driver.bar.write(at + 1, 1, 0);
    expect(driver.port(1).powered).toBe(false);
  });
});

describe("a port's registers", () => {
  it("keep U1 and U2 timeouts and the forced acceptance until a reset, and U1 and U2 themselves are not entered", () => {
    const { driver, back } = start();
    back.plug(1, SPEED_SUPER);
    const port = driver.port(5);
    driver.takePorts();
    port.powerManagement = 0xffffffff;
    expect(port.powerManagement).toBe(0x0001ffff);
    for (const link of [1, 2]) port.setLinkState(link);
    expect(port.linkState).toBe(PLS_U0);
    port.reset();
    expect(port.powerManagement).toBe(0);
    port.powerManagement = 0x0001_2030;
    port.setPower(false);
    expect(port.powerManagement).toBe(0x2030);
    port.powerManagement = 0x0001_4050;
    expect(port.powerManagement).toBe(0x4050);
  });

  it("answer a request for L1 with Not Supported, and have no hardware LPM to enable", () => {
    const { driver, back } = start();
    back.plug(1, SPEED_HIGH);
    const port = driver.port(1);
    port.reset();
    port.powerManagement = 0xffffffff;
    expect(port.powerManagement).toBe(0x0000fff8);
    port.setLinkState(2);
    expect(port.powerManagement & 7).toBe(3);
    expect(port.changes).toBe(PORTSC_PLC);
  });

  it("keep the wake-up bits, and neither indicators nor bits that are the controller's", () => {
    const { driver } = start();
    const port = driver.port(1);
    const wakeBits = 7 << 25;
    port.write(wakeBits | (3 << 14) | (1 << 30) | (1 << 24) | (1 << 3) | (1 << 2));
    expect(port.portsc).toBe(0x2a0 | wakeBits);
  });
});

describe("change bits", () => {
  it("make one event for the first of a port, and the next when all were cleared (§4.19.2)", () => {
    const { driver, back, settle } = start();
    back.plug(1, SPEED_HIGH);
    const port = driver.port(1);
    expect(driver.takePorts()).toEqual([1]);
    port.startReset();
    expect(port.changes).toBe(PORTSC_CSC | PORTSC_PRC);
    expect(driver.takePorts()).toEqual([]);
    port.clearChanges(PORTSC_CSC);
    port.startReset();
    expect(driver.takePorts()).toEqual([]);
    port.clearChanges();
    back.unplug(1);
    settle();
    expect(driver.takePorts()).toEqual([1]);
  });

  it("set Port Change Detect, each of them", () => {
    const { driver, back } = start();
    const detect = 1 << 4;
    back.plug(1, SPEED_HIGH);
    expect(driver.readOperational(4) & detect).toBe(detect);
    driver.writeOperational(4, detect);
    expect(driver.readOperational(4) & detect).toBe(0);
    driver.port(1).startReset();
    expect(driver.readOperational(4) & detect).toBe(detect);
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
