/** Devices behind external hubs: Address Device with a route string, transaction translators, a hub's own fields. */
import { describe, expect, it } from "vitest";
import { EP_TYPE_BULK_IN, SLOT_STATE_ADDRESSED, SLOT_STATE_DEFAULT } from "../../../app/xhci/context.ts";
import {
  CC_COMMAND_ABORTED,
  CC_PARAMETER_ERROR,
  CC_SUCCESS,
  CC_USB_TRANSACTION_ERROR,
  TRB_IOC,
} from "../../../app/xhci/trb.ts";
import {
  SLOT_COUNT,
  SPEED_FULL,
  SPEED_HIGH,
  SPEED_LOW,
  SPEED_NONE,
  SPEED_SUPER,
  STATUS_NO_DEVICE,
  STATUS_OK,
} from "../../../asm/layout.ts";
import type { Request } from "../../../worker/request.ts";
import { rigFactory } from "../../fakes/guest-driver/rig.ts";
import { command, normal } from "../../fakes/guest-driver/trbs.ts";

const createRig = await rigFactory();
const BULK_IN = 3;
const CRCR = 0x18;
const ABORT = 4;

/** A high-speed hub in socket 1, with an address. Devices are at every route that the test puts into `routes`. */
function createHub() {
  const rig = createRig({ placement: "deferred" });
  const routes = new Set<number>();
  const asked: { port: number; route: number; plug: number }[] = [];
  rig.back.onAddress = (request) => {
    asked.push({ port: request.port, route: request.route, plug: request.plug });
    request.complete(routes.has(request.route) ? STATUS_OK : STATUS_NO_DEVICE, 0);
  };
  rig.driver.start();
  rig.back.plug(1, SPEED_HIGH);
  const hub = rig.driver.enumerate(1, SPEED_HIGH);
  return { ...rig, hub, routes, asked };
}

/** The first three words of the output slot context, as the guest reads them. */
function slotWords(rig: ReturnType<typeof createHub>, output: number): number[] {
  return [0, 4, 8].map((offset) => rig.ram.read32(output + offset) >>> 0);
}

describe("Address Device behind a hub", () => {
  it("asks the device's side, and its transfers name the route and the number that was given", () => {
    const rig = createHub();
    const { driver, back, routes, asked, controller } = rig;
    routes.add(0x2);
    const device = driver.device(1, SPEED_HIGH, { route: 0x2 });
    device.mustAddress();
    expect(asked).toEqual([{ port: 1, route: 2, plug: 1 }]);
    expect([device.slotState, device.usbAddress]).toEqual([SLOT_STATE_ADDRESSED, device.slotId]);
    expect(controller.port(1, 0x2)).toMatchObject({ enabled: true, address: device.slotId });
    // A trace tells it from the hub, which has the same number in its own right.
    expect(controller.device(1, 0x2, 1)).toEqual({ address: device.slotId, speed: SPEED_HIGH });
    expect(controller.device(1, 0, 1)).toEqual({ address: rig.hub.slotId, speed: SPEED_HIGH });
    device.mustConfigure({ id: BULK_IN, type: EP_TYPE_BULK_IN });
    device.submit(BULK_IN, normal(rig.ram.buffer(64), 64, TRB_IOC));
    const { port, route, plug } = back.first(0x81);
    expect({ port, route, plug }).toEqual(asked[0]);
    back.answer(back.first(0x81), STATUS_OK, new Uint8Array(64));
    expect(device.events()).toMatchObject([{ code: CC_SUCCESS }]);
    expect(controller.port(1, 0x2).counters).toMatchObject({ bytesIn: 64, transfers: 1, driven: 1, inFlight: 0 });
    expect(controller.port(1).counters.bytesIn).toBe(0);
    device.disable();
    expect(controller.port(1, 0x2)).toMatchObject({ enabled: false, address: 0 });
  });

  it("where there is no device is a USB Transaction Error, and changes nothing", () => {
    const { driver, asked, ram } = createHub();
    const device = driver.device(1, SPEED_HIGH, { route: 0x3 });
    device.prepareAddress();
    expect(device.address()).toBe(CC_USB_TRANSACTION_ERROR);
    expect(asked).toHaveLength(1);
    expect(ram.read32(device.output + 12)).toBe(0);
    expect(device.stop(1)).not.toBe(CC_SUCCESS);
  });

  it("where the root port is empty does not even ask", () => {
    const { driver, asked } = createHub();
    const device = driver.device(2, SPEED_HIGH, { route: 0x3 });
    device.prepareAddress();
    expect(device.address()).toBe(CC_USB_TRANSACTION_ERROR);
    expect(asked).toEqual([]);
  });

  it("gives another number each time: first with BSR, then in earnest, and after a replug", () => {
    const { driver, routes, asked } = createHub();
    routes.add(0x51);
    const device = driver.device(1, SPEED_HIGH, { route: 0x51 });
    device.prepareAddress();
    expect(device.address(true)).toBe(CC_SUCCESS);
    expect(device.slotState).toBe(SLOT_STATE_DEFAULT);
    expect(device.address()).toBe(CC_SUCCESS);
    device.disable();
    driver.device(1, SPEED_HIGH, { route: 0x51 }).mustAddress();
    expect(asked.map(({ plug }) => plug)).toEqual([1, 2, 3]);
  });

  it("without a free URB does not wait for one", () => {
    const { driver, link, asked } = createHub();
    const device = driver.device(1, SPEED_HIGH, { route: 0x1 });
    device.prepareAddress();
    const urbs = Array.from({ length: SLOT_COUNT }, () => link.reserve(0));
    expect(device.address()).toBe(CC_USB_TRANSACTION_ERROR);
    expect(asked).toEqual([]);
    for (const urb of urbs) if (urb) link.release(urb);
  });
});

describe("an Address Device that the device's side does not answer", () => {
  function createWaiting() {
    const rig = createHub();
    const waiting: Request[] = [];
    rig.back.onAddress = (request) => waiting.push(request);
    const device = rig.driver.device(1, SPEED_HIGH, { route: 0x2 });
    device.prepareAddress();
    const address = rig.driver.issue(command.addressDevice(device.slotId, device.input));
    expect(rig.driver.completionOf(address)).toBeUndefined();
    expect(waiting).toHaveLength(1);
    return { ...rig, device, address, request: waiting[0] as Request };
  }

  it("is aborted; what comes later changes no context, and the slot can be addressed again", () => {
    const { driver, device, address, request, settle, back, ram } = createWaiting();
    driver.writeOperational(CRCR, ABORT);
    expect(driver.completionOf(address)?.code).toBe(CC_COMMAND_ABORTED);
    ram.poke(device.output, ...new Array<number>(16).fill(0xa5a5a5a5));
    request.complete(STATUS_OK, 0);
    settle();
    expect(Array.from({ length: 16 }, (_, index) => ram.read32(device.output + 4 * index) >>> 0)).toEqual(
      new Array(16).fill(0xa5a5a5a5),
    );
    driver.take();
    back.onAddress = (again) => again.complete(STATUS_OK, 0);
    expect(device.address()).toBe(CC_SUCCESS);
    expect(device.usbAddress).toBe(device.slotId);
  });

  it("ends with the controller's reset", () => {
    const { driver, request, settle, link, controller } = createWaiting();
    driver.start();
    driver.takePorts();
    request.complete(STATUS_OK, 0);
    settle();
    expect(driver.take()).toEqual([]);
    expect(controller.port(1, 0x2).enabled).toBe(false);
    expect(link.inFlight).toBe(0);
  });
});

describe("slot contexts", () => {
  it("of a hub keep Hub, Number of Ports, MTT and TT Think Time, which Configure Endpoint tells", () => {
    const rig = createHub();
    const { hub } = rig;
    expect(slotWords(rig, hub.output)).toEqual([0x08300000, 0x00010000, 0]);
    expect(hub.configureHub({ ports: 4, multiTt: true, thinkTime: 3 })).toBe(CC_SUCCESS);
    expect(slotWords(rig, hub.output)).toEqual([0x0e300000, 0x04010000, 0x00030000]);
    // A later Configure Endpoint that does not call it a hub takes nothing back.
    hub.mustConfigure({ id: BULK_IN, type: EP_TYPE_BULK_IN });
    expect(slotWords(rig, hub.output)).toEqual([0x1e300000, 0x04010000, 0x00030000]);
  });

  it("of a full-speed device keep route and translator", () => {
    const rig = createHub();
    rig.routes.add(0x4);
    const device = rig.driver.device(1, SPEED_FULL, { route: 0x4, ttHubSlot: rig.hub.slotId, ttPort: 4 });
    device.mustAddress();
    expect(slotWords(rig, device.output)).toEqual([0x08100004, 0x00010000, 0x00000400 | rig.hub.slotId]);
  });

  it.each([
    ["no translator", SPEED_FULL, 0x4, 0, 0],
    ["another slot", SPEED_FULL, 0x4, 9, 4],
    ["another port", SPEED_LOW, 0x4, 1, 3],
    ["the hub's hub", SPEED_LOW, 0x24, 1, 4],
  ])("of a slow device with the wrong translator (%s) are a Parameter Error", (_, speed, route, ttHubSlot, ttPort) => {
    const { driver, routes, asked } = createHub();
    routes.add(0x4).add(route);
    driver.device(1, SPEED_HIGH, { route: 0x4 }).mustAddress();
    const before = asked.length;
    const device = driver.device(1, speed, { route, ttHubSlot, ttPort });
    device.prepareAddress();
    expect(device.address()).toBe(CC_PARAMETER_ERROR);
    expect(asked).toHaveLength(before);
  });

  it("of a device behind a full-speed hub have that hub's translator", () => {
    const { driver, routes, hub } = createHub();
    routes.add(0x4).add(0x14);
    const translator = { ttHubSlot: hub.slotId, ttPort: 4 };
    driver.device(1, SPEED_FULL, { route: 0x4, ...translator }).mustAddress();
    driver.device(1, SPEED_LOW, { route: 0x14, ...translator }).mustAddress();
  });
});

describe("a USB 3 hub, two devices in one socket", () => {
  it("is on both ports of the socket, each with its own plug, reset and address", () => {
    const { driver, back, controller, settle, routes, asked } = createHub();
    back.plug(2, SPEED_SUPER);
    back.plug(18, SPEED_HIGH);
    settle();
    expect(driver.takePorts().sort()).toEqual([2, 6]);
    const fast = driver.enumerate(6, SPEED_SUPER);
    const slow = driver.enumerate(2, SPEED_HIGH);
    expect(back.resetCount).toBe(3);
    expect(controller.port(2)).toMatchObject({ speed: SPEED_SUPER, enabled: true, address: fast.slotId });
    routes.add(0x1);
    driver.device(6, SPEED_SUPER, { route: 0x1 }).mustAddress();
    driver.device(2, SPEED_FULL, { route: 0x1, ttHubSlot: slow.slotId, ttPort: 1 }).mustAddress();
    expect(asked.map(({ port, route }) => [port, route])).toEqual([
      [2, 1],
      [18, 1],
    ]);
    back.unplug(18);
    settle();
    expect([driver.port(2).connected, driver.port(6).connected]).toEqual([false, true]);
    back.unplug(2);
    settle();
    expect(controller.port(2).speed).toBe(SPEED_NONE);
    expect(driver.port(6).connected).toBe(false);
  });
});
