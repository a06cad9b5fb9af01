import { expect, test } from "vitest";
import { isSerialAdapter, protectedInterfaces } from "../../../app/hub/kept-classes.ts";

/** An alternate setting as class, subclass and protocol. */
type Triple = readonly [number, number?, number?];

const device = (...interfaces: readonly (readonly Triple[])[]) =>
  ({
    configuration: null,
    configurations: [
      {
        interfaces: interfaces.map((alternates) => ({
          alternates: alternates.map(([interfaceClass, interfaceSubclass = 0, interfaceProtocol = 0]) => {
            return { interfaceClass, interfaceSubclass, interfaceProtocol };
          }),
        })),
      },
    ],
  }) as unknown as USBDevice;

test("nothing is said of a device that the guest gets whole", () => {
  expect(protectedInterfaces(device([[0xff]], [[0x02]], [[0x0a]]))).toBeUndefined();
});

test("every alternate setting counts", () => {
  expect(protectedInterfaces(device([[0xff], [0x08]]))).toBe(
    "Browsers keep storage interfaces for themselves. Plug a disk made of a file instead.",
  );
});

test.each<[Triple, string]>([
  [[0x03, 1, 1], "keyboard interfaces for themselves. Plug the page's keyboard instead."],
  [[0x03, 1, 2], "mouse interfaces for themselves. Plug the page's mouse or tablet instead."],
  [[0x03, 0, 0], "HID interfaces for themselves. Plug the same device as a HID device (WebHID) instead."],
  [[0x01, 1], "audio interfaces for themselves. Plug this computer's microphone and speaker instead."],
  [[0x01, 3], "MIDI interfaces for themselves. Plug this computer's MIDI ports instead."],
  [[0x0e, 1], "video interfaces for themselves. Plug this computer's camera instead."],
  [[0x0b], "smart card interfaces for themselves."],
  [[0xe0, 1, 1], "wireless interfaces for themselves."],
])("class %j: %s", (triple, words) => {
  expect(protectedInterfaces(device([triple]))).toBe(`Browsers keep ${words}`);
});

test("several kinds are one sentence each, and what the guest gets is said", () => {
  expect(protectedInterfaces(device([[0x0e, 1]], [[0x0e, 2]], [[0x01, 1]], [[0xff]]))).toBe(
    "Browsers keep video and audio interfaces for themselves. The guest gets the rest. " +
      "Plug this computer's camera and this computer's microphone and speaker instead.",
  );
});

test.each<[string, number, Triple, boolean]>([
  ["CDC-ACM", 0x2341, [0x02, 0x02, 0x01], true],
  ["CDC Ethernet", 0x2341, [0x02, 0x06], false],
  ["an FT232R", 0x0403, [0xff, 0xff, 0xff], true],
  ["a vendor's device", 0x1d50, [0xff], false],
])("%s: is it a serial adapter?", (_, vendorId, triple, answer) => {
  expect(isSerialAdapter(Object.assign(device([triple]), { vendorId }))).toBe(answer);
});
