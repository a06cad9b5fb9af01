/** WebUSB devices (stub while the rest is written). */
import type { Device, DeviceHost } from "./device.ts";
import { PlugError } from "./plug-error.ts";
import type { WebUsbSource } from "./protocol.ts";

export interface WebUsbEnvironment {
  /** The USB to use instead of navigator.usb. */
  readonly usb: USB | undefined;
  /** Transfers given up by the guest whose promises are still open, over all devices. */
  readonly orphans: { open: number };
}

export async function openWebUsbDevice(
  _source: WebUsbSource,
  _host: DeviceHost,
  _environment: WebUsbEnvironment,
): Promise<Device> {
  throw new PlugError("UnsupportedError", "WebUSB devices are not there yet.");
}
