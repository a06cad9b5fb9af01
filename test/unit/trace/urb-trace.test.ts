/** What a trace tells of URBs on their way: through a whole controller, with the device's side scripted. */
import { describe, expect, it } from "vitest";
import { traceUrbs, type UrbTrace } from "../../../app/trace/urb-trace.ts";
import { EP_TYPE_BULK_IN, EP_TYPE_BULK_OUT, EP_TYPE_INTERRUPT_IN } from "../../../app/xhci/context.ts";
import { TRB_IOC } from "../../../app/xhci/trb.ts";
import {
  COMPANION_PORT,
  SPEED_FULL,
  SPEED_HIGH,
  STATUS_OK,
  STATUS_STALL,
  TYPE_BULK,
  TYPE_CONTROL,
  TYPE_INTERRUPT,
} from "../../../asm/layout.ts";
import { rigFactory } from "../../fakes/guest-driver/rig.ts";
import { normal } from "../../fakes/guest-driver/trbs.ts";
import { bytes, hex } from "./urb.ts";

const createRig = await rigFactory();
const INTERRUPT_IN = 5;
const BULK_IN = 3;
const BULK_OUT = 4;

function createDevice(speed = SPEED_HIGH) {
  const rig = createRig({ placement: "deferred" });
  rig.driver.start();
  rig.back.plug(2, speed);
  const device = rig.driver.enumerate(2, speed);
  device.mustConfigure(
    { id: BULK_IN, type: EP_TYPE_BULK_IN },
    { id: BULK_OUT, type: EP_TYPE_BULK_OUT },
    { id: INTERRUPT_IN, type: EP_TYPE_INTERRUPT_IN, interval: 6 },
  );
  const heard: UrbTrace[] = [];
  const trace = (most?: number) =>
    traceUrbs(
      rig.link,
      (port, route, plug) => rig.controller.device(port, route, plug),
      (urb) => heard.push(urb),
      most,
    );
  return { ...rig, device, heard, trace };
}

describe("a trace of URBs", () => {
  it("tells a control transfer's setup packet, its data when they come, and the device's address", () => {
    const { back, device, driver, heard, ram, trace } = createDevice();
    trace();
    device.control({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0100, wLength: 18 }, ram.buffer(18));
    back.answer(back.first(), STATUS_OK, bytes("112233"));
    driver.take();
    const common = { id: 1, port: 2, plug: 1, route: 0, address: device.usbAddress, speed: SPEED_HIGH };
    const request = { endpoint: 0x80, type: TYPE_CONTROL, setup: bytes("8006000100001200"), length: 18 };
    expect(heard).toMatchObject([
      { phase: "submit", ...common, ...request, actual: 0, status: 0, data: new Uint8Array(0) },
      { phase: "complete", ...common, ...request, actual: 3, status: STATUS_OK, data: bytes("112233") },
    ]);
    expect(device.usbAddress).toBeGreaterThan(0);
  });

  it("tells an OUT's data once, as a copy, and its error", () => {
    const { back, device, driver, heard, ram, trace } = createDevice();
    trace();
    const buffer = ram.buffer(4);
    ram.write(buffer, bytes("11223344"));
    device.submit(BULK_OUT, normal(buffer, 4, TRB_IOC));
    const request = back.first();
    back.answer(request, STATUS_STALL, 2);
    ram.write(buffer, bytes("99999999"));
    driver.take();
    expect(heard).toMatchObject([
      { phase: "submit", endpoint: 0x02, type: TYPE_BULK, setup: undefined, length: 4, data: bytes("11223344") },
      { phase: "complete", endpoint: 0x02, length: 4, actual: 2, status: STATUS_STALL, data: new Uint8Array(0) },
    ]);
  });

  it("copies no more than it is to, but for control transfers", () => {
    const { back, device, driver, heard, ram, trace } = createDevice();
    trace(2);
    device.submit(BULK_OUT, normal(ram.buffer(4), 4, TRB_IOC));
    device.submit(BULK_IN, normal(ram.buffer(4), 4, TRB_IOC));
    back.answer(back.first(0x81), STATUS_OK, bytes("11223344"));
    device.control({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0100, wLength: 18 }, ram.buffer(18));
    back.answer(back.first(0), STATUS_OK, bytes("112233"));
    driver.take();
    expect(heard.map(({ actual, data, endpoint }) => [endpoint, data.length, actual])).toEqual([
      [0x02, 2, 0],
      [0x81, 0, 0],
      [0x80, 0, 0],
      [0x81, 2, 4],
      [0x80, 3, 3],
    ]);
  });

  it("names a URB by its number, whatever the order of the answers, and never twice", () => {
    const { back, device, driver, heard, ram, trace } = createDevice();
    trace();
    for (let round = 0; round < 3; round++) {
      device.submit(BULK_OUT, normal(ram.buffer(4), 4, TRB_IOC));
      device.submit(BULK_IN, normal(ram.buffer(4), 4, TRB_IOC));
      back.answer(back.first(0x81), STATUS_OK, bytes("55"));
      back.answer(back.first(0x02), STATUS_OK, 4);
      driver.take();
    }
    expect(heard.map(({ phase, id, endpoint }) => `${phase} ${id} ${endpoint}`)).toEqual(
      [0, 2, 4].flatMap((id) => [
        `submit ${id + 1} 2`,
        `submit ${id + 2} 129`,
        `complete ${id + 2} 129`,
        `complete ${id + 1} 2`,
      ]),
    );
  });

  it("that begins late tells the answers of what was under way", () => {
    const { back, device, driver, heard, ram, trace } = createDevice();
    device.submit(BULK_IN, normal(ram.buffer(4), 4, TRB_IOC));
    trace();
    device.submit(BULK_OUT, normal(ram.buffer(4), 4, TRB_IOC));
    back.answer(back.first(0x81), STATUS_OK, bytes("1122"));
    back.answer(back.first(0x02), STATUS_OK, 4);
    driver.take();
    expect(heard).toMatchObject([
      { phase: "submit", id: 1, endpoint: 0x02 },
      { phase: "complete", id: 2, endpoint: 0x81, port: 2, address: device.usbAddress, data: bytes("1122") },
      { phase: "complete", id: 1, endpoint: 0x02 },
    ]);
  });

  it("ends when it is told to, also in the midst of a transfer", () => {
    const { back, device, driver, heard, link, ram, trace } = createDevice();
    const stop = trace();
    device.submit(BULK_IN, normal(ram.buffer(4), 4, TRB_IOC));
    stop();
    back.answer(back.first(), STATUS_OK, bytes("1122"));
    driver.take();
    expect(heard.map(({ phase }) => phase)).toEqual(["submit"]);
    expect(link.taps.size).toBe(0);
  });

  it("tells the interval of an interrupt endpoint in µs, and of the speed it counts by", () => {
    const { device, driver, heard, ram, trace } = createDevice(SPEED_FULL);
    trace();
    device.submit(INTERRUPT_IN, normal(ram.buffer(8), 8, TRB_IOC));
    driver.take();
    expect(heard).toMatchObject([{ endpoint: 0x82, type: TYPE_INTERRUPT, interval: 8000, speed: SPEED_FULL }]);
  });

  it("calls a device 0 that the guest has not given an address", () => {
    const { back, controller, driver, heard, link, ram } = {
      ...createRig({ placement: "deferred" }),
      heard: [] as UrbTrace[],
    };
    driver.start();
    back.plug(1, SPEED_HIGH);
    driver.take();
    driver.port(1).reset();
    driver.take();
    const device = driver.device(1, SPEED_HIGH);
    device.prepareAddress();
    device.address(true);
    traceUrbs(
      link,
      (port, route, plug) => controller.device(port, route, plug),
      (urb) => heard.push(urb),
    );
    device.control({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0100, wLength: 8 }, ram.buffer(8));
    back.answer(back.first(), STATUS_OK, bytes("1122334455667788"));
    driver.take();
    device.prepareAddress();
    expect(device.address()).toBe(1);
    device.control({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0100, wLength: 8 }, ram.buffer(8));
    expect(heard.map(({ phase, address }) => `${phase} ${address}`)).toEqual(["submit 0", "complete 0", "submit 1"]);
    expect(hex(heard[1]?.data ?? new Uint8Array())).toBe("1122334455667788");
  });

  it("tells the same port of both halves of a hub", () => {
    const { back, controller, driver, link, ram } = createRig({ placement: "deferred" });
    const heard: UrbTrace[] = [];
    driver.start();
    back.plug(3 + COMPANION_PORT, SPEED_HIGH);
    const device = driver.enumerate(3, SPEED_HIGH);
    traceUrbs(
      link,
      (port, route, plug) => controller.device(port, route, plug),
      (urb) => heard.push(urb),
    );
    device.control({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0100, wLength: 8 }, ram.buffer(8));
    expect(heard).toMatchObject([{ port: 3, plug: 1, address: device.usbAddress, speed: SPEED_HIGH }]);
  });

  it("tells of the plug that a URB went to, after that is pulled out", () => {
    const { back, device, driver, heard, ram, trace } = createDevice();
    trace();
    device.submit(BULK_IN, normal(ram.buffer(4), 4, TRB_IOC));
    const { usbAddress } = device;
    back.unplug(2);
    driver.take();
    expect(device.disable()).toBe(1);
    for (const request of back.held.slice()) back.answer(request, STATUS_OK, 0);
    driver.take();
    expect(heard.map(({ phase, plug, address }) => `${phase} ${plug} ${address}`)).toEqual([
      `submit 1 ${usbAddress}`,
      `complete 1 ${usbAddress}`,
    ]);
  });
});
