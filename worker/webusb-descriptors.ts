/** The raw descriptors of an opened WebUSB device: a USBDevice has only a part of what they say. */
import { inTime } from "./in-time.ts";
import { PlugError, reasonOf } from "./plug-error.ts";
import { isDisconnected } from "./transfer-status.ts";
import type { UsbManners } from "./usb-manners.ts";
import { capital, goneError } from "./webusb-words.ts";

export const DESCRIPTOR_DEVICE = 1;
export const DESCRIPTOR_CONFIGURATION = 2;
export const DESCRIPTOR_DEVICE_QUALIFIER = 6;

/** A descriptor in its exact length: some devices hang when they are asked for more than they have. */
export async function readDescriptor(
  device: USBDevice,
  name: string,
  type: number,
  index: number,
  header: number,
): Promise<Uint8Array> {
  const get = async (length: number) => {
    try {
      const asked = device.controlTransferIn(getDescriptor(type, index), length);
      const { status, data } = await inTime(asked, `reading the descriptors of ${name}`);
      if (status === "ok" && data) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    } catch (error) {
      if (isDisconnected(error)) throw goneError(name, error);
      if (error instanceof PlugError) throw error;
      throw new PlugError("AccessError", `${capital(name)} does not answer (${reasonOf(error)}). Reconnect it.`, {
        cause: error,
      });
    }
    throw new PlugError("AccessError", `${capital(name)} does not give its descriptors. Reconnect it.`);
  };
  const head = await get(header);
  const total = type === DESCRIPTOR_CONFIGURATION ? (head[2] ?? 0) | ((head[3] ?? 0) << 8) : (head[0] ?? 0);
  const whole = total > header ? await get(total) : head;
  if (whole.length < header || whole[1] !== type) {
    throw new PlugError("AccessError", `${capital(name)} gives descriptors that make no sense. Reconnect it.`);
  }
  return whole;
}

/** Has the device a descriptor of this type? Most say no with a stall, which tells something of the system, too. */
export async function hasDescriptor(device: USBDevice, type: number, manners: UsbManners): Promise<boolean> {
  try {
    const asked = device.controlTransferIn(getDescriptor(type, 0), 10);
    const { status } = await inTime(asked, "reading the descriptors");
    if (status === "stall") manners.stallSaid();
    return status === "ok";
  } catch {
    return false;
  }
}

function getDescriptor(type: number, index: number): USBControlTransferParameters {
  return { requestType: "standard", recipient: "device", request: 6, value: (type << 8) | index, index: 0 };
}
