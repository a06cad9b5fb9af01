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
  const ordinal = ordinalOf(device, equal);
  return { kind: "webusb", vendorId, productId, serialNumber, ordinal, ...(detach && { detach }) };
}

async function listOf({ path }: Partial<RealDevice>): Promise<readonly USBDevice[]> {
  if (path !== undefined) return (await nodeUsb()).getDevices();
  return (await globalThis.navigator?.usb?.getDevices()) ?? [];
}

/**
 * Its place. A device that was pulled out and put back is another USBDevice: with a serial number it is the same one all the
 * same, and so is the only one of its kind; of several without, none may be taken for it.
 */
function ordinalOf(device: USBDevice, equal: readonly USBDevice[]): number {
  const place = equal.indexOf(device);
  if (place >= 0) return place;
  return device.serialNumber || equal.length < 2 ? 0 : equal.length;
}
