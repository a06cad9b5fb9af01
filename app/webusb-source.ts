/** Names a granted USBDevice so that the backend's worker finds the same one among its own. */
import type { WebUsbSource } from "../worker/protocol.ts";

/**
 * A USBDevice cannot be sent to a worker. Devices with the same ids and serial number are told apart by their place among
 * `granted`, the page's own list of devices.
 */
export async function webUsbSource(device: USBDevice, granted?: readonly USBDevice[]): Promise<WebUsbSource> {
  const all = granted ?? (await globalThis.navigator?.usb?.getDevices()) ?? [];
  const serialNumber = device.serialNumber ?? "";
  const equal = all.filter(
    (other) =>
      other.vendorId === device.vendorId &&
      other.productId === device.productId &&
      (other.serialNumber ?? "") === serialNumber,
  );
  const { vendorId, productId } = device;
  return { kind: "webusb", vendorId, productId, serialNumber, ordinal: Math.max(0, equal.indexOf(device)) };
}
