/** Devices that are broken, or that lie: each is shown to the guest as far as it is safe, or refused with a sentence. */
import { expect, test, vi } from "vitest";
import { STATUS_OK } from "../../../asm/layout.ts";
import { Backend } from "../../../worker/backend.ts";
import { Front } from "../../fakes/front.ts";
import { FakeUsb } from "../../fakes/usb.ts";
import type { ControlAnswer, FakeFunction } from "../../fakes/usb-function.ts";

const DEVICE = [18, 1, 0, 2, 0xff, 0, 0, 64, 0x50, 0x1d, 0x18, 0x60, 0, 1, 0, 0, 0, 1];
const INTERFACE = [9, 4, 0, 0, 2, 0xff, 0, 0, 0];
const ENDPOINTS = [7, 5, 0x81, 2, 0, 2, 0, 7, 5, 0x02, 2, 0, 2, 0];
const configuration = (total: number, body: readonly number[], value = 1) => [
  ...[9, 2, total & 0xff, total >> 8, 1, value, 0, 0x80, 50],
  ...body,
];
const GOOD = configuration(32, [...INTERFACE, ...ENDPOINTS]);

interface Oddity {
  readonly device?: readonly number[];
  readonly configurations?: readonly (readonly number[])[];
  /** What it answers, instead of its descriptors. */
  readonly descriptor?: FakeFunction["descriptor"];
}

/** A device as the browser has read it; what it answers afterwards is another matter. */
class OddFunction implements FakeFunction {
  readonly deviceDescriptor: Uint8Array;
  readonly configurations: readonly Uint8Array[];
  readonly #descriptor: FakeFunction["descriptor"];
  /** The lengths it was asked for, by descriptor type. */
  readonly asked: [type: number, index: number, length: number][] = [];

  constructor({ device = DEVICE, configurations = [GOOD], descriptor }: Oddity) {
    this.deviceDescriptor = Uint8Array.from(device);
    this.configurations = configurations.map((bytes) => Uint8Array.from(bytes));
    this.#descriptor = descriptor;
  }

  descriptor(type: number, index: number, wLength: number): ControlAnswer | undefined {
    this.asked.push([type, index, wLength]);
    return this.#descriptor?.(type, index, wLength);
  }
}

const SOURCE = { kind: "webusb", vendorId: 0x1d50, productId: 0x6018, serialNumber: "", ordinal: 0 } as const;

async function plug(oddity: Oddity) {
  const usb = new FakeUsb();
  const device = new OddFunction(oddity);
  const usbDevice = usb.plug(device);
  const backend = new Backend({ usb });
  const front = await Front.connect(backend);
  return { device, usbDevice, backend, front, report: backend.plug(1, 1, SOURCE) };
}

async function shown(front: Front, type: number, index = 0): Promise<number[]> {
  const { status, data } = await front.send({ setup: [0x80, 6, (type << 8) | index, 0], length: 65535 }).done;
  return status === STATUS_OK ? [...data] : [];
}

const CUT = "Its descriptors end in bytes that make no sense; the guest does not get those.";
const filler = (length: number) => [length, 0x24, ...new Array(length - 2).fill(0x5a)];
const LONG = configuration(65535, [...GOOD.slice(9), ...new Array(256).fill(filler(255)).flat(), ...filler(223)]);

const tolerated: [string, Oddity, readonly number[], readonly string[]][] = [
  [
    "a descriptor of 0 bytes",
    { configurations: [[...GOOD.slice(0, 18), 0, 5, ...GOOD.slice(20)]] },
    GOOD.slice(0, 18),
    [CUT],
  ],
  [
    "a descriptor of 1 byte",
    { configurations: [[...GOOD.slice(0, 18), 1, 5, ...GOOD.slice(20)]] },
    GOOD.slice(0, 18),
    [CUT],
  ],
  [
    "a descriptor longer than what is left",
    { configurations: [[...GOOD.slice(0, 25), 8, ...GOOD.slice(26)]] },
    GOOD.slice(0, 25),
    [CUT],
  ],
  ["a byte left over", { configurations: [[...configuration(33, GOOD.slice(9)), 7]] }, GOOD, [CUT]],
  ["wTotalLength longer than what comes", { configurations: [configuration(4096, GOOD.slice(9))] }, GOOD, [CUT]],
  [
    "wTotalLength shorter than what there is",
    { configurations: [configuration(25, GOOD.slice(9))] },
    GOOD.slice(0, 25),
    [],
  ],
  ["a wTotalLength of 0", { configurations: [configuration(0, GOOD.slice(9))] }, GOOD.slice(0, 9), [CUT]],
  ["a configuration of 65535 bytes", { configurations: [LONG] }, LONG, []],
  [
    "a second configuration descriptor in the first",
    { configurations: [configuration(41, [...GOOD.slice(9), 9, 2, 9, 0, 1, 7, 0, 0x80, 50])] },
    configuration(41, [...GOOD.slice(9), 9, 2, 9, 0, 1, 7, 0, 0x80, 50]),
    [],
  ],
  [
    "an endpoint before any interface",
    { configurations: [configuration(39, [7, 5, 0x83, 3, 8, 0, 1, ...GOOD.slice(9)])] },
    configuration(39, [7, 5, 0x83, 3, 8, 0, 1, ...GOOD.slice(9)]),
    [],
  ],
  [
    "an endpoint 0",
    { configurations: [configuration(39, [...GOOD.slice(9), 7, 5, 0x80, 2, 0, 2, 0])] },
    configuration(39, [...GOOD.slice(9), 7, 5, 0x80, 2, 0, 2, 0]),
    [],
  ],
  [
    "the same alternate twice",
    { configurations: [configuration(41, [...GOOD.slice(9), ...INTERFACE])] },
    configuration(41, [...GOOD.slice(9), ...INTERFACE]),
    [],
  ],
  [
    "the same endpoint twice, as two types",
    { configurations: [configuration(39, [...GOOD.slice(9), 7, 5, 0x81, 1, 0, 2, 1])] },
    configuration(39, [...GOOD.slice(9), 7, 5, 0x81, 1, 0, 2, 1]),
    [],
  ],
  [
    "a wrong bNumInterfaces",
    { configurations: [[...GOOD.slice(0, 4), 200, ...GOOD.slice(5)]] },
    [...GOOD.slice(0, 4), 200, ...GOOD.slice(5)],
    [],
  ],
];
test.each(tolerated)("the guest gets what makes sense: %s", async (_, oddity, expected, notes) => {
  const { front, report, usbDevice, backend } = await plug(oddity);
  expect((await report).notes.slice(0, -1)).toEqual(notes);
  await front.settle(2);
  const truthful = [...expected];
  truthful.splice(2, 2, expected.length & 0xff, expected.length >> 8);
  expect(await shown(front, 2)).toEqual(truthful);
  expect(await front.send({ setup: [0, 9, 1, 0] }).done).toMatchObject({ status: STATUS_OK });
  await backend.unplug(1, 1);
  expect(usbDevice.opened).toBe(false);
});

test("a device descriptor of a wrong bLength has 18 bytes all the same", async () => {
  for (const bLength of [0, 17, 255]) {
    const { front, report } = await plug({ device: [bLength, ...DEVICE.slice(1)] });
    await report;
    await front.settle(2);
    expect(await shown(front, 1)).toEqual(DEVICE);
  }
});

test("of more configurations than there are the guest gets those that are there, and of 255 eight", async () => {
  const two = await plug({ device: [...DEVICE.slice(0, 17), 3], configurations: [GOOD, GOOD] });
  expect((await two.report).notes[0]).toBe("It promises 3 configurations; the guest gets the first 2.");
  await two.front.settle(2);
  expect((await shown(two.front, 1))[17]).toBe(2);
  expect(await shown(two.front, 2, 2)).toEqual([]);
  const many = await plug({
    device: [...DEVICE.slice(0, 17), 255],
    configurations: Array.from({ length: 255 }, (_, index) => configuration(32, GOOD.slice(9), index + 1)),
  });
  expect((await many.report).notes[0]).toBe("It promises 255 configurations; the guest gets the first 8.");
});

test("nothing is asked for in more bytes than it has: 18, 9, and what wTotalLength says", async () => {
  const { device, report } = await plug({});
  await report;
  expect(device.asked).toEqual([
    [1, 0, 18],
    [2, 0, 9],
    [2, 0, 32],
  ]);
});

test("what a device says at its second reading is what counts", async () => {
  let readings = 0;
  const disk = [...GOOD.slice(0, 14), 8, ...GOOD.slice(15)];
  const { front, report } = await plug({
    configurations: [GOOD],
    descriptor: (type, _, wLength) => {
      if (type !== 2) return undefined;
      readings++;
      return Uint8Array.from(readings === 1 ? GOOD : disk).slice(0, wLength);
    },
  });
  await report;
  await front.settle(2);
  expect(await shown(front, 2)).toEqual(disk);
  expect(await shown(front, 2)).toEqual(disk);
  expect(readings).toBe(2);
});

test("strings that stall are no strings", async () => {
  const { front, report } = await plug({ device: [...DEVICE.slice(0, 14), 1, 2, 3, 1] });
  expect(await report).toMatchObject({ manufacturer: "", product: "", serialNumber: "" });
  await front.settle(2);
  expect(await shown(front, 3, 2)).toEqual([]);
});

const short = (length: number) => (type: number) => (type === 1 ? Uint8Array.from(DEVICE).slice(0, length) : undefined);
const NONSENSE = /^The device gives descriptors that make no sense\. Reconnect it\.$/;
const refused: [string, Oddity, RegExp][] = [
  ["a device descriptor of 8 bytes", { descriptor: short(8) }, NONSENSE],
  ["an empty device descriptor", { descriptor: short(0) }, NONSENSE],
  ["a device descriptor of another type", { device: [18, 2, ...DEVICE.slice(2)] }, NONSENSE],
  [
    "another device than the browser has seen",
    {
      descriptor: (type) => (type === 1 ? Uint8Array.of(...DEVICE.slice(0, 10), 0x19, ...DEVICE.slice(11)) : undefined),
    },
    /another device than the one you chose/,
  ],
  [
    "no configuration",
    { device: [...DEVICE.slice(0, 17), 0], configurations: [] },
    /^The device has no configuration, so nobody can use it\.$/,
  ],
  ["a configuration of another type", { configurations: [[9, 4, ...GOOD.slice(2)]] }, NONSENSE],
  ["a configuration descriptor of 0 bytes", { configurations: [[0, ...GOOD.slice(1)]] }, NONSENSE],
  ["a configuration descriptor of 8 bytes", { configurations: [[8, ...GOOD.slice(1)]] }, NONSENSE],
  ["a configuration descriptor longer than all", { configurations: [[33, ...GOOD.slice(1)]] }, NONSENSE],
  [
    "a configuration that changes its type",
    { descriptor: (type, _, length) => (type === 2 && length > 9 ? Uint8Array.of(9, 7, ...GOOD.slice(2)) : undefined) },
    NONSENSE,
  ],
  [
    "descriptors that stall",
    { descriptor: () => "stall" },
    /^The device does not give its descriptors\. Reconnect it\.$/,
  ],
  ["descriptors that fail", { descriptor: () => "error" }, /^The device does not answer \(.*\)\. Reconnect it\.$/],
  [
    "a configuration that stalls",
    { descriptor: (type) => (type === 2 ? "stall" : undefined) },
    /does not give its descriptors/,
  ],
];
test.each(refused)("refused in words, and closed: %s", async (_, oddity, words) => {
  const { report, usbDevice, backend } = await plug(oddity);
  await expect(report).rejects.toMatchObject({
    name: expect.stringMatching(/^(Access|Unsupported)Error$/),
    message: expect.stringMatching(words),
  });
  await vi.waitFor(() => expect(usbDevice.opened).toBe(false));
  expect(await backend.stats()).toMatchObject({ devices: 0 });
});

test.each([
  [1, 0],
  [2, 9],
])("a device that hangs at descriptor %i beyond %i bytes is refused in time, and closed", async (hangs, beyond) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const { report, usbDevice, front } = await plug({
      descriptor: (type, _, length) => (type === hangs && length > beyond ? "nak" : undefined),
    });
    const outcome = expect(report).rejects.toMatchObject({ message: expect.stringMatching(/reading the descriptors/) });
    await front.settle();
    vi.advanceTimersByTime(10_000);
    await outcome;
    await front.settle();
    expect(usbDevice.opened).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});
