import { expect, test } from "vitest";
import { SPEED_FULL, SPEED_HIGH, SPEED_LOW, SPEED_SUPER } from "../../../asm/layout.ts";
import {
  interfacesOf,
  parseConfiguration,
  presentConfiguration,
  presentDevice,
  protectedClassOf,
} from "../../../worker/raw-descriptors.ts";
import { inferSpeed } from "../../../worker/speed.ts";
import { type EndpointLiteral, fakeConfiguration, fakeDevice } from "../../fakes/usb-descriptors.ts";

const withEndpoints = (...endpoints: EndpointLiteral[]) =>
  parseConfiguration(fakeConfiguration(1, [{ number: 0, alternate: 0, interfaceClass: 0xff, endpoints }]));
const device = (usbVersion: number, maxPacketSize0: number) =>
  fakeDevice({ usbVersion, maxPacketSize0, deviceClass: 0, hasSerial: false, configurations: 1 });
const bulk = (packetSize: number): EndpointLiteral => ({ address: 0x02, type: "bulk", packetSize });
const interrupt = (packetSize: number, interval = 10): EndpointLiteral => ({
  address: 0x81,
  type: "interrupt",
  packetSize,
  interval,
});

test.each<[string, number, Uint8Array, EndpointLiteral[], boolean]>([
  ["USB 3 writes bMaxPacketSize0 as an exponent", SPEED_SUPER, device(0x0300, 9), [bulk(1024)], false],
  ["a USB 3 device on a USB 2 port", SPEED_HIGH, device(0x0210, 64), [bulk(512)], false],
  ["bulk packets of 512", SPEED_HIGH, device(0x0200, 64), [bulk(512)], false],
  ["bulk packets of 64", SPEED_FULL, device(0x0200, 64), [bulk(64)], true],
  ["USB 1.1", SPEED_FULL, device(0x0110, 64), [bulk(64)], false],
  ["bMaxPacketSize0 that high speed does not have", SPEED_FULL, device(0x0200, 8), [bulk(64)], true],
  ["a mouse", SPEED_LOW, device(0x0110, 8), [interrupt(4)], false],
  ["a keyboard polled more often than low speed can be", SPEED_FULL, device(0x0110, 8), [interrupt(8, 8)], false],
  ["interrupt packets of 8 and bulk", SPEED_FULL, device(0x0110, 8), [interrupt(8), bulk(8)], false],
  ["interrupt packets above 64", SPEED_HIGH, device(0x0200, 64), [interrupt(512)], false],
  ["several packets a microframe", SPEED_HIGH, device(0x0200, 64), [interrupt(0x0840)], false],
  ["interrupts only, with a qualifier", SPEED_HIGH, device(0x0200, 64), [interrupt(16)], true],
  ["interrupts only, without", SPEED_FULL, device(0x0200, 64), [interrupt(16)], false],
])("speed: %s", async (_, speed, descriptor, endpoints, qualifier) => {
  expect(await inferSpeed(descriptor, [withEndpoints(...endpoints)], async () => qualifier)).toBe(speed);
});

test("bMaxPacketSize0 fits the speed that is presented", () => {
  expect(presentDevice(device(0x0300, 9), SPEED_SUPER, 1)[7]).toBe(9);
  expect(presentDevice(device(0x0210, 9), SPEED_FULL, 1)[7]).toBe(64);
  expect(presentDevice(device(0x0110, 16), SPEED_FULL, 1)[7]).toBe(16);
  expect(presentDevice(device(0x0110, 8), SPEED_LOW, 1)[7]).toBe(8);
});

test("held interfaces become vendor-specific and keep their number; remote wake-up is not advertised", () => {
  // A webcam with an association, two interfaces and something else.
  const bytes = Uint8Array.of(
    ...[9, 2, 44, 0, 3, 1, 0, 0xa0, 50],
    ...[8, 11, 0, 2, 14, 3, 0, 0],
    ...[9, 4, 0, 0, 0, 14, 1, 0, 0],
    ...[9, 4, 1, 0, 0, 14, 2, 0, 0],
    ...[9, 4, 2, 0, 0, 255, 1, 2, 0],
  );
  const configuration = parseConfiguration(bytes);
  expect(interfacesOf(configuration)).toEqual([0, 1, 2]);
  expect([0, 1, 2].map((number) => protectedClassOf(configuration, number))).toEqual([14, 14, undefined]);
  expect([...presentConfiguration(bytes, new Set([0, 1]))]).toEqual([
    ...[9, 2, 44, 0, 3, 1, 0, 0x80, 50],
    ...[8, 11, 0, 2, 255, 0, 0, 0],
    ...[9, 4, 0, 0, 0, 255, 0, 0, 0],
    ...[9, 4, 1, 0, 0, 255, 0, 0, 0],
    ...[9, 4, 2, 0, 0, 255, 1, 2, 0],
  ]);
  expect(bytes[7]).toBe(0xa0);
});

test("a function that lacks one of its interfaces is vendor-specific as a whole; another function is not", () => {
  const bytes = Uint8Array.of(
    ...[9, 2, 61, 0, 3, 1, 0, 0x80, 50],
    ...[8, 11, 0, 2, 2, 2, 1, 0],
    ...[9, 4, 0, 0, 0, 2, 2, 1, 0],
    ...[9, 4, 1, 0, 0, 10, 0, 0, 0],
    ...[8, 11, 2, 2, 2, 2, 1, 0],
    ...[9, 4, 2, 0, 0, 2, 2, 1, 0],
    ...[9, 4, 3, 0, 0, 10, 0, 0, 0],
  );
  const presented = presentConfiguration(bytes, new Set([1]));
  expect([...presented.subarray(9, 17)]).toEqual([8, 11, 0, 2, 255, 0, 0, 0]);
  expect([...presented.subarray(17, 26)]).toEqual([9, 4, 0, 0, 0, 2, 2, 1, 0]);
  expect([...presented.subarray(35, 43)]).toEqual([8, 11, 2, 2, 2, 2, 1, 0]);
});

test("a protected bDeviceClass would bind a driver to all of it, and stays where the page is exempt", () => {
  const dongle = fakeDevice({
    usbVersion: 0x0200,
    maxPacketSize0: 64,
    deviceClass: 0xe0,
    hasSerial: false,
    configurations: 1,
  });
  expect(presentDevice(dongle, SPEED_FULL, 1)[4]).toBe(0);
  expect(presentDevice(dongle, SPEED_FULL, 1, true)[4]).toBe(0xe0);
});

test("a broken descriptor ends the reading, not the backend", () => {
  expect(parseConfiguration(Uint8Array.of(9, 2, 255, 0, 1, 7, 0, 0x80, 50, 0, 4, 9, 4)).value).toBe(7);
  expect(parseConfiguration(new Uint8Array(0)).alternates).toEqual([]);
});
