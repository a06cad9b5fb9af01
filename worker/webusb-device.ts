/**
 * An opened WebUSB device behind the seam of device.ts.
 *
 * Two views are kept apart. The *browser's*: which configuration is active, what is claimed, which alternates are selected;
 * a browser never unconfigures a device. And the *guest's*: after a port reset its device has no configuration and alternate
 * settings 0, and the next SET_CONFIGURATION brings the two together. State changes go to the browser one at a time.
 */
import { STATUS_INVALID, STATUS_OK, STATUS_STALL, TYPE_CONTROL, TYPE_ISOCHRONOUS } from "../asm/layout.ts";
import { ControlPipe, type ControlResult } from "./control-pipe.ts";
import { type ControlDecision, decide, type Setup } from "./control-requests.ts";
import { createEndpointQueue } from "./create-endpoint-queue.ts";
import type { Device, DeviceHost, DeviceIdentity } from "./device.ts";
import type { EndpointQueue } from "./endpoint-queue.ts";
import type { EndpointDevice } from "./flight.ts";
import { type ConfigurationInfo, interfacesOf } from "./raw-descriptors.ts";
import type { Request } from "./request.ts";
import { isDisconnected, RESULT_STATUS, rejectionStatus } from "./transfer-status.ts";

export interface WebUsbDescription {
  readonly speed: number;
  readonly identity: DeviceIdentity;
  /** As presented to the guest. */
  readonly deviceDescriptor: Uint8Array;
  /** With their bytes as presented to the guest. */
  readonly configurations: readonly ConfigurationInfo[];
  /** The interfaces of the active configuration that are claimed. */
  readonly claimed: ReadonlySet<number>;
}

/** An endpoint of a claimed interface's selected alternate. */
interface Endpoint {
  readonly interfaceNumber: number;
  readonly isIsochronous: boolean;
  /** Undefined where the browser does not agree with the descriptors on the endpoint's type. */
  readonly queue: EndpointQueue | undefined;
}

const STALL: ControlResult = { status: STATUS_STALL };
const ACCEPT: ControlResult = { status: STATUS_OK };

/** WinUSB reports a stall as any other error. */
const isWindows = /Windows/.test(globalThis.navigator?.userAgent ?? "");

export class WebUsbDevice implements Device {
  readonly speed: number;
  readonly identity: DeviceIdentity;
  readonly #usb: USBDevice;
  readonly #description: WebUsbDescription;
  readonly #released: () => void;
  readonly #endpointDevice: EndpointDevice;
  readonly #control: ControlPipe;
  readonly #claimed: Set<number>;
  /** The alternate selected for each interface, where it is not 0. */
  readonly #alternates = new Map<number, number>();
  readonly #endpoints = new Map<number, Endpoint>();
  /** bConfigurationValue as the guest sees it; 0 is none. */
  #configuration = 0;
  /** The guest has done something since the last reset that a reset would undo. */
  #touched = false;
  #changes: Promise<unknown> = Promise.resolve();

  constructor(
    usb: USBDevice,
    host: DeviceHost,
    orphans: { open: number },
    released: () => void,
    description: WebUsbDescription,
  ) {
    this.#usb = usb;
    this.#description = description;
    this.#released = released;
    this.speed = description.speed;
    this.identity = description.identity;
    this.#claimed = new Set(description.claimed);
    this.#endpointDevice = {
      transferIn: (endpoint, length) => usb.transferIn(endpoint, length),
      transferOut: (endpoint, data) => usb.transferOut(endpoint, data),
      isochronousTransferIn: (endpoint, lengths) => usb.isochronousTransferIn(endpoint, lengths),
      isochronousTransferOut: (endpoint, data, lengths) => usb.isochronousTransferOut(endpoint, data, lengths),
      rejected: (error) => {
        if (isDisconnected(error)) host.gone("The device was pulled out.");
        return rejectionStatus(error, isWindows);
      },
      orphans,
    };
    this.#control = new ControlPipe((setup, data) => this.#serve(setup, data), orphans);
    this.#buildEndpoints();
  }

  submit(request: Request): void {
    if (request.type === TYPE_CONTROL) {
      this.#control.submit(request);
      return;
    }
    const endpoint = this.#endpoint(request.endpoint);
    if (!endpoint?.queue || endpoint.isIsochronous !== (request.type === TYPE_ISOCHRONOUS)) {
      request.complete(STATUS_INVALID, 0);
      return;
    }
    this.#touched = true;
    endpoint.queue.submit(request);
  }

  cancel(request: Request): void {
    if (request.type === TYPE_CONTROL) {
      this.#touched = true; // it may hang in the device
      this.#control.cancel(request);
    } else {
      this.#endpoints.get(request.endpoint)?.queue?.cancel(request);
    }
  }

  /**
   * The guest resets a device once or more whenever it enumerates it. A device to which nothing was done is left alone,
   * because a real reset may well change what the browser sees and drop it.
   */
  reset(): Promise<void> | void {
    this.#configuration = 0;
    if (!this.#touched) return undefined;
    return this.#change(async () => {
      let isReset = true;
      try {
        await this.#usb.reset();
      } catch (error) {
        if (isDisconnected(error)) throw error;
        isReset = false; // Windows never can
      }
      this.#control.restart();
      await this.#selectFirstAlternates();
      if (isReset) this.#buildEndpoints();
      else await this.#quiet();
      this.#touched = false;
    });
  }

  async close(): Promise<void> {
    for (const { queue } of this.#endpoints.values()) queue?.discard();
    this.#endpoints.clear();
    try {
      await this.#change(() => this.#usb.close());
    } finally {
      this.#released();
    }
  }

  /** The endpoint, if the guest has configured the device. */
  #endpoint(address: number): Endpoint | undefined {
    return this.#configuration === 0 ? undefined : this.#endpoints.get(address);
  }

  get #active(): ConfigurationInfo | undefined {
    const value = this.#usb.configuration?.configurationValue;
    return this.#description.configurations.find((configuration) => configuration.value === value);
  }

  async #serve(setup: Setup, data: Uint8Array<ArrayBuffer>): Promise<ControlResult> {
    try {
      return await this.#perform(decide(setup), setup, data);
    } catch (error) {
      return { status: this.#endpointDevice.rejected(error) };
    }
  }

  async #perform(decision: ControlDecision, setup: Setup, data: Uint8Array<ArrayBuffer>): Promise<ControlResult> {
    switch (decision.kind) {
      case "accept":
        return ACCEPT;
      case "stall":
        return STALL;
      case "device-descriptor":
        return { status: STATUS_OK, data: this.#description.deviceDescriptor };
      case "configuration-descriptor": {
        const bytes = this.#description.configurations[decision.index]?.bytes;
        return bytes ? { status: STATUS_OK, data: bytes } : STALL;
      }
      case "get-configuration":
        return { status: STATUS_OK, data: Uint8Array.of(this.#configuration) };
      case "get-interface": {
        const exists = this.#configuration !== 0 && this.#active;
        if (!exists || !interfacesOf(exists).includes(decision.interfaceNumber)) return STALL;
        return { status: STATUS_OK, data: Uint8Array.of(this.#alternates.get(decision.interfaceNumber) ?? 0) };
      }
      case "set-configuration":
        return this.#change(() => this.#setConfiguration(decision.value));
      case "set-interface":
        return this.#change(() => this.#setInterface(decision.interfaceNumber, decision.alternate));
      case "clear-halt":
        return this.#change(() => this.#clearHalt(decision.endpoint));
      case "pass":
        return this.#pass(decision.requestType, decision.recipient, setup, data);
      default:
        return decision satisfies never;
    }
  }

  async #pass(
    requestType: USBRequestType,
    recipient: USBRecipient,
    { bmRequestType, bRequest, wValue, wIndex, wLength }: Setup,
    data: Uint8Array<ArrayBuffer>,
  ): Promise<ControlResult> {
    if (recipient === "interface" && !this.#claimed.has(wIndex & 0xff)) return STALL;
    if (recipient === "endpoint" && !this.#endpoints.has(wIndex & 0x8f)) return STALL;
    if (requestType !== "standard") this.#touched = true;
    const setup = { requestType, recipient, request: bRequest, value: wValue, index: wIndex };
    if (bmRequestType & 0x80) {
      const result = await this.#usb.controlTransferIn(setup, wLength);
      const view = result.data;
      const status = RESULT_STATUS[result.status];
      return view ? { status, data: new Uint8Array(view.buffer, view.byteOffset, view.byteLength) } : { status };
    }
    const result = await (data.length > 0
      ? this.#usb.controlTransferOut(setup, data)
      : this.#usb.controlTransferOut(setup));
    return { status: RESULT_STATUS[result.status] };
  }

  /** SetConfiguration (USB 2.0 §9.4.7), WebUSB selectConfiguration() and claimInterface(). */
  async #setConfiguration(value: number): Promise<ControlResult> {
    for (const { queue } of this.#endpoints.values()) queue?.cancelAll();
    if (value === 0) {
      this.#configuration = 0; // the browser keeps it configured
      return ACCEPT;
    }
    if (!this.#description.configurations.some((configuration) => configuration.value === value)) return STALL;
    if (this.#active?.value === value) {
      // The browser would send nothing; halts and alternates must go all the same.
      await this.#selectFirstAlternates();
      await this.#quiet();
      this.#configuration = value;
      return ACCEPT;
    }
    this.#touched = true;
    this.#configuration = 0;
    const isSelected = await this.#selectConfiguration(value);
    await this.#claimInterfaces();
    this.#buildEndpoints();
    if (!isSelected) return STALL;
    this.#configuration = value;
    return ACCEPT;
  }

  /** False when the browser cannot, as on Windows. */
  async #selectConfiguration(value: number): Promise<boolean> {
    this.#alternates.clear();
    try {
      for (const number of this.#claimed) await this.#usb.releaseInterface(number);
    } catch (error) {
      if (isDisconnected(error)) throw error;
      // After a reset Chromium cannot release what it says is claimed; closing releases everything.
      await this.#usb.close();
      await this.#usb.open();
    }
    this.#claimed.clear();
    try {
      await this.#usb.selectConfiguration(value);
      return true;
    } catch (error) {
      if (isDisconnected(error)) throw error;
      return false;
    }
  }

  /** Claims what can be claimed of the active configuration; the rest is out of the guest's reach. */
  async #claimInterfaces(): Promise<void> {
    for (const number of this.#active ? interfacesOf(this.#active) : []) {
      try {
        await this.#usb.claimInterface(number);
        this.#claimed.add(number);
      } catch (error) {
        if (isDisconnected(error)) throw error;
      }
    }
  }

  /** SetInterface (USB 2.0 §9.4.10), WebUSB selectAlternateInterface(). */
  async #setInterface(interfaceNumber: number, alternate: number): Promise<ControlResult> {
    const exists = this.#active?.alternates.some(
      (each) => each.interfaceNumber === interfaceNumber && each.alternate === alternate,
    );
    if (this.#configuration === 0 || !exists || !this.#claimed.has(interfaceNumber)) return STALL;
    this.#touched = true;
    const before = this.#alternates.get(interfaceNumber) ?? 0;
    try {
      await this.#selectAlternate(interfaceNumber, alternate);
    } catch (error) {
      // Chromium takes the endpoints away even when it fails.
      await this.#selectAlternate(interfaceNumber, before).catch(() => undefined);
      throw error;
    }
    return ACCEPT;
  }

  async #selectAlternate(interfaceNumber: number, alternate: number): Promise<void> {
    this.#dropEndpoints(interfaceNumber);
    await this.#usb.selectAlternateInterface(interfaceNumber, alternate);
    if (alternate === 0) this.#alternates.delete(interfaceNumber);
    else this.#alternates.set(interfaceNumber, alternate);
    this.#addEndpoints(interfaceNumber);
  }

  async #selectFirstAlternates(): Promise<void> {
    for (const interfaceNumber of [...this.#alternates.keys()]) {
      try {
        await this.#selectAlternate(interfaceNumber, 0);
      } catch (error) {
        if (isDisconnected(error)) throw error;
      }
    }
  }

  /** ClearFeature(ENDPOINT_HALT) (USB 2.0 §9.4.5), WebUSB clearHalt(). */
  async #clearHalt(address: number): Promise<ControlResult> {
    if ((address & 0x0f) === 0) return ACCEPT;
    const endpoint = this.#endpoint(address);
    if (!endpoint) return STALL;
    this.#touched = true;
    await this.#usb.clearHalt(address & 0x80 ? "in" : "out", address & 0x0f);
    endpoint.queue?.forget();
    return ACCEPT;
  }

  /** Endpoints as after a configuration, where the browser does not do it: no halts, nothing left over. */
  async #quiet(): Promise<void> {
    for (const [address, { queue }] of this.#endpoints) {
      if (queue?.halted) {
        await this.#usb.clearHalt(address & 0x80 ? "in" : "out", address & 0x0f).catch(() => undefined);
      }
      queue?.forget();
    }
  }

  #buildEndpoints(): void {
    for (const { queue } of this.#endpoints.values()) queue?.discard();
    this.#endpoints.clear();
    for (const interfaceNumber of this.#claimed) this.#addEndpoints(interfaceNumber);
  }

  #addEndpoints(interfaceNumber: number): void {
    const selected = this.#alternates.get(interfaceNumber) ?? 0;
    const alternate = this.#active?.alternates.find(
      (each) => each.interfaceNumber === interfaceNumber && each.alternate === selected,
    );
    for (const endpoint of alternate?.endpoints ?? []) {
      const isIsochronous = endpoint.type === TYPE_ISOCHRONOUS;
      const queue =
        isIsochronous === this.#isIsochronous(interfaceNumber, selected, endpoint.address)
          ? createEndpointQueue(this.#endpointDevice, endpoint)
          : undefined;
      this.#endpoints.set(endpoint.address, { interfaceNumber, isIsochronous, queue });
    }
  }

  /** What the browser takes the endpoint for: an isochronous call on another one kills the whole of Chromium. */
  #isIsochronous(interfaceNumber: number, alternate: number, address: number): boolean {
    const direction = address & 0x80 ? "in" : "out";
    const endpoint = this.#usb.configuration?.interfaces
      .find((each) => each.interfaceNumber === interfaceNumber)
      ?.alternates.find((each) => each.alternateSetting === alternate)
      ?.endpoints.find((each) => each.endpointNumber === (address & 0x0f) && each.direction === direction);
    return endpoint?.type === "isochronous";
  }

  #dropEndpoints(interfaceNumber: number): void {
    for (const [address, endpoint] of [...this.#endpoints]) {
      if (endpoint.interfaceNumber !== interfaceNumber) continue;
      endpoint.queue?.discard();
      this.#endpoints.delete(address);
    }
  }

  /** Chromium refuses a state change while another is under way: they take turns. */
  #change<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(work);
    this.#changes = result.catch(() => undefined);
    return result;
  }
}
