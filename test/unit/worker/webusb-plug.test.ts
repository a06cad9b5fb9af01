/** What comes of a plug of a WebUSB device: what the guest gets, and what the person is told. */
import { expect, test, vi } from "vitest";
import { SPEED_HIGH, STATUS_INVALID, STATUS_OK, STATUS_STALL } from "../../../asm/layout.ts";
import { Backend } from "../../../worker/backend.ts";
import { Front } from "../../fakes/front.ts";
import { ScriptedFunction, type ScriptedOptions, VENDOR_INTERFACE } from "../../fakes/scripted-function.ts";
import { FakeUsb, type PlugOptions } from "../../fakes/usb.ts";
import { FAKE_VENDOR_ID } from "../../fakes/usb-descriptors.ts";
import { plugged, source } from "./webusb-bench.ts";

test("a plug reports the device, and the front hears of its speed", async () => {
  const { report, front } = await plugged({ serialNumber: "S1" });
  expect(report).toMatchObject({
    plug: 1,
    speed: SPEED_HIGH,
    vendorId: FAKE_VENDOR_ID,
    product: "scripted device",
    serialNumber: "S1",
  });
  expect(report.notes).toEqual([
    "Browsers do not tell a device's speed; high speed was inferred from its descriptors.",
  ]);
  expect(front.events).toEqual([{ port: 1, plug: 1, speed: SPEED_HIGH }]);
});

test("descriptors: the guest sees held interfaces as vendor-specific, the person is told why", async () => {
  const { front, report } = await plugged({
    configurations: [[VENDOR_INTERFACE, { number: 1, interfaceClass: 8 }]],
  });
  const { data } = await front.send({ setup: [0x80, 6, 0x0200, 0], length: 255 }).done;
  expect(data.length).toBe(9 + 9 + 3 * 7 + 9);
  expect([data[7], data.at(-4)]).toEqual([0xc0, 0xff]);
  expect(report.notes[0]).toBe(
    "Interface 1 (mass storage) stays with the browser, which keeps this class from every page.",
  );
  const string = await front.send({ setup: [0x80, 6, 0x0302, 0x0409], length: 255 }).done;
  expect([string.status, string.data[1], string.data[2]]).toEqual([STATUS_OK, 3, "s".charCodeAt(0)]);
});

test("an interface that no alternate lets the guest have: its endpoints and requests are refused", async () => {
  const { front } = await plugged({
    configurations: [[VENDOR_INTERFACE, { number: 1, interfaceClass: 3, endpoints: [] }]],
  });
  expect(await front.send({ endpoint: 0x84, length: 8 }).done).toMatchObject({ status: STATUS_INVALID });
  expect(await front.send({ setup: [0xa1, 1, 0x0100, 1], length: 8 }).done).toMatchObject({ status: STATUS_STALL });
  expect(await front.send({ setup: [0x81, 6, 0x2200, 1], length: 8 }).done).toMatchObject({ status: STATUS_STALL });
});

test("a claim that never ends is a refusal, in time", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const usb = new FakeUsb();
    usb.plug(new ScriptedFunction(), { hanging: [0] });
    const backend = new Backend({ usb });
    const front = await Front.connect(backend);
    const refused = expect(backend.plug(1, 1, source())).rejects.toMatchObject({
      name: "AccessError",
      message: expect.stringMatching(/claiming interface 0 of scripted device/),
    });
    await front.settle();
    vi.advanceTimersByTime(10_000);
    await refused;
    await expect(backend.plug(1, 1, { kind: "keyboard" })).resolves.toMatchObject({ plug: 1 });
  } finally {
    vi.useRealTimers();
  }
});

const refusals: [string, ScriptedOptions, PlugOptions, string, RegExp][] = [
  ["not there", {}, { granted: false }, "NotFoundError", /choose it again/],
  ["forbidden", {}, { forbidden: true }, "AccessError", /udev rule/],
  ["held by a driver", {}, { busy: [0] }, "BusyError", /driver of this computer/],
  ["protected", { configurations: [[{ number: 0, interfaceClass: 8 }]] }, {}, "UnsupportedError", /mass storage/],
];
test.each(refusals)("a plug is refused with words: %s", async (_, options, plugOptions, name, words) => {
  const usb = new FakeUsb();
  const usbDevice = usb.plug(new ScriptedFunction(options), plugOptions);
  const backend = new Backend({ usb });
  await Front.connect(backend);
  await expect(backend.plug(1, 1, source())).rejects.toMatchObject({ name, message: expect.stringMatching(words) });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(usbDevice.opened).toBe(false);
});

test("a device in one port cannot be plugged into another; of equal devices each is found", async () => {
  const usb = new FakeUsb();
  usb.plug(new ScriptedFunction());
  usb.plug(new ScriptedFunction());
  const backend = new Backend({ usb });
  await Front.connect(backend);
  await backend.plug(1, 1, source("", 0));
  await expect(backend.plug(1, 2, source("", 0))).rejects.toMatchObject({ name: "BusyError" });
  await backend.plug(1, 2, source("", 1));
  expect((await backend.stats()).devices).toBe(2);
});

test("a page that is exempt gets protected interfaces too", async () => {
  const { report, front } = await plugged(
    { configurations: [[VENDOR_INTERFACE, { number: 1, interfaceClass: 8 }]] },
    { unrestricted: true },
  );
  expect(report.notes.length).toBe(1);
  const { data } = await front.send({ setup: [0x80, 6, 0x0200, 0], length: 255 }).done;
  expect(data.at(-4)).toBe(8);
});
