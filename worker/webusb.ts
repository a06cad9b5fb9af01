/** WebUSB devices: the one file of the worker's side that says navigator.usb. Finds a granted device and opens it. */
import { SPEED_FULL, SPEED_HIGH, SPEED_LOW, SPEED_SUPER } from "../asm/layout.ts";
import type { Device, DeviceHost } from "./device.ts";
import { PlugError, reasonOf } from "./plug-error.ts";
import type { WebUsbSource } from "./protocol.ts";
import {
  type ConfigurationInfo,
  interfacesOf,
  PROTECTED_CLASSES,
  parseConfiguration,
  presentConfiguration,
  presentDevice,
  protectedClassOf,
} from "./raw-descriptors.ts";
import { inferSpeed } from "./speed.ts";
import { isDisconnected, nameOf } from "./transfer-status.ts";
import { WebUsbDevice } from "./webusb-device.ts";

export interface WebUsbEnvironment {
  /** The USB to use instead of navigator.usb. */
  readonly usb: USB | undefined;
  /** Transfers given up by the guest whose promises are still open, over all devices. */
  readonly orphans: { open: number };
}

/** A step of a plug that takes longer has failed: on Windows a claim can stay open for good. */
const STEP_TIMEOUT = 10_000;

const DESCRIPTOR_DEVICE = 1;
const DESCRIPTOR_CONFIGURATION = 2;
const DESCRIPTOR_DEVICE_QUALIFIER = 6;

const SPEED_WORDS: Readonly<Record<number, string>> = {
  [SPEED_LOW]: "low speed",
  [SPEED_FULL]: "full speed",
  [SPEED_HIGH]: "high speed",
  [SPEED_SUPER]: "SuperSpeed",
};

/** A USBDevice knows one user: its close() and reset() would end another's transfers. */
const inUse = new WeakSet<USBDevice>();

/** Opens a granted device and claims its interfaces. Rejects with a PlugError. */
export async function openWebUsbDevice(
  source: WebUsbSource,
  host: DeviceHost,
  environment: WebUsbEnvironment,
): Promise<Device> {
  const usb = environment.usb ?? globalThis.navigator?.usb;
  if (!usb) {
    throw new PlugError(
      "UnsupportedError",
      "This browser has no WebUSB. Use a browser of the Chromium family, such as Chrome or Edge, or plug a software device.",
    );
  }
  const device = await find(usb, source);
  const name = device.productName || "the device";
  if (inUse.has(device)) {
    throw new PlugError("BusyError", `${capital(name)} is plugged into another port already. Unplug it there first.`);
  }
  inUse.add(device);
  const onDisconnect = (event: USBConnectionEvent) => {
    if (event.device === device) host.gone(`${capital(name)} was pulled out.`);
  };
  usb.addEventListener("disconnect", onDisconnect);
  const released = () => {
    usb.removeEventListener("disconnect", onDisconnect);
    inUse.delete(device);
  };
  try {
    return await open(device, name, host, environment, released);
  } catch (error) {
    released();
    void device.close().catch(() => undefined);
    throw error;
  }
}

/** The `ordinal`-th of the granted devices with these ids and this serial number. */
async function find(usb: USB, { vendorId, productId, serialNumber, ordinal }: WebUsbSource): Promise<USBDevice> {
  let granted: USBDevice[];
  try {
    granted = await usb.getDevices();
  } catch (error) {
    throw new PlugError(
      "AccessError",
      `This page may not use WebUSB (${reasonOf(error)}). Its Permissions-Policy must allow usb.`,
      { cause: error },
    );
  }
  const device = granted.filter(
    (each) => each.vendorId === vendorId && each.productId === productId && (each.serialNumber ?? "") === serialNumber,
  )[ordinal];
  if (!device) {
    throw new PlugError(
      "NotFoundError",
      "The device is not there any more. Connect it, and choose it again in the page.",
    );
  }
  return device;
}

async function open(
  device: USBDevice,
  name: string,
  host: DeviceHost,
  { orphans }: WebUsbEnvironment,
  released: () => void,
): Promise<Device> {
  try {
    await inTime(device.open(), `opening ${name}`);
  } catch (error) {
    throw openError(error, name);
  }
  const deviceBytes = await readDescriptor(device, name, DESCRIPTOR_DEVICE, 0, 18);
  const configurations: ConfigurationInfo[] = [];
  for (let index = 0; index < (deviceBytes[17] ?? 0); index++) {
    configurations.push(parseConfiguration(await readDescriptor(device, name, DESCRIPTOR_CONFIGURATION, index, 9)));
  }
  const claims = await claimAll(device, name, configurations);
  const speed = await inferSpeed(deviceBytes, configurations, () => answers(device, DESCRIPTOR_DEVICE_QUALIFIER));
  return new WebUsbDevice(device, host, orphans, released, {
    speed,
    claimed: claims.claimed,
    deviceDescriptor: presentDevice(deviceBytes, speed),
    configurations: configurations.map((configuration) => ({
      ...configuration,
      bytes: presentConfiguration(configuration.bytes, claims.held(configuration)),
    })),
    identity: {
      vendorId: device.vendorId,
      productId: device.productId,
      manufacturer: device.manufacturerName ?? "",
      product: device.productName ?? "",
      serialNumber: device.serialNumber ?? "",
      notes: [
        ...claims.notes,
        `Browsers do not tell a device's speed; ${SPEED_WORDS[speed]} was inferred from its descriptors.`,
      ],
    },
  });
}

interface Claims {
  readonly claimed: ReadonlySet<number>;
  readonly notes: readonly string[];
  /** The interfaces of a configuration that the guest cannot have. */
  held(configuration: ConfigurationInfo): ReadonlySet<number>;
}

/**
 * Claims what the active configuration has. The browser's own answer decides what is protected, because some pages are
 * exempt; of configurations that are not active, only the classes are known.
 */
async function claimAll(
  device: USBDevice,
  name: string,
  configurations: readonly ConfigurationInfo[],
): Promise<Claims> {
  const value = device.configuration?.configurationValue;
  const active = configurations.find((configuration) => configuration.value === value);
  const claimed = new Set<number>();
  const held = new Set<number>();
  const notes: string[] = [];
  let busy = false;
  let exempt = false;
  for (const number of active ? interfacesOf(active) : []) {
    const protectedClass = active && protectedClassOf(active, number);
    try {
      await inTime(device.claimInterface(number), `claiming interface ${number} of ${name}`);
      claimed.add(number);
      exempt ||= protectedClass !== undefined;
    } catch (error) {
      if (isDisconnected(error)) throw goneError(name, error);
      if (error instanceof PlugError) throw error;
      held.add(number);
      if (nameOf(error) === "SecurityError") {
        const words = PROTECTED_CLASSES[protectedClass ?? -1] ?? "a protected class";
        notes.push(`Interface ${number} (${words}) stays with the browser, which keeps this class from every page.`);
      } else {
        busy = true;
        notes.push(`Interface ${number} is in use by a driver of this computer or by another page.`);
      }
    }
  }
  if (active && claimed.size === 0 && held.size > 0) throw nothingClaimed(name, busy, notes);
  return {
    claimed,
    notes,
    held: (configuration) =>
      configuration === active
        ? held
        : new Set(
            interfacesOf(configuration).filter(
              (number) => !exempt && protectedClassOf(configuration, number) !== undefined,
            ),
          ),
  };
}

/** A descriptor in its exact length: some devices hang when they are asked for more than they have. */
async function readDescriptor(
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

async function answers(device: USBDevice, type: number): Promise<boolean> {
  try {
    return (await device.controlTransferIn(getDescriptor(type, 0), 10)).status === "ok";
  } catch {
    return false;
  }
}

function getDescriptor(type: number, index: number): USBControlTransferParameters {
  return { requestType: "standard", recipient: "device", request: 6, value: (type << 8) | index, index: 0 };
}

async function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new PlugError(
      "AccessError",
      `The browser does not finish ${what}. Reconnect it; on Windows, it needs the WinUSB driver.`,
    );
    timer = setTimeout(() => reject(error), STEP_TIMEOUT);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function openError(error: unknown, name: string): Error {
  if (error instanceof PlugError) return error;
  if (isDisconnected(error)) return goneError(name, error);
  if (nameOf(error) === "SecurityError") {
    return new PlugError(
      "AccessError",
      `This computer does not let the browser open ${name}. On Linux, a udev rule must give you the device; ` +
        "on Windows, it needs the WinUSB driver.",
      { cause: error },
    );
  }
  return new PlugError(
    "BusyError",
    `${capital(name)} cannot be opened (${reasonOf(error)}). Is another program using it?`,
    {
      cause: error,
    },
  );
}

function goneError(name: string, cause: unknown): PlugError {
  return new PlugError(
    "NotFoundError",
    `${capital(name)} was pulled out. Connect it, and choose it again in the page.`,
    {
      cause,
    },
  );
}

function nothingClaimed(name: string, busy: boolean, notes: readonly string[]): PlugError {
  return busy
    ? new PlugError(
        "BusyError",
        `No interface of ${name} is free: a driver of this computer or another page has it. Close the other page, or ` +
          "unbind the driver; on Windows, give it the WinUSB driver.",
      )
    : new PlugError(
        "UnsupportedError",
        `The browser keeps all of ${name} from pages. ${notes.join(" ")} Plug a software device in its place.`,
      );
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
