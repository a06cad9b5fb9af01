/** What a backend is sent for a device, and which device that was. */
import type { DeviceSource, RealDevice, WebUsbSource } from "../worker/protocol.ts";
import { nodeUsb } from "./start-backend.ts";

/** What can be given to a port. */
export type Device = USBDevice | DeviceSource;

const origins = new WeakMap<DeviceSource, Device>();

/**
 * Names a granted USBDevice so that the backend's worker finds the same one among its own, for it cannot be sent to a worker.
 * Devices with the same ids and serial number are told apart by their place among `granted`, the page's own list of devices,
 * or in Node all of this computer's.
 */
export function webUsbSource(device: USBDevice & Partial<RealDevice>, granted: readonly USBDevice[]): WebUsbSource {
  const serialNumber = device.serialNumber ?? "";
  const equal = granted.filter(
    (other) =>
      other.vendorId === device.vendorId &&
      other.productId === device.productId &&
      (other.serialNumber ?? "") === serialNumber,
  );
  const { vendorId, productId, detach } = device;
  const ordinal = ordinalOf(device, equal);
  const source: WebUsbSource = {
    kind: "webusb",
    vendorId,
    productId,
    serialNumber,
    ordinal,
    ...(detach && { detach }),
  };
  origins.set(source, device);
  return source;
}

/** What the backend is sent. */
export async function sourceOf(device: Device): Promise<DeviceSource> {
  if (!("kind" in device)) return webUsbSource(device, await listOf(device));
  if (!("image" in device) || !device.image || !("blob" in device.image)) return device;
  const blob: Pick<Blob, "arrayBuffer"> = device.image.blob;
  if (blob instanceof Blob) return device;
  // A File that only looks like one, such as @web-std/file's in Node, cannot be sent to a worker: its bytes can.
  const source: DeviceSource = { ...device, image: { ...device.image, blob: new Blob([await blob.arrayBuffer()]) } };
  origins.set(source, device);
  return source;
}

/** The device that a source was made for, or the source itself. */
export function originOf(source: Device): Device {
  return ("kind" in source && origins.get(source)) || source;
}

/** A source that came back from the backend, or was made by hand, names this device. */
export function names(source: Device, device: USBDevice, granted: readonly USBDevice[]): boolean {
  if (!("kind" in source) || source.kind !== "webusb") return false;
  const { vendorId, productId, serialNumber, ordinal } = webUsbSource(device, granted);
  return (
    source.vendorId === vendorId &&
    source.productId === productId &&
    source.serialNumber === serialNumber &&
    source.ordinal === ordinal
  );
}

async function listOf({ path }: USBDevice & Partial<RealDevice>): Promise<readonly USBDevice[]> {
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
