/**
 * A real device as the command line spells it: by its ids, by its ids and serial number, or by where it is on the computer's
 * buses. `--list` writes it, `--plug` reads it.
 *
 *   usb:1d50:6018    usb:1d50:6018/7BB180B4    usb:1-2.3
 */
import type { RealDevice, WebUsbSource } from "../../worker/protocol.ts";
import { webUsbSource } from "../device-source.ts";
import { type DeviceIds, formatIds, parseIds } from "../rules/device-name.ts";
import { UsageError } from "./usage-error.ts";

export type UsbDevice = USBDevice & RealDevice;

/** Which device is meant. */
export type DeviceName = { readonly path: string } | DeviceIds;

/** Undefined for what is no name. */
export function parseDeviceName(text: string): DeviceName | undefined {
  return /^\d+-\d+(\.\d+)*$/.test(text) ? { path: text } : parseIds(text);
}

/** The device's two names. */
export function namesOf({ vendorId, productId, serialNumber, path }: UsbDevice): string[] {
  const ids = formatIds({ vendorId, productId, serialNumber: serialNumber ?? "" });
  return [`usb:${ids.replace(/[,\\]/g, "\\$&")}`, `usb:${path}`];
}

/** Finds the device that is meant by `text`. Throws a UsageError if there is none, or several. */
export async function findDevice(devices: readonly UsbDevice[], name: DeviceName, text: string): Promise<WebUsbSource> {
  const [device, ...others] = devices.filter((each) =>
    "path" in name
      ? each.path === name.path
      : each.vendorId === name.vendorId &&
        each.productId === name.productId &&
        (name.serialNumber === undefined || each.serialNumber === name.serialNumber),
  );
  if (!device) {
    throw new UsageError(`${text}: this computer has no such device. Connect it; pvusb --list shows what is there.`);
  }
  if (others.length > 0) {
    const places = [device, ...others].map(({ path }) => `usb:${path}`).join(" or ");
    throw new UsageError(
      `${text}: there are ${others.length + 1} such devices; say which one by its place: ${places}.`,
    );
  }
  return webUsbSource(device, devices);
}

/** `usb:1d50:6018/7BB180B4  usb:1-2.3  high speed  Black Magic Probe`, one a line. */
export function listDevices(devices: readonly UsbDevice[]): string[] {
  const rows = devices.map((device) => [
    ...namesOf(device),
    device.speed ? `${device.speed} speed` : "",
    [device.manufacturerName, device.productName].filter(Boolean).join(" "),
  ]);
  const width = (column: number) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0));
  const widths = [0, 1, 2].map(width);
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
