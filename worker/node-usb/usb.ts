/**
 * npm `usb` as navigator.usb: one object for a device as long as it is plugged in, and events. The package's own events end
 * the process where there is no USB bus; so the list is read again and again, while anybody listens. A device that is plugged
 * in again has another handle: however quick that was, it is two events and a new object.
 */
import { PlugError, reasonOf } from "../plug-error.ts";
import { NodeUsbDevice } from "./device.ts";
import type { NativeDevice, NativeUsb } from "./native.ts";

/** ms between two looks at the list. */
const PERIOD = 500;
const CLASS_HUB = 9;

class NodeConnectionEvent extends Event implements USBConnectionEvent {
  readonly device: USBDevice;
  constructor(type: "connect" | "disconnect", device: USBDevice) {
    super(type);
    this.device = device;
  }
}

export class NodeUsb extends EventTarget implements USB {
  onconnect: USB["onconnect"] = null;
  ondisconnect: USB["ondisconnect"] = null;
  readonly #native: NativeUsb;
  readonly #period: number;
  /** By handle. */
  readonly #devices = new Map<string, NodeUsbDevice>();
  /** Handles of devices that are gone, and that the system still lists. */
  #leaving = new Set<string>();
  /** The list has been read. */
  #isKnown = false;
  #reading: Promise<void> | undefined;
  /** By type. */
  readonly #listeners: Record<string, Set<unknown>> = { connect: new Set(), disconnect: new Set() };
  #isWatching = false;

  constructor(native: NativeUsb, period = PERIOD) {
    super();
    this.#native = native;
    this.#period = period;
  }

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
    this.#listeners[type]?.add(listener);
    if (this.#isWatching) return;
    this.#isWatching = true;
    void this.#watch();
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
    this.#listeners[type]?.delete(listener);
  }

  /** All devices of the computer but hubs. Rejects with a PlugError. */
  async getDevices(): Promise<NodeUsbDevice[]> {
    await this.#read();
    return [...this.#devices.values()];
  }

  async requestDevice(): Promise<USBDevice> {
    throw new DOMException("There is nobody here to choose a device; getDevices() has them all.", "NotSupportedError");
  }

  async #watch(): Promise<void> {
    await this.#read().catch(() => undefined);
    this.#isWatching = Object.values(this.#listeners).some(({ size }) => size > 0);
    if (!this.#isWatching) return;
    // A process that has nothing else to do may end.
    const timer: unknown = setTimeout(() => void this.#watch(), this.#period);
    (timer as { unref?(): void }).unref?.();
  }

  #read(): Promise<void> {
    this.#reading ??= this.#update().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #update(): Promise<void> {
    let list: NativeDevice[];
    try {
      list = await this.#native.getDevices();
    } catch (error) {
      throw new PlugError("AccessError", `This computer's USB devices cannot be listed (${reasonOf(error)}).`, {
        cause: error,
      });
    }
    const present = new Map(list.map((native) => [native.handle, native]));
    for (const [handle, device] of this.#devices) if (!present.has(handle)) device.gone();
    this.#leaving = new Set([...this.#leaving].filter((handle) => present.has(handle)));
    for (const [handle, native] of present) {
      if (this.#devices.has(handle) || this.#leaving.has(handle) || native.deviceClass === CLASS_HUB) continue;
      const device: NodeUsbDevice = new NodeUsbDevice(native, () => this.#left(handle, device));
      this.#devices.set(handle, device);
      if (this.#isKnown) this.#fire("connect", device);
    }
    this.#isKnown = true;
  }

  #left(handle: string, device: NodeUsbDevice): void {
    this.#devices.delete(handle);
    this.#leaving.add(handle);
    this.#fire("disconnect", device);
  }

  #fire(type: "connect" | "disconnect", device: NodeUsbDevice): void {
    const event = new NodeConnectionEvent(type, device);
    this.dispatchEvent(event);
    (type === "connect" ? this.onconnect : this.ondisconnect)?.call(this, event);
  }
}
