/** What comes of real devices (test/vectors/): their speed, what the guest gets of them, and which bytes differ. */
import { expect, test } from "vitest";
import { SPEED_FULL, SPEED_HIGH, SPEED_LOW, SPEED_SUPER } from "../../../asm/layout.ts";
import { Backend } from "../../../worker/backend.ts";
import { Front } from "../../fakes/front.ts";
import { FakeUsb, type PlugOptions } from "../../fakes/usb.ts";
import { differing, PLUGGED, PROTECTED, unprotected } from "../../vectors/expected.ts";
import { readVector, VECTORS, VectorFunction } from "../../vectors/vector.ts";

const SPEEDS = {
  [SPEED_LOW]: "low speed",
  [SPEED_FULL]: "full speed",
  [SPEED_HIGH]: "high speed",
  [SPEED_SUPER]: "SuperSpeed",
};

async function plug(name: string, options: PlugOptions = {}) {
  const vector = readVector(name);
  const usb = new FakeUsb();
  const usbDevice = usb.plug(new VectorFunction(vector), options);
  const backend = new Backend({ usb });
  const front = await Front.connect(backend);
  const { vendorId, productId, serialNumber } = usbDevice;
  const source = { kind: "webusb", vendorId, productId, serialNumber: serialNumber ?? "", ordinal: 0 } as const;
  const descriptor = async (type: number, index = 0) => {
    const { data } = await front.send({ setup: [0x80, 6, (type << 8) | index, 0], length: 4096 }).done;
    return [...data];
  };
  return { vector, usbDevice, descriptor, front, report: backend.plug(1, 1, source) };
}

test("each vector is expected to be something", () => {
  expect([...Object.keys(PLUGGED), ...Object.keys(PROTECTED)].sort()).toEqual([...VECTORS].sort());
});

test.each(Object.entries(PLUGGED))("%s: the guest gets what may pass", async (name, expected) => {
  const { vector, usbDevice, descriptor, front, report } = await plug(name);
  const { speed, notes } = await report;
  await front.settle(2);
  expect(speed).toBe(expected.speed);
  const held = expected.held ?? [];
  expect(notes.length).toBe(held.length + 1);
  for (const number of held) expect(notes.join("\n")).toContain(`Interface ${number} (`);
  expect(notes.at(-1)).toBe(
    `Browsers do not tell a device's speed; ${SPEEDS[expected.speed]} was inferred from its descriptors.`,
  );
  const claimed = usbDevice.configuration?.interfaces.filter((each) => each.claimed) ?? [];
  const all = usbDevice.configuration?.interfaces.map((each) => each.interfaceNumber) ?? [];
  expect(claimed.map((each) => each.interfaceNumber)).toEqual(all.filter((number) => !held.includes(number)));
  expect(await descriptor(1)).toEqual(differing(vector.device, expected.device));
  const [configuration = new Uint8Array(0)] = vector.configurations;
  expect(await descriptor(2)).toEqual(differing(configuration, expected.configuration));
  if (vector.bos) expect(await descriptor(15)).toEqual([...vector.bos]);
});

test.each(Object.entries(PROTECTED))("%s: nothing may pass, which is said", async (name, { speed, words }) => {
  const refused = await plug(name);
  await expect(refused.report).rejects.toMatchObject({
    name: "UnsupportedError",
    message: expect.stringMatching(words),
  });
  const exempt = await plug(name, { unrestricted: true });
  expect(await exempt.report).toMatchObject({ speed });
  await exempt.front.settle(2);
  expect(await exempt.descriptor(1)).toEqual([...exempt.vector.device]);
  const [configuration = new Uint8Array(0)] = exempt.vector.configurations;
  expect(await exempt.descriptor(2)).toEqual(unprotected(configuration));
});
