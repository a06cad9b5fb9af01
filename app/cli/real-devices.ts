/** Real devices in Node, by the npm package `usb` if it is installed. */
import type { PlugArgument } from "./plug-argument.ts";
import { UsageError } from "./usage-error.ts";

interface UsbModule {
  readonly WebUSB: new (options: { allowAllDevices: boolean }) => USB;
}

/** What stands for navigator.usb, or undefined when the package is not there. */
export async function installedUsb(): Promise<USB | undefined> {
  const name = "usb"; // no dependency of ours: the compiler must not look for it
  try {
    const { WebUSB } = (await import(name)) as UsbModule;
    return new WebUSB({ allowAllDevices: true });
  } catch {
    return undefined;
  }
}

/** The USB that the plugs need, or undefined if they need none. Throws a UsageError. */
export async function usbFor(plugs: readonly PlugArgument[]): Promise<USB | undefined> {
  if (!plugs.some(({ device }) => device.kind === "webusb")) return undefined;
  const usb = await installedUsb();
  if (!usb) throw new UsageError("To plug real devices, install the package usb beside pvusb: npm install usb");
  return usb;
}

/** `1d50:6018 Black Magic Probe`, one a line, for `--list`. */
export async function listReal(usb: USB): Promise<string[]> {
  const hex = (id: number): string => id.toString(16).padStart(4, "0");
  return (await usb.getDevices()).map(
    ({ vendorId, productId, manufacturerName, productName }) =>
      `webusb:vid=${hex(vendorId)},pid=${hex(productId)}  ${[manufacturerName, productName].filter(Boolean).join(" ")}`,
  );
}
