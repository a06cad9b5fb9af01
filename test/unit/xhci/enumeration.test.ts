/** Devices of every speed come, are addressed, configured and go (xHCI 1.2 §4.3). */
import { describe, expect, it } from "vitest";
import {
  EP_STATE_DISABLED,
  EP_STATE_RUNNING,
  EP_TYPE_BULK_IN,
  EP_TYPE_BULK_OUT,
  EP_TYPE_INTERRUPT_IN,
  SLOT_STATE_ADDRESSED,
  SLOT_STATE_CONFIGURED,
  SLOT_STATE_DEFAULT,
} from "../../../app/xhci/context.ts";
import { PLS_POLLING, PLS_RX_DETECT, PLS_U0, PORTSC_CSC } from "../../../app/xhci/registers.ts";
import { CC_SUCCESS } from "../../../app/xhci/trb.ts";
import { SPEED_FULL, SPEED_HIGH, SPEED_LOW, SPEED_SUPER, STATUS_OK, TYPE_CONTROL } from "../../../asm/layout.ts";
import { rigFactory } from "../../fakes/guest-driver/rig.ts";

const createRig = await rigFactory();

describe.each(["thread", "deferred"] as const)("a device in %s placement", (placement) => {
  it.each([
    ["low", SPEED_LOW],
    ["full", SPEED_FULL],
    ["high", SPEED_HIGH],
  ])("of %s speed appears on the USB2 port and is enabled by its reset", (_, speed) => {
    const { driver, back, controller } = createRig({ placement });
    driver.start();
    back.plug(2, speed);
    expect(driver.takePorts()).toEqual([2]);
    const port = driver.port(2);
    expect(port.connected).toBe(true);
    expect(port.enabled).toBe(false);
    expect(port.linkState).toBe(PLS_POLLING);
    expect(port.speed).toBe(speed);
    expect(driver.port(6).connected).toBe(false);
    port.clearChanges();
    port.reset();
    expect(back.resetCount).toBe(1);
    expect(port.linkState).toBe(PLS_U0);
    expect(port.speed).toBe(speed);
    expect(controller.port(2).enabled).toBe(true);
    expect(driver.takePorts()).toEqual([2]);
  });

  it("of super speed appears on the USB3 port, enabled already", () => {
    const { driver, back } = createRig({ placement });
    driver.start();
    back.plug(2, SPEED_SUPER);
    expect(driver.takePorts()).toEqual([6]);
    const port = driver.port(6);
    expect(port.connected).toBe(true);
    expect(port.enabled).toBe(true);
    expect(port.linkState).toBe(PLS_U0);
    expect(port.speed).toBe(SPEED_SUPER);
    expect(driver.port(2).connected).toBe(false);
    expect(driver.port(2).linkState).toBe(PLS_RX_DETECT);
  });

  it("is addressed, asked for its descriptor, configured and deconfigured", () => {
    const { driver, back, controller, ram, settle } = createRig({ placement });
    driver.start();
    back.plug(1, SPEED_HIGH);
    driver.takePorts();
    driver.port(1).reset();
    driver.takePorts();
    const device = driver.device(1, SPEED_HIGH);
    device.prepareAddress();
    expect(device.address(true)).toBe(CC_SUCCESS);
    expect(device.slotState).toBe(SLOT_STATE_DEFAULT);
    expect(device.usbAddress).toBe(0);
    expect(controller.port(1).address).toBe(0);

    const descriptor = Uint8Array.from({ length: 18 }, (_, index) => 0x11 * (index + 1));
    back.onTransfer = (request) => {
      expect(request).toMatchObject({ type: TYPE_CONTROL, endpoint: 0, port: 1, plug: back.plugOf(1) });
      expect(request).toMatchObject({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0100, wIndex: 0, length: 18 });
      back.answer(request, STATUS_OK, descriptor);
    };
    const buffer = ram.buffer(64);
    const getDescriptor = { bmRequestType: 0x80, bRequest: 6, wValue: 0x0100, wLength: 18 };
    const [, , status] = device.control(getDescriptor, buffer);
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS, parameter: status, length: 0, endpointId: 1 }]);
    expect(ram.slice(buffer, 18)).toEqual(descriptor);
    expect(ram.slice(buffer + 18, 46)).toEqual(new Uint8Array(46).fill(0xa5));

    expect(device.address()).toBe(CC_SUCCESS);
    expect(device.slotState).toBe(SLOT_STATE_ADDRESSED);
    expect(device.usbAddress).toBe(device.slotId);
    expect(controller.port(1).address).toBe(device.slotId);
    expect(device.endpointState(1)).toBe(EP_STATE_RUNNING);

    const add = [
      { id: 3, type: EP_TYPE_BULK_IN },
      { id: 4, type: EP_TYPE_BULK_OUT },
      { id: 7, type: EP_TYPE_INTERRUPT_IN, maxPacketSize: 8, interval: 6 },
    ];
    expect(device.configure(add)).toBe(CC_SUCCESS);
    expect(device.slotState).toBe(SLOT_STATE_CONFIGURED);
    expect(device.contextEntries).toBe(7);
    for (const { id } of add) expect(device.endpointState(id)).toBe(EP_STATE_RUNNING);
    expect(device.endpointState(5)).toBe(EP_STATE_DISABLED);

    expect(device.configure([], [7])).toBe(CC_SUCCESS);
    expect(device.endpointState(7)).toBe(EP_STATE_DISABLED);
    expect(device.contextEntries).toBe(4);

    expect(device.deconfigure()).toBe(CC_SUCCESS);
    expect(device.slotState).toBe(SLOT_STATE_ADDRESSED);
    expect(device.endpointState(3)).toBe(EP_STATE_DISABLED);
    expect(device.contextEntries).toBe(1);

    expect(device.disable()).toBe(CC_SUCCESS);
    expect(controller.port(1).address).toBe(0);
    settle();
    expect(driver.events).toEqual([]);
  });

  it("goes, and its place can be taken by another", () => {
    const { driver, back, controller } = createRig({ placement });
    driver.start();
    back.plug(3, SPEED_HIGH);
    const first = driver.enumerate(3, SPEED_HIGH);
    back.unplug(3);
    expect(driver.takePorts()).toEqual([3]);
    expect(driver.port(3).portsc).toBe(0x2a0 | PORTSC_CSC);
    expect(controller.port(3).speed).toBe(0);
    driver.port(3).clearChanges();
    expect(first.disable()).toBe(CC_SUCCESS);
    back.plug(3, SPEED_SUPER);
    expect(driver.takePorts()).toEqual([7]);
    const second = driver.enumerate(7, SPEED_SUPER);
    expect(second.slotId).toBe(first.slotId);
    expect(controller.port(3).address).toBe(second.slotId);
  });

  it("gets a slot each, as many as the driver has enabled", () => {
    const { driver, back } = createRig({ placement });
    driver.start({ slots: 3 });
    const devices = [1, 2, 3].map((socket) => {
      back.plug(socket, SPEED_FULL);
      return driver.enumerate(socket, SPEED_FULL);
    });
    expect(devices.map(({ slotId }) => slotId)).toEqual([1, 2, 3]);
    back.plug(4, SPEED_FULL);
    expect(() => driver.enumerate(4, SPEED_FULL)).toThrow("Enable Slot: completion code 9");
  });
});
