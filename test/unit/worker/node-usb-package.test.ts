/** The fake npm usb against the package itself, where that is installed: its names, its arguments, its words. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { loadNative } from "../../../worker/node-usb/native.ts";
import { NodeUsb } from "../../../worker/node-usb/usb.ts";
import { FakeNativeDevice, FakeNodeUsb } from "../../fakes/node-usb.ts";
import { ScriptedFunction } from "../../fakes/scripted-function.ts";

const require = createRequire(import.meta.url);
const PACKAGE: string = "usb";

function resolved(name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}

describe.skipIf(!resolved(PACKAGE))("npm usb", () => {
  test("has every member of the fake's devices, with the same arguments", async () => {
    const { UsbDevice } = require(`${PACKAGE}/index.js`) as { UsbDevice: { prototype: object } };
    require(PACKAGE); // adds the methods that take a time-out
    const real = UsbDevice.prototype;
    const fake = FakeNativeDevice.prototype;
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(fake))) {
      expect(Object.getOwnPropertyNames(real)).toContain(name);
      if (typeof value !== "function" || !/[tT]ransfer(In|Out)$/.test(name)) continue;
      const method = Object.getOwnPropertyDescriptor(real, name)?.value as (...args: unknown[]) => unknown;
      const [, written] = /\((.*?)\)/.exec(String(method)) ?? [];
      expect([name, written?.replace("DEFAULT_TIMEOUT", "1000")]).toEqual([name, ARGUMENTS[name]]);
    }
    expect(Object.getOwnPropertyNames(real)).toContain("bus");
  });

  test("loads, and says of a computer without a USB bus what the fake says", async () => {
    const native = await loadNative();
    const fake = new FakeNodeUsb();
    if (existsSync("/sys/bus/usb/devices")) {
      expect(Array.isArray(await new NodeUsb(native).getDevices())).toBe(true);
      return;
    }
    fake.hasNoBus = true;
    const [real, expected] = await Promise.all(
      [native, fake].map((each) => each.getDevices().catch((error: Error) => error.message)),
    );
    if (process.platform === "linux") expect(real).toBe(expected);
  });

  const binary = resolved("@node-usb/usb-linux-x64-gnu");
  test.skipIf(!binary)("fails with the words of the fake", () => {
    const text = readFileSync(binary ?? "", "latin1");
    for (const words of WORDS) expect(text).toContain(words);
  });
});

const ARGUMENTS: Readonly<Record<string, string>> = {
  controlTransferIn: "setup, length, timeout = 1000",
  controlTransferOut: "setup, data, timeout = 1000",
  transferIn: "endpointNumber, length, timeout = 1000",
  transferOut: "endpointNumber, data, timeout = 1000",
  isochronousTransferIn: "endpointNumber, packetLengths, timeout = 1000",
  isochronousTransferOut: "endpointNumber, data, packetLengths, timeout = 1000",
};

/** As they stand in the library's code: the method's name and ": " come before them. */
const WORDS = [
  "The same native value cannot be borrowed mutably while another borrow is active",
  "transferIn error: endpoint not found",
  "controlTransferIn error: invalid state",
  "isochronousTransferIn error: method not implemented",
  "selectConfiguration error: invalid configuration",
  "releaseInterface error: not claimed",
  "can't change alternate setting while endpoints are in use",
  "alternate setting not found",
  "interface not found",
  "interface is busy",
  "permission denied",
  "no kernel driver attached",
  "kernel driver already attached",
  "endpoint stalled",
  "transfer was cancelled",
  "device disconnected",
  "hardware fault or protocol violation",
  "CancelledStallDisconnectedFault",
];

test("the fake throws at once when a change meets another call, as the package does", async () => {
  const usb = new FakeNodeUsb();
  usb.plug(new ScriptedFunction());
  const [device] = await usb.getDevices();
  const opening = device?.open();
  expect(() => device?.close()).toThrow(/borrowed mutably/);
  expect(() => device?.productName).toThrow(/borrowed mutably/);
  await expect(device?.transferIn(1, 64)).rejects.toThrow(/borrowed mutably/);
  await opening;
});
