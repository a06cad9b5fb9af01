/** Names a granted USBDevice so that the backend's worker finds the same one among its own. */
import type { RealDevice, WebUsbSource } from "../worker/protocol.ts";
import { nodeUsb } from "./start-backend.ts";

/**
 * A USBDevice cannot be sent to a worker. Devices with the same ids and serial number are told apart by their place among
 * `granted`, the page's own list of devices, or in Node all of this computer's.
 */
export async function webUsbSource(
  device: USBDevice & Partial<RealDevice>,
  granted?: readonly USBDevice[],
): Promise<WebUsbSource> {
  const all = granted ?? (await listOf(device));
  const serialNumber = device.serialNumber ?? "";
  const equal = all.filter(
    (other) =>
      other.vendorId === device.vendorId &&
      other.productId === device.productId &&
      (other.serialNumber ?? "") === serialNumber,
  );
  const { vendorId, productId, detach } = device;
  const ordinal = Math.max(0, equal.indexOf(device));
  return { kind: "webusb", vendorId, productId, serialNumber, ordinal, ...(detach && { detach }) };
}

async function listOf({ path }: Partial<RealDevice>): Promise<readonly USBDevice[]> {
  if (path !== undefined) return (await nodeUsb()).getDevices();
  return (await globalThis.navigator?.usb?.getDevices()) ?? [];
}
