/** The adapter alone, over a strict fake of npm usb: each difference from WebUSB that it makes good. */
import { afterEach, expect, test, vi } from "vitest";
import { loadNative } from "../../../worker/node-usb/native.ts";
import { NodeUsb } from "../../../worker/node-usb/usb.ts";
import { FakeNodeUsb, type NodePlugOptions } from "../../fakes/node-usb.ts";
import { ScriptedFunction, type ScriptedOptions, VENDOR_INTERFACE } from "../../fakes/scripted-function.ts";
import { nextTask } from "../../fakes/usb-wire.ts";

const counting = (length: number, from = 0) => Uint8Array.from({ length }, (_, index) => (from + index) & 0xff);
const bytesOf = ({ data }: USBInTransferResult) => (data ? new Uint8Array(data.buffer, 0, data.byteLength) : undefined);
const rejection = (name: string, message: RegExp | string = "") => ({
  name,
  message: expect.stringMatching(message),
});

const PERIOD = 5;

async function listed(options: ScriptedOptions = {}, plugOptions: NodePlugOptions = {}) {
  const native = new FakeNodeUsb();
  const fn = new ScriptedFunction(options);
  const plug = native.plug(fn, plugOptions);
  const usb = new NodeUsb(native, PERIOD);
  const [device] = await usb.getDevices();
  if (!device) throw new Error("not listed");
  return { native, fn, plug, usb, device };
}

async function claimed(options: ScriptedOptions = {}, plugOptions: NodePlugOptions = {}) {
  const all = await listed(options, plugOptions);
  await all.device.open();
  await all.device.claimInterface(0);
  return all;
}

const TWO_ALTERNATES: ScriptedOptions = {
  configurations: [[VENDOR_INTERFACE, { ...VENDOR_INTERFACE, alternate: 1 }]],
};
const IDS = { requestType: "vendor", recipient: "device", request: 1, value: 2, index: 0 } as const;

afterEach(() => {
  vi.useRealTimers();
});

test("a device is one object as long as it is plugged in, with its place and its speed", async () => {
  const { native, usb, device } = await listed({ serialNumber: "S" }, { ports: [2, 3], speed: "superPlus" });
  expect(device).toMatchObject({ path: "1-2.3", speed: "super", serialNumber: "S", productName: "scripted device" });
  native.plug(new ScriptedFunction({ deviceClass: 9 })); // a hub
  expect(await usb.getDevices()).toEqual([device]);
  expect((await usb.getDevices())[0]).toBe(device);
});

test("strings that the device would have to be opened for are none where it may not be", async () => {
  const { device } = await listed({}, { nameless: true, forbidden: true });
  expect([device.manufacturerName, device.productName, device.serialNumber]).toEqual([null, null, null]);
  await expect(device.open()).rejects.toMatchObject(
    rejection("AccessError", /ATTR\{idVendor\}=="1209", ATTR\{idProduct\}=="[0-9a-f]{4}", TAG\+="uaccess"/),
  );
});

test("a device that a container has not been given is told in words", async () => {
  const { device } = await listed({}, { hidden: true });
  await expect(device.open()).rejects.toMatchObject(rejection("AccessError", /^Scripted device is not in \/dev/));
});

test("without a USB bus the list says so, and listening does no harm", async () => {
  const native = new FakeNodeUsb();
  native.hasNoBus = true;
  const usb = new NodeUsb(native, PERIOD);
  const listener = () => undefined;
  usb.addEventListener("connect", listener);
  await expect(usb.getDevices()).rejects.toMatchObject(rejection("AccessError", /cannot be listed .*not found/));
  usb.removeEventListener("connect", listener);
});

test("descriptors can be read before anything is claimed, and the claim of an interface that is held for it is free", async () => {
  const { device, plug } = await listed();
  await device.open();
  expect(device.configuration?.interfaces[0]?.alternate.endpoints).toMatchObject([
    { endpointNumber: 1, direction: "in", type: "bulk", packetSize: 512 },
    { endpointNumber: 2, direction: "out", type: "bulk", packetSize: 512 },
    { endpointNumber: 3, direction: "in", type: "interrupt", packetSize: 64 },
  ]);
  const setup = { requestType: "standard", recipient: "device", request: 6, value: 0x0100, index: 0 } as const;
  expect(bytesOf(await device.controlTransferIn(setup, 18))).toHaveLength(18);
  await expect(device.transferIn(1, 512)).rejects.toMatchObject(rejection("NotFoundError", "not part of a claimed"));
  await device.claimInterface(0);
  await device.close();
  expect(plug.owners.size).toBe(0);
});

test("a stall is a status: of a control transfer, an IN and an OUT; and is cleared", async () => {
  const { device, fn } = await claimed();
  expect(await device.controlTransferIn(IDS, 8)).toMatchObject({ status: "stall" });
  expect(await device.controlTransferOut(IDS)).toMatchObject({ status: "stall" });
  fn.push(0x81, counting(512), "stall");
  const stalled = await device.transferIn(1, 1024);
  expect([stalled.status, bytesOf(stalled)]).toEqual(["stall", counting(512)]);
  fn.outAnswers.push("stall");
  expect(await device.transferOut(2, counting(9))).toMatchObject({ status: "stall" });
  await device.clearHalt("in", 1);
  await device.clearHalt("out", 2);
  expect(fn.log).toEqual(["control c0 1", "control 40 1", "clear halt 81", "clear halt 2"]);
  expect(await device.transferOut(2, counting(9))).toEqual({ status: "ok", bytesWritten: 9 });
});

test("more than was asked for is a babble, and noise a NetworkError", async () => {
  const { device, fn } = await claimed();
  fn.push(0x81, counting(300), "error");
  const result = await device.transferIn(1, 100);
  expect([result.status, bytesOf(result)]).toEqual(["babble", counting(100)]);
  await expect(device.transferIn(1, 512)).rejects.toMatchObject(rejection("NetworkError", "A transfer error"));
});

test("an IN waits as long as it takes, and loses nothing that comes packet by packet over minutes", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const { device, fn } = await claimed();
  const transfer = device.transferIn(1, 2048);
  for (let index = 0; index < 3; index++) {
    await vi.advanceTimersByTimeAsync(90_000);
    fn.push(0x81, counting(512, index));
    for (let round = 0; round < 10; round++) await nextTask();
  }
  await vi.advanceTimersByTimeAsync(90_000);
  fn.push(0x81, counting(3, 3));
  expect(bytesOf(await transfer)).toEqual(
    new Uint8Array([...counting(512), ...counting(512, 1), ...counting(512, 2), ...counting(3, 3)]),
  );
});

test("an OUT waits as long as the device does not take it", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const { device, fn } = await claimed();
  fn.outAnswers.push("nak");
  const transfer = device.transferOut(2, counting(5));
  await vi.advanceTimersByTimeAsync(3_600_000);
  fn.outAnswers.pop();
  fn.wake();
  expect(await transfer).toEqual({ status: "ok", bytesWritten: 5 });
});

test("transfers of an endpoint go one at a time in order, with their data as it was at the call", async () => {
  const { device, fn } = await claimed();
  const ins = [device.transferIn(1, 512), device.transferIn(1, 512)];
  const data = new Uint8Array(4);
  const outs = [1, 2, 3].map((value) => device.transferOut(2, data.fill(value)));
  outs.push(device.transferOut(2, new Uint8Array(0)));
  fn.push(0x81, counting(1, 1), counting(1, 2));
  expect((await Promise.all(ins)).map((result) => bytesOf(result)?.[0])).toEqual([1, 2]);
  await Promise.all(outs);
  expect(fn.received.map((packet) => [...packet])).toEqual([[1, 1, 1, 1], [2, 2, 2, 2], [3, 3, 3, 3], []]);
});

test("a halt is cleared, an alternate selected and an interface claimed while INs wait", async () => {
  const two = { number: 1, endpoints: [{ address: 0x84, type: "bulk", packetSize: 64 }] } as const;
  const { device, fn } = await claimed({
    configurations: [[VENDOR_INTERFACE, { ...VENDOR_INTERFACE, alternate: 1 }, two]],
  });
  const waits = device.transferIn(1, 512);
  await nextTask();
  await device.clearHalt("in", 1);
  await device.claimInterface(1);
  const beside = device.transferIn(4, 64);
  const ended = expect(waits).rejects.toMatchObject(rejection("NetworkError"));
  await device.selectAlternateInterface(0, 1);
  await ended;
  fn.push(0x84, counting(2));
  expect(bytesOf(await beside)).toEqual(counting(2));
  fn.push(0x81, counting(7));
  expect(bytesOf(await device.transferIn(1, 512))).toEqual(counting(7));
  expect(fn.log).toEqual(["clear halt 81", "interface 0 alternate 1"]);
});

test("what cannot be cancelled holds up a change for a while, and the change is refused", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const { device, fn } = await claimed(TWO_ALTERNATES);
  fn.outAnswers.push("nak");
  const stuck = device.transferOut(2, counting(5));
  await nextTask();
  const cleared = expect(device.clearHalt("out", 2)).rejects.toMatchObject(rejection("NetworkError"));
  await vi.advanceTimersByTimeAsync(2500);
  await cleared;
  const lost = expect(stuck).rejects.toMatchObject(rejection("NetworkError"));
  const changed = expect(device.selectAlternateInterface(0, 1)).rejects.toMatchObject(rejection("NetworkError"));
  await lost;
  await vi.advanceTimersByTimeAsync(2500);
  await changed;
});

test("close() ends what is in flight with an AbortError, and gives all back, whatever hangs", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const { device, fn, plug } = await claimed();
  fn.outAnswers.push("nak");
  const hanging = [device.transferIn(1, 512), device.transferOut(2, counting(5))];
  await nextTask();
  const ended = Promise.all(
    hanging.map((each) => expect(each).rejects.toMatchObject(rejection("AbortError", "cancelled"))),
  );
  const closed = device.close();
  await ended;
  await vi.advanceTimersByTimeAsync(2500);
  for (let round = 0; round < 10; round++) await vi.advanceTimersByTimeAsync(10);
  await closed;
  expect([plug.owners.size, plug.wire.pending]).toEqual([0, 0]);
  await expect(device.transferIn(1, 512)).rejects.toMatchObject(rejection("InvalidStateError", "opened first"));
  vi.useRealTimers();
  await device.open();
  await device.claimInterface(0);
});

test("reset() ends what is in flight, and the claims and alternates are there after it", async () => {
  const { device, fn, plug } = await claimed(TWO_ALTERNATES);
  await device.selectAlternateInterface(0, 1);
  const lost = expect(device.transferIn(1, 512)).rejects.toMatchObject(rejection("NetworkError"));
  await nextTask();
  await device.reset();
  await lost;
  expect(plug.wire.alternates.get(0)).toBe(1);
  fn.push(0x81, counting(7));
  expect(bytesOf(await device.transferIn(1, 512))).toEqual(counting(7));
});

test("another configuration is selected when nothing is claimed", async () => {
  const { device, plug } = await claimed({ configurations: [[VENDOR_INTERFACE], [VENDOR_INTERFACE]] });
  await expect(device.selectConfiguration(2)).rejects.toMatchObject(rejection("NetworkError", "set device configur"));
  await device.releaseInterface(0);
  await device.selectConfiguration(2);
  expect([plug.wire.configuration, device.configuration?.configurationValue]).toEqual([2, 2]);
  await expect(device.selectConfiguration(3)).rejects.toMatchObject(rejection("NotFoundError"));
  await device.claimInterface(0);
});

test("an interface of a driver of the computer is refused, or with detach taken from it and given back", async () => {
  const configurations = [[VENDOR_INTERFACE, { number: 1, endpoints: [] }]];
  const { device, plug } = await claimed({ configurations }, { drivers: [1] });
  await expect(device.claimInterface(1)).rejects.toMatchObject(rejection("NetworkError", "Unable to claim"));
  device.detach = true;
  await device.claimInterface(1);
  await device.reset(); // the driver is back, and is sent away again
  expect(plug.owners.get(1)).not.toBe("driver");
  await device.close();
  expect([...plug.owners]).toEqual([[1, "driver"]]);
});

test("a device of which a driver has everything can be opened with detach only", async () => {
  const { device, plug } = await listed({}, { drivers: [0] });
  await expect(device.open()).rejects.toMatchObject(rejection("BusyError", /With the setting detach/));
  expect(device.opened).toBe(false);
  device.detach = true;
  await device.open();
  await device.claimInterface(0);
  await device.close();
  expect([...plug.owners]).toEqual([[0, "driver"]]);
});

test("a device that is pulled out rejects all with a NotFoundError, is closed, and tells", async () => {
  const { native, usb, device, plug } = await claimed();
  const left = new Promise((resolve) => {
    usb.ondisconnect = (event) => resolve(event.device);
  });
  const pending = expect(device.transferIn(1, 512)).rejects.toMatchObject(rejection("NotFoundError", "disconnected"));
  await nextTask();
  native.unplug(plug, { lingers: true });
  await pending;
  expect(await left).toBe(device);
  await expect(device.open()).rejects.toMatchObject(rejection("NotFoundError", "disconnected"));
  expect(await usb.getDevices()).toEqual([]);
});

test("a replug between two looks is a disconnect and a connect of another object", async () => {
  const { native, usb, device, plug } = await listed({ serialNumber: "S" });
  const events: unknown[] = [];
  let done = () => {};
  const both = new Promise<void>((resolve) => {
    done = resolve;
  });
  const listener = ({ type, device: each }: USBConnectionEvent) => {
    events.push(type, each);
    if (events.length === 4) done();
  };
  usb.addEventListener("disconnect", listener);
  usb.addEventListener("connect", listener);
  native.unplug(plug);
  native.plug(new ScriptedFunction({ serialNumber: "S" }));
  await both;
  usb.removeEventListener("disconnect", listener);
  usb.removeEventListener("connect", listener);
  const [other] = await usb.getDevices();
  expect(other).not.toBe(device);
  expect(events).toEqual(["disconnect", device, "connect", other]);
});

test("isochronous transfers are refused in words", async () => {
  const { device } = await claimed();
  await expect(device.isochronousTransferIn()).rejects.toMatchObject(rejection("NotSupportedError", /isochronous/));
});

test.each([
  [Object.assign(new Error("no"), { code: "ERR_MODULE_NOT_FOUND" }), /npm install usb@3$/],
  [new Error("Cannot find native binding."), /does not start \(Cannot find native binding.\)/],
  [{}, /not version 3/],
  [{ WebUSB: class {} }, /not version 3/],
])("a package that is missing, broken or another is told in words (%#)", async (found, words) => {
  const load = async () => {
    if (found instanceof Error) throw found;
    return found;
  };
  await expect(loadNative(load)).rejects.toMatchObject(rejection("UnsupportedError", words));
});
