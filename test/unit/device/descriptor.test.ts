import { expect, test } from "vitest";
import {
  bytesOf,
  DESCRIPTOR_OTHER_SPEED_CONFIGURATION,
  putBos,
  putConfiguration,
  putDevice,
  putDeviceQualifier,
  putEndpoint,
  putHid,
  putInterface,
  putLanguages,
  putString,
} from "../../../worker/device/descriptor.ts";
import { bytes, hex } from "./harness.ts";

/** What `put` writes at offset 3 of a field of 0xA5, which must stay 0xA5 around it. */
function emitted(put: (into: Uint8Array, at: number) => number): string {
  const room = new Uint8Array(256).fill(0xa5);
  const end = put(room, 3);
  expect(hex(room.subarray(0, 3))).toBe("a5a5a5");
  expect(room.subarray(end).every((each) => each === 0xa5)).toBe(true);
  return hex(room.subarray(3, end));
}

function golden(text: string): string {
  return hex(bytes(text));
}

const device = {
  usbVersion: 0x2211,
  deviceClass: 0x33,
  subclass: 0x44,
  protocol: 0x55,
  maxPacketSize0: 0x66,
  vendorId: 0x8877,
  productId: 0xaa99,
  deviceVersion: 0xccbb,
  manufacturer: 0x0d,
  product: 0x0e,
  serialNumber: 0x0f,
  configurations: 0x10,
};

test("device (USB 2.0 §9.6.1) and device qualifier (§9.6.2)", () => {
  expect(emitted((into, at) => putDevice(into, at, device))).toBe(
    golden("12 01 1122 33 44 55 66 7788 99aa bbcc 0d 0e 0f 10"),
  );
  expect(emitted((into, at) => putDeviceQualifier(into, at, device))).toBe(golden("0a 06 1122 33 44 55 66 10 00"));
});

const bulk = { address: 0x81, attributes: 0x02, maxPacketSize: 0x2211, interval: 0x33 };
const alternate = {
  number: 0x11,
  alternate: 0x22,
  interfaceClass: 0x33,
  subclass: 0x44,
  protocol: 0x55,
  name: 0x66,
  extra: Uint8Array.of(0x03, 0x21, 0x77),
  endpoints: [
    bulk,
    { ...bulk, address: 0x02, companion: { maxBurst: 0x44, attributes: 0x55, bytesPerInterval: 0x7766 } },
  ],
};

test("endpoint (USB 2.0 §9.6.6) and its SuperSpeed companion (USB 3.2 §9.6.7)", () => {
  expect(emitted((into, at) => putEndpoint(into, at, bulk))).toBe(golden("07 05 81 02 1122 33"));
  const superSpeed = { ...bulk, companion: { maxBurst: 0x44, attributes: 0x55, bytesPerInterval: 0x7766 } };
  expect(emitted((into, at) => putEndpoint(into, at, superSpeed))).toBe(
    golden("07 05 81 02 1122 33  06 30 44 55 6677"),
  );
});

test("endpoint of audio streaming (UAC 1.0 §4.6.1.1), class-specific descriptors behind all else", () => {
  const extra = Uint8Array.of(0x03, 0x25, 0x88);
  expect(emitted((into, at) => putEndpoint(into, at, { ...bulk, audio: true, extra }))).toBe(
    golden("09 05 81 02 1122 33 00 00  03 25 88"),
  );
  const companion = { maxBurst: 0x44, attributes: 0x55, bytesPerInterval: 0x7766 };
  expect(emitted((into, at) => putEndpoint(into, at, { ...bulk, companion, extra }))).toBe(
    golden("07 05 81 02 1122 33  06 30 44 55 6677  03 25 88"),
  );
});

test("interface association (USB 3.2 §9.6.4), in front of its first interface", () => {
  const association = { interfaces: 0x22, functionClass: 0x33, subclass: 0x44, protocol: 0x55, name: 0x66 };
  expect(emitted((into, at) => putInterface(into, at, { ...alternate, association, endpoints: [] }))).toBe(
    golden("08 0b 11 22 33 44 55 66  09 04 11 22 00 33 44 55 66  03 21 77"),
  );
});

test("interface (USB 2.0 §9.6.5) with its class descriptor and its endpoints", () => {
  expect(emitted((into, at) => putInterface(into, at, alternate))).toBe(
    golden("09 04 11 22 02 33 44 55 66  03 21 77  07 05 81 02 1122 33  07 05 02 02 1122 33  06 30 44 55 6677"),
  );
});

test("configuration (USB 2.0 §9.6.3), all of it, alternates counted once", () => {
  const plain = { number: 0x11, interfaceClass: 0xff, subclass: 0, protocol: 0, endpoints: [] };
  const other = { ...plain, number: 0x12 };
  const literal = {
    value: 0x55,
    name: 0x66,
    attributes: 0x60,
    maxPower: 0x77,
    interfaces: [plain, { ...plain, alternate: 1 }, other],
  };
  const body = "02 55 66 e0 77  09 04 11 00 00 ff 00 00 00  09 04 11 01 00 ff 00 00 00  09 04 12 00 00 ff 00 00 00";
  expect(emitted((into, at) => putConfiguration(into, at, literal))).toBe(golden(`09 02 2400 ${body}`));
  expect(emitted((into, at) => putConfiguration(into, at, literal, DESCRIPTOR_OTHER_SPEED_CONFIGURATION))).toBe(
    golden(`09 07 2400 ${body}`),
  );
});

test("strings (USB 2.0 §9.6.7), cut at 126 units", () => {
  expect(emitted((into, at) => putLanguages(into, at))).toBe(golden("04 03 0904"));
  expect(emitted((into, at) => putString(into, at, "Aé€"))).toBe(golden("08 03 4100 e900 ac20"));
  expect(bytesOf((into) => putString(into, 0, "x".repeat(200)))).toHaveLength(254);
});

test("BOS with USB 2.0 extension and SuperSpeed capability (USB 3.2 §9.6.2)", () => {
  const bos = {
    usb2Attributes: 0x11,
    speeds: 0x3322,
    lowestFullFunction: 0x44,
    u1ExitLatency: 0x55,
    u2ExitLatency: 0x7766,
  };
  expect(emitted((into, at) => putBos(into, at, bos))).toBe(
    golden("05 0f 1600 02  07 10 02 11000000  0a 10 03 00 2233 44 55 6677"),
  );
});

test("HID (HID 1.11 §6.2.1)", () => {
  expect(emitted((into, at) => putHid(into, at, { hidVersion: 0x2211, country: 0x33, reportLength: 0x5544 }))).toBe(
    golden("09 21 1122 33 01 22 4455"),
  );
});
