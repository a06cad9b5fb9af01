/** What Chromium refuses, bends or leaves open, one rule a test. */
import { expect, test, vi } from "vitest";
import {
  STATUS_BABBLE,
  STATUS_CANCELLED,
  STATUS_INVALID,
  STATUS_NO_DEVICE,
  STATUS_OK,
  STATUS_STALL,
  TYPE_ISOCHRONOUS,
} from "../../../asm/layout.ts";
import { Backend } from "../../../worker/backend.ts";
import { Front } from "../../fakes/front.ts";
import { ScriptedFunction, VENDOR_INTERFACE } from "../../fakes/scripted-function.ts";
import { FakeUsb } from "../../fakes/usb.ts";
import type { FakeUsbDevice } from "../../fakes/usb-device.ts";
import { bulkIn, bulkOut, counting, plugged, SET_CONFIGURATION_1, source } from "./webusb-bench.ts";

/** Interface 0 is free, interface 1 a disk's. */
const COMPOSITE = { configurations: [[VENDOR_INTERFACE, { number: 1, interfaceClass: 8 }]] };

test("class requests to a device with a protected interface are stalled, however often, and nobody else hears of it", async () => {
  const { front, device, backend } = await plugged(COMPOSITE);
  const notices: unknown[] = [];
  await backend.listen((notice) => notices.push(notice));
  device.onControl = () => "ack";
  const sent = [0x20, 0x21, 0x23].flatMap((bmRequestType) =>
    Array.from({ length: 20 }, () => front.send({ setup: [bmRequestType, 1, 0, 1], data: counting(2) })),
  );
  for (const { done } of sent) expect(await done).toMatchObject({ status: STATUS_STALL });
  expect(device.log).toEqual([]);
  // Chromium looks at wIndex only where the recipient is an interface.
  expect(await front.send({ setup: [0x20, 1, 0, 0] }).done).toMatchObject({ status: STATUS_STALL });
  expect(device.log).toEqual([]);
  expect(await front.send({ setup: [0x21, 1, 0, 0] }).done).toMatchObject({ status: STATUS_OK });
  expect(await front.send({ setup: [0x40, 1, 0, 1] }).done).toMatchObject({ status: STATUS_OK });
  device.push(0x81, counting(4));
  expect(await front.send(bulkIn(8)).done).toMatchObject({ actual: 4 });
  expect(notices).toEqual([]);
});

test("requests to an interface or endpoint that is not claimed are stalled without asking the browser", async () => {
  const { front, usbDevice } = await plugged({
    configurations: [
      [
        VENDOR_INTERFACE,
        { number: 1, interfaceClass: 3, endpoints: [{ address: 0x84, type: "interrupt", packetSize: 8 }] },
      ],
    ],
  });
  const asked = [vi.spyOn(usbDevice, "controlTransferIn"), vi.spyOn(usbDevice, "controlTransferOut")];
  for (const [bmRequestType, wIndex] of [
    [0xa1, 1],
    [0xc1, 1],
    [0x81, 1],
    [0xc1, 9],
    [0x82, 0x84],
    [0xa2, 0x84],
    [0xc2, 0x0e],
  ] as const) {
    const answer = await front.send({ setup: [bmRequestType, 0, 0, wIndex], length: 2 }).done;
    expect(answer).toMatchObject({ status: STATUS_STALL });
  }
  expect(asked.map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
});

test("an alternate of a protected class protects the interface, and another configuration's classes count, too", async () => {
  const { front, report } = await plugged({
    configurations: [
      [VENDOR_INTERFACE, { number: 1, interfaceClass: 0xfe }, { number: 1, alternate: 1, interfaceClass: 1 }],
      [
        { number: 0, interfaceClass: 8 },
        { ...VENDOR_INTERFACE, number: 1 },
      ],
    ],
  });
  expect(report.notes[0]).toMatch(/^Interface 1 \(audio\) stays with the browser/);
  const classes = async (index: number) => {
    const { data } = await front.send({ setup: [0x80, 6, 0x0200 | index, 0], length: 255 }).done;
    const found: number[] = [];
    for (let at = 0; at < data.length; at += data[at] || 255) if (data[at + 1] === 4) found.push(data[at + 5] ?? 0);
    return found;
  };
  expect(await classes(0)).toEqual([0xff, 0xff, 0xff]);
  expect(await classes(1)).toEqual([0xff, 0xff]);
  // The guest chooses the other one: what may pass passes.
  expect(await front.send({ setup: [0x00, 9, 2, 0] }).done).toMatchObject({ status: STATUS_OK });
  expect(await front.send({ setup: [0xa1, 0xfe, 0, 0], length: 1 }).done).toMatchObject({ status: STATUS_STALL });
  expect(await front.send(bulkOut(counting(4))).done).toMatchObject({ status: STATUS_OK });
});

test("descriptors are read in their exact length: some devices hang when they are asked for more", async () => {
  const usb = new FakeUsb();
  const usbDevice = usb.plug(new ScriptedFunction());
  const asked = vi.spyOn(usbDevice, "controlTransferIn");
  const backend = new Backend({ usb });
  await Front.connect(backend);
  await backend.plug(1, 1, source());
  expect(asked.mock.calls.map(([{ value }, length]) => [value, length])).toEqual([
    [0x0100, 18],
    [0x0200, 9],
    [0x0200, 39],
  ]);
});

test("a packet that is longer than the endpoint's is a babble", async () => {
  const { front, device } = await plugged();
  device.push(0x81, counting(600));
  expect(await front.send(bulkIn(100)).done).toMatchObject({ status: STATUS_BABBLE, actual: 100 });
});

test("a control OUT may be as long as wLength says", async () => {
  const { front, device } = await plugged();
  const lengths: number[] = [];
  device.onControl = (_, data) => {
    lengths.push(data.length);
    return "ack";
  };
  for (const length of [0, 1, 4096, 4097, 65535]) {
    const answer = await front.send({ setup: [0x40, 1, 0, 0], data: counting(length) }).done;
    expect(answer).toMatchObject({ status: STATUS_OK, actual: length });
  }
  expect(lengths).toEqual([0, 1, 4096, 4097, 65535]);
});

test("a transfer that says more than wLength can is refused", async () => {
  const { front, device } = await plugged();
  expect(await front.send({ setup: [0x40, 1, 0, 0], data: counting(65536) }).done).toMatchObject({
    status: STATUS_INVALID,
  });
  expect(device.log).toEqual([]);
});

test("two guests with 12 MiB each: no more is in flight than the kernel has for all users of USB", async () => {
  const endpoints = [1, 2, 3].map((number) => ({ address: 0x80 | number, type: "bulk", packetSize: 512 }) as const);
  const usb = new FakeUsb();
  const backend = new Backend({ usb });
  const sent = [];
  for (const link of [1, 2]) {
    const device = new ScriptedFunction({ configurations: [[{ number: 0, endpoints }]] });
    usb.plug(device);
    const front = await Front.connect(backend, link);
    await backend.plug(link, 1, source("", link - 1));
    await front.settle(2);
    await front.send({ setup: SET_CONFIGURATION_1 }).done;
    for (const { address } of endpoints) {
      for (let count = 0; count < 4; count++)
        sent.push({ device, address, ...front.send({ endpoint: address, length: 1 << 20 }) });
    }
    await front.settle(4);
  }
  // Of all together there are 12 MiB, and each endpoint's first.
  const devices = await usb.getDevices();
  const pending = devices.map((device) => (device as FakeUsbDevice).pending);
  expect(pending).toEqual([12, 3]);
  for (const { device, address } of sent) device.push(address, Uint8Array.of(1));
  for (const { done } of sent) expect(await done).toMatchObject({ status: STATUS_OK, actual: 1 });
});

test("what a device is configured to after a reset is nobody's promise: configuration and claims are put back", async () => {
  const configurations = [[VENDOR_INTERFACE], [VENDOR_INTERFACE, { number: 1 }]];
  for (const configurationAfterReset of [0, 1, 2]) {
    const { front, device, usbDevice } = await plugged({ configurations }, { configurationAfterReset });
    await front.send({ setup: [0x00, 9, 2, 0] }).done;
    await front.send(bulkOut(counting(4))).done;
    expect(await front.reset().done).toMatchObject({ status: STATUS_OK });
    expect(usbDevice.configuration?.configurationValue).toBe(2);
    expect(usbDevice.configuration?.interfaces.map(({ claimed }) => claimed)).toEqual([true, true]);
    await front.send({ setup: [0x00, 9, 2, 0] }).done;
    device.push(0x81, counting(3));
    expect(await front.send(bulkIn(8)).done).toMatchObject({ actual: 3 });
  }
});

test("a device that nobody has configured is plugged, and the guest configures it", async () => {
  const { front, device, report } = await plugged({}, { configuration: 0 });
  expect(report.notes.length).toBe(1);
  expect(device.log).toEqual(["configuration 1"]);
  expect(await front.send(bulkOut(counting(4))).done).toMatchObject({ status: STATUS_OK });
});

test("a device that nobody has configured, where a browser cannot configure it, is refused in words", async () => {
  await expect(plugged({}, { configuration: 0, manners: "windows" })).rejects.toThrow(
    /This computer does not configure/,
  );
});

test("a claim that never ends after another configuration: the port drops in words, the rest goes on", async () => {
  const { front, backend } = await plugged(
    { configurations: [[VENDOR_INTERFACE], [VENDOR_INTERFACE, { number: 1 }]] },
    { hanging: [1] },
  );
  const notices: { reason: string }[] = [];
  await backend.listen((notice) => notices.push(notice));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const selected = front.send({ setup: [0x00, 9, 2, 0] });
    await front.settle();
    vi.advanceTimersByTime(10_000);
    expect(await selected.done).toMatchObject({ status: STATUS_NO_DEVICE });
    await front.settle();
    expect(notices.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/does not finish claiming an interface of scripted device/),
    ]);
    await expect(backend.plug(1, 2, { kind: "keyboard" })).resolves.toMatchObject({ plug: 1 });
    await expect(backend.plug(1, 3, source())).rejects.toThrow(
      /has not finished an earlier attempt .* load the page again/,
    );
  } finally {
    vi.useRealTimers();
  }
});

test("an endpoint on whose type browser and descriptors do not agree is not used: the call would end the browser", async () => {
  const device = new ScriptedFunction();
  const usb = new FakeUsb();
  const usbDevice = usb.plug(device);
  // The browser has read the descriptors; from now on the device says that its bulk IN is isochronous.
  const [bytes] = device.configurations;
  if (bytes) bytes[9 + 9 + 3] = 1;
  const backend = new Backend({ usb });
  const front = await Front.connect(backend);
  await backend.plug(1, 1, source());
  await front.settle(2);
  await front.send({ setup: SET_CONFIGURATION_1 }).done;
  const asked = [vi.spyOn(usbDevice, "isochronousTransferIn"), vi.spyOn(usbDevice, "transferIn")];
  const packet = { endpoint: 0x81, length: 8, type: TYPE_ISOCHRONOUS };
  expect(await front.send(packet).done).toMatchObject({ status: STATUS_INVALID });
  expect(await front.send(bulkIn(8)).done).toMatchObject({ status: STATUS_INVALID });
  expect(asked.map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
});

test("state changes take turns, and a control transfer waits for them: the browser refuses both otherwise", async () => {
  const { front } = await plugged({ configurations: [[VENDOR_INTERFACE, { number: 1 }, { number: 1, alternate: 1 }]] });
  const sent = [
    front.send({ setup: [0x01, 11, 1, 1] }),
    front.send({ setup: [0x80, 0, 0, 0], length: 2 }),
    front.send({ setup: [0x02, 1, 0, 0x81] }),
    front.send({ setup: [0x01, 11, 0, 1] }),
    front.send({ setup: [0x02, 1, 0, 0x02] }),
    front.send({ setup: [0x80, 0, 0, 0], length: 2 }),
  ];
  for (const { done } of sent) expect(await done).toMatchObject({ status: STATUS_OK });
});

test("a transfer that is given up while the device is asked why it failed stays given up", async () => {
  const { front, device, backend } = await plugged();
  const sent = front.send(bulkIn(512));
  await front.settle(2);
  device.push(0x81, "error");
  front.cancel(sent);
  expect(await sent.done).toMatchObject({ status: STATUS_CANCELLED });
  await front.settle();
  expect(sent.answers).toBe(1);
  expect(await backend.stats()).toMatchObject({ owned: 0, orphans: 0 });
});

test("a page that may not use USB has navigator.usb all the same: the plug says what is missing", async () => {
  const usb = new FakeUsb();
  usb.isForbidden = true;
  const backend = new Backend({ usb });
  await Front.connect(backend);
  await expect(backend.plug(1, 1, source())).rejects.toMatchObject({
    name: "AccessError",
    message: expect.stringMatching(/Permissions-Policy must allow usb/),
  });
});

test("without a serial number the grant ends with the unplug: the person is told, and asked again", async () => {
  const { usb, usbDevice, backend, front, device } = await plugged();
  const notices: { reason: string }[] = [];
  await backend.listen((notice) => notices.push(notice));
  await usb.unplug(usbDevice);
  await front.settle();
  expect(notices[0]?.reason).toMatch(/no serial number, so grant it to the page again/);
  const back = usb.plug(device, { granted: false });
  await expect(backend.plug(1, 1, source())).rejects.toMatchObject({ name: "NotFoundError" });
  await usb.requestDevice({ filters: [] });
  await backend.plug(1, 1, source());
  expect(back.opened).toBe(true);
});

test("a device that went and came back is a new object: the old one is never used again", async () => {
  const { usb, usbDevice, backend, front, device } = await plugged({ serialNumber: "S1" });
  await usb.unplug(usbDevice);
  await front.settle();
  usb.plug(device);
  const asked = vi.spyOn(usbDevice, "open");
  expect(await backend.plug(1, 1, source("S1"))).toMatchObject({ plug: 2 });
  expect(asked).not.toHaveBeenCalled();
});
