import { expect, test } from "vitest";
import { decide } from "../../../worker/control-requests.ts";

const decision = (bmRequestType: number, bRequest: number, wValue = 0, wIndex = 0) =>
  decide({ bmRequestType, bRequest, wValue, wIndex, wLength: 0 });

test.each([
  [0x80, 6, 0x0100, 0, { kind: "device-descriptor" }],
  [0x80, 6, 0x0201, 0, { kind: "configuration-descriptor", index: 1 }],
  [0x80, 6, 0x0302, 0x0409, { kind: "pass", requestType: "standard", recipient: "device" }],
  [0x81, 6, 0x2200, 1, { kind: "pass", requestType: "standard", recipient: "interface" }],
  [0x80, 0, 0, 0, { kind: "pass", requestType: "standard", recipient: "device" }],
  [0x82, 0, 0, 0x81, { kind: "pass", requestType: "standard", recipient: "endpoint" }],
  [0x82, 0, 0, 0x80, { kind: "not-halted" }],
  [0x82, 12, 0, 0x81, { kind: "pass", requestType: "standard", recipient: "endpoint" }],
  [0x80, 8, 0, 0, { kind: "get-configuration" }],
  [0x81, 10, 0, 3, { kind: "get-interface", interfaceNumber: 3 }],
  [0x00, 9, 2, 0, { kind: "set-configuration", value: 2 }],
  [0x01, 11, 4, 3, { kind: "set-interface", interfaceNumber: 3, alternate: 4 }],
  [0x02, 1, 0, 0x81, { kind: "clear-halt", endpoint: 0x81 }],
  [0x00, 3, 1, 0, { kind: "accept" }],
  [0x00, 1, 1, 0, { kind: "accept" }],
  [0x00, 48, 0, 0, { kind: "accept" }],
  [0x00, 49, 40, 0, { kind: "accept" }],
  [0x00, 3, 2, 0x0100, { kind: "stall" }], // TEST_MODE
  [0x00, 7, 0x0100, 0, { kind: "stall" }], // SET_DESCRIPTOR
  [0x02, 3, 0, 0x81, { kind: "stall" }], // SET_FEATURE(ENDPOINT_HALT)
  [0x02, 1, 1, 0x81, { kind: "stall" }],
  [0x00, 6, 0x0100, 0, { kind: "stall" }],
  [0x80, 9, 1, 0, { kind: "stall" }],
])("standard request %i %i, wValue %i, wIndex %i", (bmRequestType, bRequest, wValue, wIndex, expected) => {
  expect(decision(bmRequestType, bRequest, wValue, wIndex)).toEqual(expected);
});

test("of the standard requests only those are passed on that Chromium lets a page send", () => {
  const passed = new Set<string>();
  for (let bmRequestType = 0; bmRequestType < 0x100; bmRequestType++) {
    if ((bmRequestType & 0x60) !== 0) continue;
    for (let bRequest = 0; bRequest < 0x100; bRequest++) {
      const { kind } = decision(bmRequestType, bRequest, 0, 1);
      if (kind === "pass") passed.add(`${bmRequestType.toString(16)} ${bRequest}`);
    }
  }
  expect([...passed]).toEqual(["80 0", "80 6", "81 0", "81 6", "82 0", "82 12"]);
});

test("the same bRequest in a class or vendor request goes to the device", () => {
  for (const bRequest of [0, 1, 3, 5, 6, 9, 11]) {
    expect(decision(0x40, bRequest)).toEqual({ kind: "pass", requestType: "vendor", recipient: "device" });
    expect(decision(0x21, bRequest)).toEqual({ kind: "pass", requestType: "class", recipient: "interface" });
    expect(decision(0xc0, bRequest)).toEqual({ kind: "pass", requestType: "vendor", recipient: "device" });
  }
  expect(decision(0xa3, 0)).toEqual({ kind: "pass", requestType: "class", recipient: "other" });
});

test("reserved types and recipients stall", () => {
  expect(decision(0x60, 1)).toEqual({ kind: "stall" });
  expect(decision(0x44, 1)).toEqual({ kind: "stall" });
});
