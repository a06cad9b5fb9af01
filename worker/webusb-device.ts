/**
 * An opened WebUSB device behind the seam of device.ts.
 *
 * Two views are kept apart. The *browser's*: which configuration is active, what is claimed, which alternates are selected;
 * a browser never unconfigures a device. And the *guest's*: after a port reset its device has no configuration and alternate
 * settings 0, and the next SET_CONFIGURATION brings the two together. browser-device.ts has the browser's.
 */
import { STATUS_INVALID, STATUS_OK, STATUS_STALL, TYPE_CONTROL, TYPE_ISOCHRONOUS } from "../asm/layout.ts";
import { BrowserDevice } from "./browser-device.ts";
import { type ControlHandler, ControlPipe, type ControlResult } from "./control-pipe.ts";
import { type ControlDecision, decide, type Setup } from "./control-requests.ts";
import { createEndpointQueue } from "./create-endpoint-queue.ts";
import type { Device, DeviceHost, DeviceIdentity } from "./device.ts";
import type { EndpointQueue } from "./endpoint-queue.ts";
import { Failures } from "./failures.ts";
import { type EndpointDevice, FlightCount } from "./flight.ts";
import type { ActiveDescriptors } from "./protocol.ts";
import { type ConfigurationInfo, interfacesOf } from "./raw-descriptors.ts";
import type { Request } from "./request.ts";
import { RESULT_STATUS } from "./transfer-status.ts";
import type { UsbManners } from "./usb-manners.ts";
import { notOpenedAgain } from "./webusb-words.ts";

/** What devices of one navigator.usb share. */
export interface UsbContext {
  readonly flights: FlightCount;
  readonly manners: UsbManners;
}

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

export class WebUsbDevice implements Device {
  readonly speed: number;
  readonly identity: DeviceIdentity;
  readonly #usb: USBDevice;
  readonly #browser: BrowserDevice;
  readonly #description: WebUsbDescription;
  readonly #gone: (reason: string) => void;
  readonly #released: () => void;
  readonly #flights: FlightCount;
  readonly #failures: Failures;
  readonly #manners: UsbManners;
  readonly #endpointDevice: EndpointDevice;
  readonly #control: ControlPipe;
  readonly #endpoints = new Map<number, Endpoint>();
  /** bConfigurationValue as the guest sees it; 0 is none. */
  #configuration = 0;
  /** The guest has done something since the last reset that a reset would undo. */
  #touched = false;

  constructor(
    usb: USBDevice,
    host: DeviceHost,
    { flights: all, manners }: UsbContext,
    released: () => void,
    description: WebUsbDescription,
  ) {
    this.#usb = usb;
    this.#description = description;
    this.#gone = (reason) => host.gone(reason);
    this.#released = released;
    this.#flights = new FlightCount(all);
    this.#manners = manners;
    this.speed = description.speed;
    this.identity = description.identity;
    const browser = new BrowserDevice(usb, usb.productName || "the device", description.claimed, manners, this.#gone);
    this.#browser = browser;
    this.#failures = new Failures(usb, manners, () => host.gone("The device was pulled out."));
    this.#endpointDevice = {
      transferIn: (endpoint, length) => browser.transfer(() => usb.transferIn(endpoint, length)),
      transferOut: (endpoint, data) => browser.transfer(() => usb.transferOut(endpoint, data)),
      isochronousTransferIn: (endpoint, lengths) =>
        browser.transfer(() => usb.isochronousTransferIn(endpoint, lengths)),
      isochronousTransferOut: (endpoint, data, lengths) =>
        browser.transfer(() => usb.isochronousTransferOut(endpoint, data, lengths)),
      statusOf: (error, endpoint) => this.#failures.statusOf(error, endpoint),
      manners,
      flights: this.#flights,
    };
    const handler: ControlHandler = {
      perform: (setup, data) => this.#perform(decide(setup), setup, data),
      statusOf: (error) => this.#failures.statusOf(error, 0),
      unblock: () => void this.#unblock(),
    };
    this.#control = new ControlPipe(handler, this.#flights);
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
    return this.#browser.inTurn(async () => {
      const halted = [...this.#endpoints].filter(([, { queue }]) => queue?.halted).map(([address]) => address);
      this.#dropEndpoints();
      const isReset = await this.#browser.reset(this.#active ? interfacesOf(this.#active) : []);
      this.#control.restart();
      this.#buildEndpoints();
      if (!isReset) await this.#clearHalts(halted);
      this.#touched = false;
    });
  }

  async close(): Promise<void> {
    this.#dropEndpoints();
    this.#control.restart();
    this.#failures.close();
    try {
      await this.#browser.close();
    } finally {
      this.#flights.leave();
      this.#released();
    }
  }

  /** Endpoint 0 is held up. A port reset, or the device's own answer, may free it before this gets its turn. */
  async #unblock(): Promise<void> {
    try {
      await this.#browser.inTurn(async () => {
        if (!this.#control.isHeldUp) return;
        if (!(await this.#browser.renew())) this.#buildEndpoints();
        if (this.#control.isHeldUp) this.#control.restart();
      });
    } catch (error) {
      this.#gone(notOpenedAgain(this.#usb.productName || "the device", error));
    }
  }

  /** The endpoint, if the guest has configured the device. */
  #endpoint(address: number): Endpoint | undefined {
    return this.#configuration === 0 ? undefined : this.#endpoints.get(address);
  }

  get #active(): ConfigurationInfo | undefined {
    return this.#description.configurations.find(({ value }) => value === this.#browser.configuration);
  }

  configured(): ActiveDescriptors | undefined {
    const active = this.#configuration === 0 ? undefined : this.#active;
    if (!active) return undefined;
    const alternates = interfacesOf(active).map((number): [number, number] => [
      number,
      this.#browser.alternateOf(number),
    ]);
    return { descriptors: active.bytes, alternates: alternates.filter(([, alternate]) => alternate !== 0) };
  }

  async #perform(decision: ControlDecision, setup: Setup, data: Uint8Array<ArrayBuffer>): Promise<ControlResult> {
    switch (decision.kind) {
      case "accept":
        return ACCEPT;
      case "stall":
        return STALL;
      case "not-halted":
        return { status: STATUS_OK, data: new Uint8Array(2) };
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
        return { status: STATUS_OK, data: Uint8Array.of(this.#browser.alternateOf(decision.interfaceNumber)) };
      }
      case "set-configuration":
        return this.#browser.inTurn(() => this.#setConfiguration(decision.value));
      case "set-interface":
        return this.#browser.inTurn(() => this.#setInterface(decision.interfaceNumber, decision.alternate));
      case "clear-halt":
        return this.#browser.inTurn(() => this.#clearHalt(decision.endpoint));
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
    if (recipient === "interface" && !this.#browser.claimed.has(wIndex & 0xff)) return STALL;
    if (recipient === "endpoint" && !this.#endpoints.has(wIndex & 0x8f)) return STALL;
    if (requestType !== "standard") this.#touched = true;
    const setup = { requestType, recipient, request: bRequest, value: wValue, index: wIndex };
    if (bmRequestType & 0x80) {
      const result = await this.#browser.transfer(() => this.#usb.controlTransferIn(setup, wLength));
      const view = result.data;
      const status = this.#statusOf(result);
      return view ? { status, data: new Uint8Array(view.buffer, view.byteOffset, view.byteLength) } : { status };
    }
    const result = await this.#browser.transfer(() =>
      data.length > 0 ? this.#usb.controlTransferOut(setup, data) : this.#usb.controlTransferOut(setup),
    );
    return { status: this.#statusOf(result) };
  }

  #statusOf({ status }: USBInTransferResult | USBOutTransferResult): number {
    if (status === "stall") this.#manners.stallSaid();
    return RESULT_STATUS[status];
  }

  /** SetConfiguration (USB 2.0 §9.4.7), WebUSB selectConfiguration() and claimInterface(). */
  async #setConfiguration(value: number): Promise<ControlResult> {
    for (const { queue } of this.#endpoints.values()) queue?.cancelAll();
    if (value === 0) {
      this.#configuration = 0; // the browser keeps it configured
      return ACCEPT;
    }
    if (!this.#description.configurations.some((configuration) => configuration.value === value)) return STALL;
    if (this.#browser.configuration === value) {
      // The browser would send nothing; halts and alternates must go all the same.
      await this.#browser.selectFirstAlternates((interfaceNumber) => this.#renewEndpoints(interfaceNumber));
      await this.#quiet();
      this.#configuration = value;
      return ACCEPT;
    }
    this.#touched = true;
    this.#configuration = 0;
    this.#dropEndpoints();
    const isSelected = await this.#browser.selectConfiguration(value);
    await this.#browser.claim(this.#active ? interfacesOf(this.#active) : []);
    this.#buildEndpoints();
    if (!isSelected) return STALL;
    this.#configuration = value;
    return ACCEPT;
  }

  /** SetInterface (USB 2.0 §9.4.10), WebUSB selectAlternateInterface(). */
  async #setInterface(interfaceNumber: number, alternate: number): Promise<ControlResult> {
    const exists = this.#active?.alternates.some(
      (each) => each.interfaceNumber === interfaceNumber && each.alternate === alternate,
    );
    if (this.#configuration === 0 || !exists || !this.#browser.claimed.has(interfaceNumber)) return STALL;
    this.#touched = true;
    const before = this.#browser.alternateOf(interfaceNumber);
    this.#dropEndpoints(interfaceNumber);
    try {
      await this.#browser.selectAlternate(interfaceNumber, alternate);
    } catch (error) {
      // Chromium takes the endpoints away even when it fails.
      await this.#browser.selectAlternate(interfaceNumber, before).catch(() => undefined);
      throw error;
    } finally {
      this.#renewEndpoints(interfaceNumber);
    }
    return ACCEPT;
  }

  /** ClearFeature(ENDPOINT_HALT) (USB 2.0 §9.4.5), WebUSB clearHalt(). */
  async #clearHalt(address: number): Promise<ControlResult> {
    if ((address & 0x0f) === 0) return ACCEPT;
    const endpoint = this.#endpoint(address);
    if (!endpoint) return STALL;
    this.#touched = true;
    await this.#browser.clearHalt(address);
    endpoint.queue?.forget();
    return ACCEPT;
  }

  /** Endpoints as after a configuration, where the browser does not do it: no halts, nothing left over. */
  async #quiet(): Promise<void> {
    await this.#clearHalts([...this.#endpoints].filter(([, { queue }]) => queue?.halted).map(([address]) => address));
    for (const { queue } of this.#endpoints.values()) queue?.forget();
  }

  async #clearHalts(addresses: readonly number[]): Promise<void> {
    for (const address of addresses) {
      if (this.#endpoints.has(address)) await this.#browser.clearHalt(address).catch(() => undefined);
    }
  }

  #buildEndpoints(): void {
    this.#dropEndpoints();
    for (const interfaceNumber of this.#browser.claimed) this.#addEndpoints(interfaceNumber);
  }

  #renewEndpoints(interfaceNumber: number): void {
    this.#dropEndpoints(interfaceNumber);
    this.#addEndpoints(interfaceNumber);
  }

  #addEndpoints(interfaceNumber: number): void {
    const selected = this.#browser.alternateOf(interfaceNumber);
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

  /** Those of one interface, or all. */
  #dropEndpoints(interfaceNumber?: number): void {
    for (const [address, endpoint] of [...this.#endpoints]) {
      if (interfaceNumber !== undefined && endpoint.interfaceNumber !== interfaceNumber) continue;
      endpoint.queue?.discard();
      this.#endpoints.delete(address);
    }
  }
}
