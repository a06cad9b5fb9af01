/** WebUSB devices: the one file of the worker's side that says navigator.usb. Finds a granted device and opens it. */
import { SPEED_FULL, SPEED_HIGH, SPEED_LOW, SPEED_SUPER, TYPE_ISOCHRONOUS } from "../asm/layout.ts";
import type { Device, DeviceHost } from "./device.ts";
import { FlightCount } from "./flight.ts";
import { inTime } from "./in-time.ts";
import { isNode, nodeUsb } from "./node-usb/index.ts";
import { limitsOf } from "./node-usb/words.ts";
import { PlugError, reasonOf } from "./plug-error.ts";
import type { WebUsbSource } from "./protocol.ts";
import { type ConfigurationInfo, presentConfiguration, presentDevice } from "./raw-descriptors.ts";
import { isReal, knownSpeed } from "./real-device.ts";
import { inferSpeed } from "./speed.ts";
import { UsbManners } from "./usb-manners.ts";
import { claimAll } from "./webusb-claims.ts";
import { ensureConfigured, hasQualifier, readConfigurations, readDevice } from "./webusb-descriptors.ts";
import { type UsbContext, WebUsbDevice } from "./webusb-device.ts";
import { capital, openError, pulledOut } from "./webusb-words.ts";

export class WebUsbEnvironment implements UsbContext {
  /** The USB to use instead of navigator.usb. */
  readonly usb: USB | undefined;
  readonly flights = new FlightCount();
  readonly manners = new UsbManners();

  constructor(usb: USB | undefined) {
    this.usb = usb;
  }
}

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
  const usb = environment.usb ?? globalThis.navigator?.usb ?? (isNode ? await nodeUsb() : undefined);
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
  if (isReal(device)) device.detach = source.detach ?? false;
  const onDisconnect = (event: USBConnectionEvent) => {
    if (event.device === device) host.gone(pulledOut(device, name));
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

/**
 * The `ordinal`-th of the granted devices with these ids and this serial number. Android tells a serial number only once the
 * person has allowed the device, so it may be known here and not in the page, or
 * the other way round: if only one device can be meant, it is the one.
 */
async function find(usb: USB, source: WebUsbSource): Promise<USBDevice> {
  let granted: USBDevice[];
  try {
    granted = await usb.getDevices();
  } catch (error) {
    if (error instanceof PlugError) throw error;
    throw new PlugError(
      "AccessError",
      `This page may not use WebUSB (${reasonOf(error)}). Its Permissions-Policy must allow usb.`,
      { cause: error },
    );
  }
  const { vendorId, productId, serialNumber, ordinal } = source;
  const alike = granted.filter((each) => each.vendorId === vendorId && each.productId === productId);
  const [unsure, ...others] = alike.filter((each) => !each.serialNumber || serialNumber === "");
  const device =
    alike.filter((each) => (each.serialNumber ?? "") === serialNumber)[ordinal] ??
    (others.length === 0 && ordinal === 0 ? unsure : undefined);
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
  environment: WebUsbEnvironment,
  released: () => void,
): Promise<Device> {
  const opening = device.open();
  try {
    await inTime(opening, `opening ${name}`);
  } catch (error) {
    // It may still open, later.
    void opening.then(() => device.close()).catch(() => undefined);
    throw openError(error, name);
  }
  await ensureConfigured(device, name);
  const deviceBytes = await readDevice(device, name);
  const { configurations, notes } = await readConfigurations(device, name, deviceBytes[17] ?? 0);
  const claims = await claimAll(device, name, configurations);
  const known = knownSpeed(device);
  const speed =
    known ?? (await inferSpeed(deviceBytes, configurations, () => hasQualifier(device, environment.manners)));
  return new WebUsbDevice(device, host, environment, released, {
    speed,
    claimed: claims.claimed,
    deviceDescriptor: presentDevice(deviceBytes, speed, configurations.length, claims.exempt),
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
        ...notes,
        ...environment.manners.notes(configurations.some(hasIsochronous)),
        ...(isReal(device) ? limitsOf(device, claims.notes.length > 0, configurations.some(hasIsochronous)) : []),
        ...(known === undefined
          ? [`Browsers do not tell a device's speed; ${SPEED_WORDS[speed]} was inferred from its descriptors.`]
          : []),
      ],
    },
  });
}

function hasIsochronous({ alternates }: ConfigurationInfo): boolean {
  return alternates.some(({ endpoints }) => endpoints.some(({ type }) => type === TYPE_ISOCHRONOUS));
}
