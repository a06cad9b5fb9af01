import { expect, test } from "vitest";
import { ScriptedFunction, VENDOR_INTERFACE } from "../../fakes/scripted-function.ts";
import { FakeUsb } from "../../fakes/usb.ts";
import type { FakeDeviceOptions, FakeUsbDevice } from "../../fakes/usb-device.ts";
import { nextTask } from "../../fakes/usb-wire.ts";

async function claimed(options: FakeDeviceOptions = {}) {
  const usb = new FakeUsb();
  const device = new ScriptedFunction();
  const usbDevice = usb.plug(device, options);
  await usbDevice.open();
  await usbDevice.claimInterface(0);
  return { usb, device, usbDevice };
}

/** How a promise ended: "resolved", or "Name: message". */
function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "resolved",
    (error: Error) => `${error.name}: ${error.message}`,
  );
}

const standard = (request: number): USBControlTransferParameters => ({
  requestType: "standard",
  recipient: "device",
  request,
  value: 0x0100,
  index: 0,
});

test("only five standard requests pass, all of them IN", async () => {
  const { usbDevice } = await claimed();
  const refused: number[] = [];
  for (let request = 0; request < 13; request++) {
    if ((await outcome(usbDevice.controlTransferIn(standard(request), 18))).startsWith("SecurityError")) {
      refused.push(request);
    }
  }
  expect(refused).toEqual([1, 2, 3, 4, 5, 7, 9, 11]);
  expect(await outcome(usbDevice.controlTransferOut(standard(9)))).toBe("SecurityError: The transfer was not allowed.");
});

test("a class request to a device with a protected interface is refused, whatever wIndex names, a vendor request is not", async () => {
  const usb = new FakeUsb();
  const device = new ScriptedFunction({
    configurations: [
      [
        { number: 0, interfaceClass: 3 },
        { ...VENDOR_INTERFACE, number: 1 },
      ],
    ],
  });
  device.onControl = () => "ack";
  const usbDevice = usb.plug(device);
  await usbDevice.open();
  const setup = (requestType: USBRequestType, index: number): USBControlTransferParameters => ({
    ...{ requestType, recipient: "device", request: 1, value: 0, index },
  });
  expect(await outcome(usbDevice.controlTransferOut(setup("class", 0)))).toMatch(/^SecurityError/);
  expect(await outcome(usbDevice.controlTransferOut(setup("class", 1)))).toMatch(/^SecurityError/);
  expect(await outcome(usbDevice.controlTransferOut(setup("vendor", 0)))).toBe("resolved");
});

test("claims: protected by any alternate, held by a driver, unknown", async () => {
  const usb = new FakeUsb();
  const device = new ScriptedFunction({
    configurations: [[{ number: 0 }, { number: 0, alternate: 1, interfaceClass: 14 }, { number: 1 }]],
  });
  const usbDevice = usb.plug(device, { busy: [1] });
  expect(await outcome(usbDevice.claimInterface(0))).toBe("InvalidStateError: The device must be opened first.");
  await usbDevice.open();
  expect(await outcome(usbDevice.claimInterface(0))).toBe(
    "SecurityError: The requested interface implements a protected class.",
  );
  expect(await outcome(usbDevice.claimInterface(1))).toBe("NetworkError: Unable to claim interface.");
  expect(await outcome(usbDevice.claimInterface(2))).toMatch(/^NotFoundError: The interface number/);
});

test("endpoints: unclaimed, out of range, wrong direction", async () => {
  const { usbDevice } = await claimed();
  const absent = "NotFoundError: The specified endpoint is not part of a claimed and selected alternate interface.";
  expect(await outcome(usbDevice.transferIn(2, 64))).toBe(absent);
  expect(await outcome(usbDevice.transferIn(0, 64))).toMatch(/^IndexSizeError/);
  expect(await outcome(usbDevice.transferIn(16, 64))).toMatch(/^IndexSizeError/);
  await usbDevice.releaseInterface(0);
  expect(await outcome(usbDevice.transferIn(1, 64))).toBe(absent);
});

test("buffers: shared and resizable ones are refused, and so is too much", async () => {
  const { usbDevice } = await claimed();
  const shared = new Uint8Array(new SharedArrayBuffer(8)) as unknown as Uint8Array<ArrayBuffer>;
  expect(await outcome(usbDevice.transferOut(2, shared))).toBe(
    "TypeError: The provided ArrayBufferView value must not be shared.",
  );
  const Buffer = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
  expect(await outcome(usbDevice.transferOut(2, new Buffer(8, { maxByteLength: 16 })))).toMatch(/^TypeError/);
  expect(await outcome(usbDevice.transferIn(1, 33 * 1024 * 1024))).toMatch(/^DataError/);
  expect(await outcome(usbDevice.transferIn(1, 20 * 1024 * 1024))).toMatch(/^NetworkError/);
});

test("a device that sends more than was asked for is a babble; a short packet is ok", async () => {
  const { device, usbDevice } = await claimed();
  device.push(0x81, new Uint8Array(512).fill(0x11), new Uint8Array(100).fill(0x22));
  expect(await usbDevice.transferIn(1, 100)).toMatchObject({ status: "babble" });
  const { status, data } = await usbDevice.transferIn(1, 1024);
  expect([status, data?.byteLength, data?.getUint8(0)]).toEqual(["ok", 100, 0x22]);
});

test("bytesWritten is what was asked for, also after a stall, which lasts until clearHalt", async () => {
  const { device, usbDevice } = await claimed();
  device.outAnswers.push("ack", "stall");
  expect(await usbDevice.transferOut(2, new Uint8Array(1024))).toEqual({ status: "stall", bytesWritten: 1024 });
  expect((await usbDevice.transferOut(2, new Uint8Array(1))).status).toBe("stall");
  await usbDevice.clearHalt("out", 2);
  expect((await usbDevice.transferOut(2, new Uint8Array(1))).status).toBe("ok");
});

test("state changes do not overlap, and control transfers wait for none", async () => {
  const { usbDevice } = await claimed();
  const change = usbDevice.selectAlternateInterface(0, 0);
  expect(await outcome(usbDevice.controlTransferIn(standard(6), 18))).toBe(
    "InvalidStateError: An operation that changes interface state is in progress.",
  );
  expect(await outcome(usbDevice.close())).toMatch(/^InvalidStateError/);
  await change;
  const closing = usbDevice.close();
  expect(await outcome(usbDevice.transferIn(1, 8))).toBe(
    "InvalidStateError: An operation that changes the device state is in progress.",
  );
  await closing;
});

test.each<[string, (device: FakeUsbDevice) => Promise<unknown>, string]>([
  ["close", (device) => device.close(), "AbortError: The transfer was cancelled."],
  ["releaseInterface", (device) => device.releaseInterface(0), "NetworkError: A transfer error has occurred."],
  [
    "selectAlternateInterface",
    (device) => device.selectAlternateInterface(0, 0),
    "NetworkError: A transfer error has occurred.",
  ],
  ["reset", (device) => device.reset(), "NetworkError: A transfer error has occurred."],
])("a pending IN ends at %s", async (_, change, expected) => {
  const { usbDevice } = await claimed();
  const pending = outcome(usbDevice.transferIn(1, 512));
  await nextTask();
  await change(usbDevice);
  expect(await pending).toBe(expected);
  expect(usbDevice.pending).toBe(0);
});

test("a pending IN outlives clearHalt and a selectConfiguration that changes nothing", async () => {
  const { device, usbDevice } = await claimed();
  const pending = outcome(usbDevice.transferIn(1, 512));
  await usbDevice.clearHalt("in", 1);
  await usbDevice.selectConfiguration(1);
  expect(usbDevice.pending).toBe(1);
  device.push(0x81, new Uint8Array(1));
  expect(await pending).toBe("resolved");
});

test("after a reset interfaces stay claimed and work, but cannot be released before they are used", async () => {
  const { device, usbDevice } = await claimed();
  await usbDevice.reset();
  await nextTask();
  expect(await outcome(usbDevice.releaseInterface(0))).toBe("NetworkError: Unable to release interface.");
  device.push(0x81, new Uint8Array(1));
  expect((await usbDevice.transferIn(1, 512)).status).toBe("ok");
  expect(await outcome(usbDevice.releaseInterface(0))).toBe("resolved");
});

test("another configuration needs all interfaces released", async () => {
  const usb = new FakeUsb();
  const usbDevice = usb.plug(new ScriptedFunction({ configurations: [[VENDOR_INTERFACE], [VENDOR_INTERFACE]] }));
  await usbDevice.open();
  await usbDevice.claimInterface(0);
  expect(await outcome(usbDevice.selectConfiguration(2))).toBe("NetworkError: Unable to set device configuration.");
  await usbDevice.releaseInterface(0);
  await usbDevice.selectConfiguration(2);
  expect(usbDevice.configuration?.configurationValue).toBe(2);
});

test("unplug: transfers fail, then the page hears of it, then the object is dead; a re-plug makes a new one", async () => {
  const { usb, device, usbDevice } = await claimed();
  const heard: string[] = [];
  usb.addEventListener("connect", (event) => heard.push(`connect ${event.device === usbDevice}`));
  usb.addEventListener("disconnect", (event) => heard.push(`disconnect ${event.device === usbDevice}`));
  const pending = usbDevice.transferIn(1, 512).catch((error: Error) => heard.push(error.name));
  await nextTask();
  await usb.unplug(usbDevice);
  await pending;
  expect(heard).toEqual(["NetworkError", "disconnect true"]);
  expect(await outcome(usbDevice.close())).toBe("NotFoundError: The device was disconnected.");
  // It has no serial number: the grant is gone with it.
  usb.plug(device, { granted: false });
  expect(await usb.getDevices()).toEqual([]);
  const chosen = await usb.requestDevice({ filters: [{ classCode: 0xff }] });
  expect(chosen).not.toBe(usbDevice);
  expect(await usb.getDevices()).toEqual([chosen]);
});

test("a device with a serial number stays granted while it is away", async () => {
  const usb = new FakeUsb();
  const device = new ScriptedFunction({ serialNumber: "7" });
  await usb.unplug(usb.plug(device));
  let connected = 0;
  usb.addEventListener("connect", () => connected++);
  const again = usb.plug(device, { granted: false });
  expect(connected).toBe(1);
  expect(await usb.getDevices()).toEqual([again]);
});

test("requestDevice needs filters, and rejects when nothing fits", async () => {
  const usb = new FakeUsb();
  expect(await outcome(usb.requestDevice({} as USBDeviceRequestOptions))).toMatch(/^TypeError/);
  expect(await outcome(usb.requestDevice({ filters: [] }))).toBe("NotFoundError: No device selected.");
});
