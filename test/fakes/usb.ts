/** A strict fake of navigator.usb: devices are plugged in and pulled out, granted and forgotten. Runs in Node and browsers. */
import { type FakeDeviceOptions, FakeUsbDevice } from "./usb-device.ts";
import type { FakeFunction } from "./usb-function.ts";
import { nextTask, transferError } from "./usb-wire.ts";

export interface PlugOptions extends FakeDeviceOptions {
  /** Granted to the page already (default), as by an earlier visit. */
  readonly granted?: boolean;
}

interface Connection {
  readonly device: FakeUsbDevice;
  granted: boolean;
}

/** USBConnectionEvent, which a browser lets nobody make for a device of another kind. */
class FakeConnectionEvent extends Event implements USBConnectionEvent {
  readonly device: USBDevice;
  constructor(type: "connect" | "disconnect", device: USBDevice) {
    super(type);
    this.device = device;
  }
}

export class FakeUsb extends EventTarget implements USB {
  onconnect: USB["onconnect"] = null;
  ondisconnect: USB["ondisconnect"] = null;
  /** The page's Permissions-Policy forbids it. */
  isForbidden = false;
  readonly #connections: Connection[] = [];
  /** Devices with a serial number stay granted while they are away. */
  readonly #remembered = new Set<string>();

  override addEventListener(
    type: "connect" | "disconnect",
    listener: (this: this, event: USBConnectionEvent) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(type: string, listener: unknown, options?: boolean | AddEventListenerOptions): void {
    super.addEventListener(type, listener as EventListener, options);
  }

  override removeEventListener(
    type: "connect" | "disconnect",
    listener: (this: this, event: USBConnectionEvent) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  override removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
  override removeEventListener(type: string, listener: unknown, options?: boolean | EventListenerOptions): void {
    super.removeEventListener(type, listener as EventListener, options);
  }

  async getDevices(): Promise<USBDevice[]> {
    await nextTask();
    if (this.isForbidden) {
      throw new DOMException('Access to the feature "usb" is disallowed by permissions policy.', "SecurityError");
    }
    return this.#connections.filter(({ granted }) => granted).map(({ device }) => device);
  }

  /** The chooser always takes the first device that fits. */
  async requestDevice(options?: USBDeviceRequestOptions): Promise<USBDevice> {
    if (!options?.filters) {
      throw new TypeError("Failed to read the 'filters' property: Required member is undefined.");
    }
    await nextTask();
    const { filters, exclusionFilters = [] } = options;
    const chosen = this.#connections.find(
      ({ device }) =>
        (filters.length === 0 || filters.some((filter) => matches(device, filter))) &&
        !exclusionFilters.some((filter) => matches(device, filter)),
    );
    if (!chosen) throw new DOMException("No device selected.", "NotFoundError");
    this.#grant(chosen);
    return chosen.device;
  }

  /** Plugs a device in: always a new USBDevice. A granted one fires `connect`. */
  plug(device: FakeFunction, options: PlugOptions = {}): FakeUsbDevice {
    const connection: Connection = { device: new FakeUsbDevice(device, options), granted: false };
    this.#connections.push(connection);
    if (options.granted !== false || this.#remembered.has(keyOf(connection.device))) {
      this.#grant(connection);
      this.#fire("connect", connection.device);
    }
    return connection.device;
  }

  /** Pulls a device out: its transfers fail, and then the page hears of it. */
  async unplug(device: FakeUsbDevice, error: () => DOMException = transferError): Promise<void> {
    const index = this.#connections.findIndex((connection) => connection.device === device);
    const [connection] = index < 0 ? [] : this.#connections.splice(index, 1);
    if (!connection) return;
    device.cut(error);
    await nextTask();
    device.gone();
    if (connection.granted) this.#fire("disconnect", device);
  }

  #grant(connection: Connection): void {
    connection.granted = true;
    if (connection.device.serialNumber) this.#remembered.add(keyOf(connection.device));
  }

  #fire(type: "connect" | "disconnect", device: FakeUsbDevice): void {
    const event = new FakeConnectionEvent(type, device);
    this.dispatchEvent(event);
    (type === "connect" ? this.onconnect : this.ondisconnect)?.call(this, event);
  }
}

function keyOf({ vendorId, productId, serialNumber }: FakeUsbDevice): string {
  return `${vendorId}:${productId}:${serialNumber}`;
}

/** WebUSB "matches a device filter". */
function matches(device: FakeUsbDevice, filter: USBDeviceFilter): boolean {
  const { vendorId, productId, serialNumber, classCode, subclassCode, protocolCode } = filter;
  if (vendorId !== undefined && vendorId !== device.vendorId) return false;
  if (productId !== undefined && productId !== device.productId) return false;
  if (serialNumber !== undefined && serialNumber !== device.serialNumber) return false;
  if (classCode === undefined) return true;
  const isClass = (a: number, b: number, c: number) =>
    a === classCode &&
    (subclassCode === undefined || b === subclassCode) &&
    (protocolCode === undefined || c === protocolCode);
  return (
    isClass(device.deviceClass, device.deviceSubclass, device.deviceProtocol) ||
    device.configurations.some((configuration) =>
      configuration.interfaces.some((each) =>
        each.alternates.some((alternate) =>
          isClass(alternate.interfaceClass, alternate.interfaceSubclass, alternate.interfaceProtocol),
        ),
      ),
    )
  );
}
