/** The state of a fake USBDevice, and what Blink checks of it before it passes a call on, in Blink's order and words. */
import type { FakeConfiguration, FakeEndpoint, FakeInterface } from "./usb-configuration.ts";

/** Standard requests that a page may send, all IN: GET_STATUS, GET_DESCRIPTOR, GET_CONFIGURATION, GET_INTERFACE, SYNCH_FRAME. */
const STANDARD_ALLOWED = [0, 6, 8, 10, 12];

export const DEVICE_CHANGING = "An operation that changes the device state is in progress.";
const INTERFACE_CHANGING = "An operation that changes interface state is in progress.";
const INTERFACE_UNKNOWN = "The interface number provided is not supported by the device in its current configuration.";

export class FakeDeviceState {
  configuration: FakeConfiguration | null;
  opened = false;
  /** open, close, selectConfiguration: what Blink calls a change of the device. */
  isDeviceChanging = false;
  /** Any state change at all. */
  isChanging = false;
  isGone = false;
  readonly #unrestricted: boolean;

  constructor(configuration: FakeConfiguration | null, unrestricted: boolean) {
    this.configuration = configuration;
    this.#unrestricted = unrestricted;
  }

  ensureHere(): void {
    if (this.isGone) throw disconnected();
  }

  ensureNoDeviceChange(): void {
    this.ensureHere();
    if (this.isDeviceChanging) throw new DOMException(DEVICE_CHANGING, "InvalidStateError");
  }

  ensureNoChange(): void {
    this.ensureNoDeviceChange();
    if (this.configuration?.interfaces.some((each) => each.isChanging)) {
      throw new DOMException(INTERFACE_CHANGING, "InvalidStateError");
    }
  }

  ensureUnchanging(): void {
    this.ensureNoChange();
    if (this.isChanging) throw new DOMException(DEVICE_CHANGING, "InvalidStateError");
  }

  ensureOpened(): void {
    if (!this.opened) throw new DOMException("The device must be opened first.", "InvalidStateError");
  }

  ensureConfigured(): FakeConfiguration {
    this.ensureNoDeviceChange();
    this.ensureOpened();
    if (!this.configuration) {
      throw new DOMException("The device must have a configuration selected.", "InvalidStateError");
    }
    return this.configuration;
  }

  interface(interfaceNumber: number): FakeInterface {
    const configuration = this.ensureConfigured();
    const target = configuration.interfaces.find((each) => each.interfaceNumber === interfaceNumber);
    if (!target) throw new DOMException(INTERFACE_UNKNOWN, "NotFoundError");
    if (target.isChanging) throw new DOMException(INTERFACE_CHANGING, "InvalidStateError");
    return target;
  }

  claimedInterface(interfaceNumber: number): FakeInterface {
    const target = this.interface(interfaceNumber);
    if (!target.claimed) {
      throw new DOMException("The specified interface has not been claimed.", "InvalidStateError");
    }
    return target;
  }

  endpoint(direction: USBDirection, endpointNumber: number): FakeEndpoint {
    const { interfaces } = this.ensureConfigured();
    if (endpointNumber === 0 || endpointNumber >= 16) {
      throw new DOMException("The specified endpoint number is out of range.", "IndexSizeError");
    }
    const endpoint = interfaces
      .filter((each) => each.isAvailable)
      .flatMap((each) => each.alternate.endpoints)
      .find((each) => each.direction === direction && each.endpointNumber === endpointNumber);
    if (!endpoint) {
      throw new DOMException(
        "The specified endpoint is not part of a claimed and selected alternate interface.",
        "NotFoundError",
      );
    }
    return endpoint;
  }

  ensureControl({ recipient, index }: USBControlTransferParameters): void {
    this.ensureNoChange();
    this.ensureOpened();
    if (recipient === "interface") this.claimedInterface(index & 0xff);
    if (recipient === "endpoint") this.endpoint(index & 0x80 ? "in" : "out", index & 0x0f);
  }

  /** What the browser's device service lets a page send. */
  isAllowed({ requestType, recipient, request, index }: USBControlTransferParameters, isIn: boolean): boolean {
    if (requestType === "standard" && !(isIn && STANDARD_ALLOWED.includes(request))) return false;
    if (!this.configuration) return false; // also reading a descriptor
    if (this.#unrestricted) return true;
    const interfaces = this.configuration?.interfaces ?? [];
    if (recipient === "interface")
      return !interfaces.find((each) => each.interfaceNumber === (index & 0xff))?.isProtected;
    // A class request to the whole device may mean any interface, whatever wIndex says.
    const isWide = requestType === "class" && recipient !== "endpoint";
    return !(isWide && interfaces.some((each) => each.isProtected));
  }
}

export function disconnected(): DOMException {
  return new DOMException("The device was disconnected.", "NotFoundError");
}
