/** Whatever a device says its descriptors are: a plug ends, well or in words, and what it opened is closed in the end. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { DeviceHost } from "../../worker/device.ts";
import { PlugError } from "../../worker/plug-error.ts";
import { soundConfiguration } from "../../worker/raw-descriptors.ts";
import { openWebUsbDevice, WebUsbEnvironment } from "../../worker/webusb.ts";
import { FakeUsb } from "../fakes/usb.ts";
import type { ControlAnswer, FakeFunction } from "../fakes/usb-function.ts";
import { nextTask } from "../fakes/usb-wire.ts";
import { readVector, VECTORS } from "../vectors/vector.ts";
import { runs } from "./runs.ts";

const vectors = VECTORS.map(readVector);
const host: DeviceHost = { gone: () => undefined, wake: () => undefined, hasOutput: () => undefined };

/** A change of a device's bytes; its index is taken modulo their number. */
const change = fc.record({
  at: fc.nat({ max: 0xffff }),
  value: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 1, 2, 4, 5, 9, 18, 255)),
});
const changes = fc.array(change, { maxLength: 6 });

/** What is answered to one reading: the bytes with changes, cut or lengthened; or no answer but a failure. */
const reading = fc.oneof(
  { weight: 6, arbitrary: fc.record({ changes, cut: fc.option(fc.nat({ max: 400 }), { freq: 6 }) }) },
  { weight: 1, arbitrary: fc.constantFrom("stall" as const, "error" as const) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
);
type Reading = typeof reading extends fc.Arbitrary<infer T> ? T : never;

/** Its browser saw `seen`; afterwards it says something else at each reading. */
class LyingFunction implements FakeFunction {
  readonly deviceDescriptor: Uint8Array;
  readonly configurations: readonly Uint8Array[];
  readonly #readings: Reading[];

  constructor(device: Uint8Array, configurations: readonly Uint8Array[], readings: readonly Reading[]) {
    this.deviceDescriptor = device;
    this.configurations = configurations;
    this.#readings = [...readings];
  }

  descriptor(type: number, index: number, wLength: number): ControlAnswer | undefined {
    const next = this.#readings.shift();
    const truth = type === 1 ? this.deviceDescriptor : type === 2 ? this.configurations[index] : undefined;
    if (!next || typeof next === "string") return next;
    if (next instanceof Uint8Array) return next.slice(0, wLength);
    return truth && changed(truth, next.changes).slice(0, Math.min(wLength, next.cut ?? wLength));
  }
}

function changed(truth: Uint8Array, list: readonly { readonly at: number; readonly value: number }[]): Uint8Array {
  const bytes = truth.slice();
  for (const { at, value } of list) bytes[at % bytes.length] = value;
  return bytes;
}

it("a plug resolves, or rejects with a PlugError; either way the device is closed in the end", () =>
  fc.assert(
    fc.asyncProperty(
      fc.record({
        which: fc.nat({ max: vectors.length - 1 }),
        seen: changes,
        readings: fc.array(reading, { maxLength: 8 }),
        unrestricted: fc.boolean(),
      }),
      async ({ which, seen, readings, unrestricted }) => {
        const vector = vectors[which];
        if (!vector) return;
        const configurations = vector.configurations.map((bytes) => changed(bytes, seen));
        const usb = new FakeUsb();
        const usbDevice = usb.plug(new LyingFunction(vector.device, configurations, readings), { unrestricted });
        const { vendorId, productId } = usbDevice;
        const source = { kind: "webusb", vendorId, productId, serialNumber: "", ordinal: 0 } as const;
        try {
          const device = await openWebUsbDevice(source, host, new WebUsbEnvironment(usb));
          expect(device.identity.notes.every((note) => note.length < 200)).toBe(true);
          await device.reset();
          await device.close();
        } catch (error) {
          if (!(error instanceof PlugError)) throw error;
          expect(error.message).toMatch(/^[A-Z].*\.$/);
        }
        for (let turn = 0; usbDevice.opened && turn < 10; turn++) await nextTask();
        expect(usbDevice.opened).toBe(false);
        expect(usbDevice.configuration?.interfaces.some((each) => each.claimed) ?? false).toBe(false);
        expect(usbDevice.pending).toBe(0);
      },
    ),
    runs(400),
  ));

it("what is left of a configuration is whole descriptors, a true wTotalLength, and bytes of the device's own", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 80 }),
        fc
          .tuple(fc.constantFrom(...vectors.flatMap(({ configurations }) => configurations)), changes)
          .map(([bytes, list]) => changed(bytes, list)),
      ),
      (bytes) => {
        const sound = soundConfiguration(bytes);
        if (!sound) return;
        expect((sound[2] ?? 0) | ((sound[3] ?? 0) << 8)).toBe(sound.length);
        expect([...sound.subarray(4)]).toEqual([...bytes.subarray(4, sound.length)]);
        let at = 0;
        while (at < sound.length) {
          expect(sound[at]).toBeGreaterThan(1);
          at += sound[at] ?? 0;
        }
        expect(at).toBe(sound.length);
      },
    ),
    runs(1000),
  );
});
