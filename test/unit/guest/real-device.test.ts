/** Real devices as the command line spells them. */
import { expect, test } from "vitest";
import { findDevice, listDevices, parseDeviceName, type UsbDevice } from "../../../app/cli/real-device.ts";
import { UsageError } from "../../../app/cli/usage-error.ts";

const device = (vendorId: number, productId: number, serialNumber: string | null, path: string): UsbDevice =>
  ({
    vendorId,
    productId,
    serialNumber,
    path,
    speed: "high",
    manufacturerName: "Maker",
    productName: "Thing",
  }) as UsbDevice;

const PROBE = device(0x1d50, 0x6018, "7BB1,8", "1-2.3");
const TWIN_A = device(0x0403, 0x6001, null, "1-4");
const TWIN_B = device(0x0403, 0x6001, null, "2-1");
const DEVICES = [PROBE, TWIN_A, TWIN_B];

const find = (text: string) => {
  const name = parseDeviceName(text);
  if (!name) throw new Error(`${text} is no name`);
  return findDevice(DEVICES, name, `--plug usb:${text}@1`);
};

test("the list has each device's names, in the spelling of --plug", () => {
  const [nameless, other] = [
    { ...TWIN_A, productName: null, manufacturerName: null, speed: undefined } as UsbDevice,
    PROBE,
  ];
  expect(listDevices([nameless, other])).toEqual([
    "usb:0403:6001          usb:1-4",
    "usb:1d50:6018/7BB1\\,8  usb:1-2.3  high speed  Maker Thing",
  ]);
  expect(listDevices([])).toEqual([]);
});

test("a device is found by its ids, its serial number and its place; equal ones are told apart", async () => {
  const probe = { kind: "webusb", vendorId: 0x1d50, productId: 0x6018, serialNumber: "7BB1,8", ordinal: 0 };
  expect(await find("1d50:6018")).toEqual(probe);
  expect(await find("0x1D50:0x6018/7BB1,8")).toEqual(probe);
  expect(await find("1-2.3")).toEqual(probe);
  expect(await find("2-1")).toMatchObject({ serialNumber: "", ordinal: 1 });
});

test.each([
  ["1d50:6018/7BB1", /^--plug usb:1d50:6018\/7BB1@1: this computer has no such device/],
  ["1-3", /no such device.* pvusb --list/],
  ["403:6001", /2 such devices; say which one by its place: usb:1-4 or usb:2-1\.$/],
])("%s is refused in words", async (text, words) => {
  await expect(find(text)).rejects.toThrow(UsageError);
  await expect(find(text)).rejects.toThrow(words);
});
