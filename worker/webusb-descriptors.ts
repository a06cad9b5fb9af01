/**
 * The raw descriptors of an opened WebUSB device: a USBDevice has only a part of what they say. They are not trusted. Each is
 * asked for in its exact length, because some devices hang when they are asked for more than they have; and what a later
 * reading brings is the only one that counts.
 */
import { inTime } from "./in-time.ts";
import { PlugError, reasonOf } from "./plug-error.ts";
import { type ConfigurationInfo, parseConfiguration, soundConfiguration } from "./raw-descriptors.ts";
import { isDisconnected } from "./transfer-status.ts";
import type { UsbManners } from "./usb-manners.ts";
import { capital, goneError } from "./webusb-words.ts";

const DESCRIPTOR_DEVICE = 1;
const DESCRIPTOR_CONFIGURATION = 2;
const DESCRIPTOR_DEVICE_QUALIFIER = 6;

const DEVICE_LENGTH = 18;
const CONFIGURATION_LENGTH = 9;

/** What guests take at most (Linux has the lowest limit). */
export const CONFIGURATIONS_MAX = 8;

/**
 * A browser refuses every request to a device without an active configuration, reading its descriptors too. Where the computer
 * has configured nothing, the first is made active. Rejects with a PlugError.
 */
export async function ensureConfigured(device: USBDevice, name: string): Promise<void> {
  if (device.configuration) return;
  const [first] = device.configurations;
  if (!first) throw noConfiguration(name);
  try {
    await inTime(device.selectConfiguration(first.configurationValue), `configuring ${name}`);
  } catch (error) {
    if (isDisconnected(error)) throw goneError(name, error);
    if (error instanceof PlugError) throw error;
    throw new PlugError(
      "AccessError",
      `This computer does not configure ${name} (${reasonOf(error)}). Reconnect it, to another port or hub if you can.`,
      { cause: error },
    );
  }
}

/** The 18 bytes of the device descriptor (USB 2.0 §9.6.1). Rejects with a PlugError. */
export async function readDevice(device: USBDevice, name: string): Promise<Uint8Array> {
  const bytes = given(await ask(device, name, DESCRIPTOR_DEVICE, 0, DEVICE_LENGTH));
  if (bytes.length < DEVICE_LENGTH || bytes[1] !== DESCRIPTOR_DEVICE) throw nonsense(name);
  const id = (at: number) => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  if (id(8) !== device.vendorId || id(10) !== device.productId) {
    throw new PlugError(
      "AccessError",
      `${capital(name)} says that it is another device than the one you chose. Reconnect it, and choose it again.`,
    );
  }
  return bytes;
}

/**
 * The first configurations, as many as the device gives, with a sentence for the person if that is less than it promises. At
 * least one; else it rejects with a PlugError.
 */
export async function readConfigurations(
  device: USBDevice,
  name: string,
  promised: number,
): Promise<{ configurations: ConfigurationInfo[]; notes: string[] }> {
  const configurations: ConfigurationInfo[] = [];
  let isCut = false;
  let refusal = noConfiguration(name);
  for (let index = 0; index < Math.min(promised, CONFIGURATIONS_MAX); index++) {
    const head = await ask(device, name, DESCRIPTOR_CONFIGURATION, index, CONFIGURATION_LENGTH);
    const total = head instanceof PlugError ? 0 : (head[2] ?? 0) | ((head[3] ?? 0) << 8);
    const whole = total > CONFIGURATION_LENGTH ? await ask(device, name, DESCRIPTOR_CONFIGURATION, index, total) : head;
    const sound = whole instanceof PlugError ? whole : (soundConfiguration(whole) ?? nonsense(name));
    if (sound instanceof PlugError) {
      refusal = sound;
      break;
    }
    isCut ||= sound.length !== total;
    configurations.push(parseConfiguration(sound));
  }
  const count = configurations.length;
  if (count === 0) throw refusal;
  const notes: string[] = [];
  if (isCut) notes.push("Its descriptors end in bytes that make no sense; the guest does not get those.");
  if (count < promised) notes.push(`It promises ${promised} configurations; the guest gets the first ${count}.`);
  return { configurations, notes };
}

/** Has it a device qualifier? Most say no with a stall, which tells something of the system, too. */
export async function hasQualifier(device: USBDevice, manners: UsbManners): Promise<boolean> {
  try {
    const asked = device.controlTransferIn(getDescriptor(DESCRIPTOR_DEVICE_QUALIFIER, 0), 10);
    const { status } = await inTime(asked, "reading the descriptors");
    if (status === "stall") manners.stallSaid();
    return status === "ok";
  } catch {
    return false;
  }
}

/** At most `length` bytes, or why there are none. Rejects with a PlugError where there is no use in asking on. */
async function ask(
  device: USBDevice,
  name: string,
  type: number,
  index: number,
  length: number,
): Promise<Uint8Array | PlugError> {
  try {
    const asked = device.controlTransferIn(getDescriptor(type, index), length);
    const { status, data } = await inTime(asked, `reading the descriptors of ${name}`);
    if (status !== "ok" || !data) {
      return new PlugError("AccessError", `${capital(name)} does not give its descriptors. Reconnect it.`);
    }
    return new Uint8Array(data.buffer, data.byteOffset, Math.min(length, data.byteLength));
  } catch (error) {
    if (isDisconnected(error)) throw goneError(name, error);
    if (error instanceof PlugError) throw error;
    return new PlugError("AccessError", `${capital(name)} does not answer (${reasonOf(error)}). Reconnect it.`, {
      cause: error,
    });
  }
}

function noConfiguration(name: string): PlugError {
  return new PlugError("UnsupportedError", `${capital(name)} has no configuration, so nobody can use it.`);
}

function given(answer: Uint8Array | PlugError): Uint8Array {
  if (answer instanceof PlugError) throw answer;
  return answer;
}

function nonsense(name: string): PlugError {
  return new PlugError("AccessError", `${capital(name)} gives descriptors that make no sense. Reconnect it.`);
}

function getDescriptor(type: number, index: number): USBControlTransferParameters {
  return { requestType: "standard", recipient: "device", request: 6, value: (type << 8) | index, index: 0 };
}
