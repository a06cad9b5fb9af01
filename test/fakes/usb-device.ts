/**
 * A fake USBDevice with the rules of Chromium 156 on Linux: what it refuses, in which words, and what becomes of transfers
 * when the state changes under them. It is a little stricter than the real one in one thing: any two state changes at once
 * are refused, also those that a page of Chromium would pay for with its renderer.
 */
import { bytesOf, ensureLength, requestTypeBits } from "./usb-arguments.ts";
import { FakeConfiguration, type FakeEndpoint, type FakeInterface } from "./usb-configuration.ts";
import type { FakeFunction } from "./usb-function.ts";
import { nextTask, transferError, Wire, type WireResult } from "./usb-wire.ts";

/** Standard requests that a page may send, all IN: GET_STATUS, GET_DESCRIPTOR, GET_CONFIGURATION, GET_INTERFACE, SYNCH_FRAME. */
const STANDARD_ALLOWED = [0, 6, 8, 10, 12];

const DEVICE_CHANGING = "An operation that changes the device state is in progress.";
const INTERFACE_CHANGING = "An operation that changes interface state is in progress.";
const INTERFACE_UNKNOWN = "The interface number provided is not supported by the device in its current configuration.";

export interface FakeDeviceOptions {
  /** Interfaces that a driver of the computer holds. */
  readonly busy?: readonly number[];
  /** Interfaces whose claim never ends, as on Windows before the driver is there. */
  readonly hanging?: readonly number[];
  /** The computer's user may not open it. */
  readonly forbidden?: boolean;
  /** What the computer has configured: the first configuration, unless said otherwise; 0 is none. */
  readonly configuration?: number;
  /** As on Windows: no selectConfiguration() and no reset(). */
  readonly windows?: boolean;
  /** No interface class is protected, as in an isolated app with usb-unrestricted. */
  readonly unrestricted?: boolean;
}

export class FakeUsbDevice implements USBDevice {
  readonly configurations: FakeConfiguration[];
  readonly manufacturerName: string | null;
  readonly productName: string | null;
  readonly serialNumber: string | null;
  readonly wire: Wire;
  readonly #descriptor: DataView;
  readonly #options: FakeDeviceOptions;
  #configuration: FakeConfiguration | null;
  #opened = false;
  /** open, close, selectConfiguration: what Blink calls a change of the device. */
  #isDeviceChanging = false;
  /** Any state change at all. */
  #isChanging = false;
  #isReset = false;
  #isGone = false;
  /** Calls whose promises are open. */
  readonly #calls = new Set<(error: DOMException) => void>();

  constructor(device: FakeFunction, options: FakeDeviceOptions = {}) {
    this.#options = options;
    this.#descriptor = new DataView(device.deviceDescriptor.slice().buffer);
    this.configurations = device.configurations.map((bytes) => new FakeConfiguration(bytes));
    this.manufacturerName = device.manufacturer ?? null;
    this.productName = device.product ?? null;
    this.serialNumber = device.serialNumber ?? null;
    const value = options.configuration ?? this.configurations[0]?.configurationValue ?? 0;
    this.#configuration = this.configurations.find((each) => each.configurationValue === value) ?? null;
    this.wire = new Wire(device, value);
  }

  get usbVersionMajor(): number {
    return this.#descriptor.getUint8(3);
  }
  get usbVersionMinor(): number {
    return this.#descriptor.getUint8(2) >> 4;
  }
  get usbVersionSubminor(): number {
    return this.#descriptor.getUint8(2) & 15;
  }
  get deviceClass(): number {
    return this.#descriptor.getUint8(4);
  }
  get deviceSubclass(): number {
    return this.#descriptor.getUint8(5);
  }
  get deviceProtocol(): number {
    return this.#descriptor.getUint8(6);
  }
  get vendorId(): number {
    return this.#descriptor.getUint16(8, true);
  }
  get productId(): number {
    return this.#descriptor.getUint16(10, true);
  }
  get deviceVersionMajor(): number {
    return this.#descriptor.getUint8(13);
  }
  get deviceVersionMinor(): number {
    return this.#descriptor.getUint8(12) >> 4;
  }
  get deviceVersionSubminor(): number {
    return this.#descriptor.getUint8(12) & 15;
  }
  get configuration(): FakeConfiguration | null {
    return this.#configuration;
  }
  get opened(): boolean {
    return this.#opened;
  }

  async open(): Promise<void> {
    this.#ensureUnchanging();
    if (this.#opened) return;
    await this.#changeDevice(() => {
      if (this.#options.forbidden) throw new DOMException("Access denied.", "SecurityError");
      this.#opened = true;
    });
  }

  async close(): Promise<void> {
    this.#ensureUnchanging();
    if (!this.#opened) return;
    await this.#changeDevice(() => {
      for (const transfer of this.wire.takeAll()) {
        transfer.reject(new DOMException("The transfer was cancelled.", "AbortError"));
      }
      this.#opened = false;
      this.#isReset = false;
      for (const each of this.#configuration?.interfaces ?? []) each.forgetState();
    });
  }

  async forget(): Promise<void> {
    await nextTask();
  }

  async selectConfiguration(configurationValue: number): Promise<void> {
    this.#ensureUnchanging();
    this.#ensureOpened();
    const configuration = this.configurations.find((each) => each.configurationValue === configurationValue);
    if (!configuration) {
      throw new DOMException("The configuration value provided is not supported by the device.", "NotFoundError");
    }
    if (configuration === this.#configuration) return;
    await this.#changeDevice(() => {
      if (this.#options.windows || this.#configuration?.interfaces.some((each) => each.claimed)) {
        throw new DOMException("Unable to set device configuration.", "NetworkError");
      }
      for (const each of configuration.interfaces) each.forgetState();
      this.#configuration = configuration;
      this.wire.setConfiguration(configurationValue);
    });
  }

  async claimInterface(interfaceNumber: number): Promise<void> {
    const target = this.#interface(interfaceNumber);
    if (target.claimed) return;
    if (this.#options.hanging?.includes(interfaceNumber)) {
      target.isChanging = true;
      await this.#call(new Promise<never>(() => undefined));
    }
    await this.#changeInterface(target, () => {
      if (target.isProtected && !this.#options.unrestricted) {
        throw new DOMException("The requested interface implements a protected class.", "SecurityError");
      }
      if (this.#options.busy?.includes(interfaceNumber)) {
        throw new DOMException("Unable to claim interface.", "NetworkError");
      }
      target.claimed = true;
      target.isAvailable = true;
    });
  }

  async releaseInterface(interfaceNumber: number): Promise<void> {
    const target = this.#interface(interfaceNumber);
    if (!target.claimed) return;
    target.isAvailable = false;
    await this.#changeInterface(target, () => {
      if (this.#isReset) {
        target.isAvailable = true;
        throw new DOMException("Unable to release interface.", "NetworkError");
      }
      this.#abortSoon(target);
      target.forgetState();
    });
  }

  async selectAlternateInterface(interfaceNumber: number, alternateSetting: number): Promise<void> {
    const target = this.#claimedInterface(interfaceNumber);
    const index = target.alternates.findIndex((each) => each.alternateSetting === alternateSetting);
    if (index < 0) {
      throw new DOMException(
        "The alternate setting provided is not supported by the device in its current configuration.",
        "NotFoundError",
      );
    }
    target.isAvailable = false;
    await this.#changeInterface(target, () => {
      this.#abortSoon(target);
      target.selected = index;
      target.isAvailable = true;
      this.wire.setInterface(interfaceNumber, alternateSetting, addressesOf(target));
    });
  }

  async controlTransferIn(setup: USBControlTransferParameters, length: number): Promise<USBInTransferResult> {
    this.#ensureControl(setup);
    const bmRequestType = 0x80 | requestTypeBits(setup);
    const { request, value, index } = setup;
    if (!this.#isAllowed(setup, true)) return this.#refused();
    const wLength = length & 0xffff;
    const result = await this.#call(
      this.wire.control({ bmRequestType, bRequest: request, wValue: value, wIndex: index, wLength }, new Uint8Array(0)),
    );
    return inResult(result);
  }

  async controlTransferOut(setup: USBControlTransferParameters, data?: BufferSource): Promise<USBOutTransferResult> {
    const bytes = data === undefined ? new Uint8Array(0) : bytesOf(data);
    this.#ensureControl(setup);
    ensureLength(bytes.length);
    const bmRequestType = requestTypeBits(setup);
    const { request, value, index } = setup;
    if (!this.#isAllowed(setup, false)) return this.#refused();
    const result = await this.#call(
      this.wire.control(
        { bmRequestType, bRequest: request, wValue: value, wIndex: index, wLength: bytes.length & 0xffff },
        bytes.slice(),
      ),
    );
    return { status: result.status, bytesWritten: bytes.length };
  }

  async clearHalt(direction: USBDirection, endpointNumber: number): Promise<void> {
    const { address } = this.#endpoint(direction, endpointNumber);
    await this.#call(nextTask());
    this.wire.clearHalt(address);
  }

  async transferIn(endpointNumber: number, length: number): Promise<USBInTransferResult> {
    ensureLength(length);
    const { address, packetSize, type } = this.#endpoint("in", endpointNumber);
    if (type === "isochronous") throw new TypeError("The fake does not do this to an isochronous endpoint.");
    return inResult(await this.#call(this.wire.transfer(address, packetSize, new Uint8Array(length))));
  }

  async transferOut(endpointNumber: number, data: BufferSource): Promise<USBOutTransferResult> {
    const bytes = bytesOf(data);
    const { address, packetSize, type } = this.#endpoint("out", endpointNumber);
    ensureLength(bytes.length);
    if (type === "isochronous") throw new TypeError("The fake does not do this to an isochronous endpoint.");
    const result = await this.#call(this.wire.transfer(address, packetSize, bytes.slice()));
    // Chromium reports what was asked for, whatever became of it.
    return { status: result.status, bytesWritten: bytes.length };
  }

  async isochronousTransferIn(
    endpointNumber: number,
    packetLengths: number[],
  ): Promise<USBIsochronousInTransferResult> {
    const { address } = this.#isochronous("in", endpointNumber);
    const data = new Uint8Array(sumOf(packetLengths));
    const packets = await this.#call(this.wire.isochronous(address, packetLengths, data));
    // A packet's view stands where its room begins, whatever the packets before it brought.
    const views = packets.map(({ at, length }) => new DataView(data.buffer, at, length));
    return { data: new DataView(data.buffer), packets: views.map((view) => ({ data: view, status: "ok" })) };
  }

  async isochronousTransferOut(
    endpointNumber: number,
    data: BufferSource,
    packetLengths: number[],
  ): Promise<USBIsochronousOutTransferResult> {
    const bytes = bytesOf(data);
    const { address } = this.#isochronous("out", endpointNumber);
    if (bytes.length !== sumOf(packetLengths)) throw new DOMException("The lengths do not add up.", "DataError");
    const packets = await this.#call(this.wire.isochronous(address, packetLengths, bytes.slice()));
    return { packets: packets.map(({ length }) => ({ bytesWritten: length, status: "ok" })) };
  }

  async reset(): Promise<void> {
    this.#ensureUnchanging();
    this.#ensureOpened();
    await this.#change(() => {
      if (this.#options.windows) throw new DOMException("Unable to reset the device.", "NetworkError");
      this.#isReset = true;
      this.wire.reset();
      const doomed = this.wire.takeAll();
      void nextTask().then(() => {
        for (const transfer of doomed) transfer.reject(transferError());
      });
    });
  }

  // ---------------------------------------------------------------- for FakeUsb and tests

  /** Transfers whose promises are open. */
  get pending(): number {
    return this.wire.pending;
  }

  /** The plug is pulled: first the transfers fail, then (`gone`) the object is dead. */
  cut(error: () => DOMException): void {
    this.wire.cut(error);
  }

  gone(): void {
    this.#isGone = true;
    this.#opened = false;
    for (const reject of this.#calls) reject(disconnected());
    this.#calls.clear();
  }

  // ---------------------------------------------------------------- guards, in Blink's order

  #ensureHere(): void {
    if (this.#isGone) throw disconnected();
  }

  #ensureNoDeviceChange(): void {
    this.#ensureHere();
    if (this.#isDeviceChanging) throw new DOMException(DEVICE_CHANGING, "InvalidStateError");
  }

  #ensureNoChange(): void {
    this.#ensureNoDeviceChange();
    if (this.#configuration?.interfaces.some((each) => each.isChanging)) {
      throw new DOMException(INTERFACE_CHANGING, "InvalidStateError");
    }
  }

  #ensureUnchanging(): void {
    this.#ensureNoChange();
    if (this.#isChanging) throw new DOMException(DEVICE_CHANGING, "InvalidStateError");
  }

  #ensureOpened(): void {
    if (!this.#opened) throw new DOMException("The device must be opened first.", "InvalidStateError");
  }

  #ensureConfigured(): FakeConfiguration {
    this.#ensureNoDeviceChange();
    this.#ensureOpened();
    if (!this.#configuration) {
      throw new DOMException("The device must have a configuration selected.", "InvalidStateError");
    }
    return this.#configuration;
  }

  #interface(interfaceNumber: number): FakeInterface {
    const configuration = this.#ensureConfigured();
    const target = configuration.interfaces.find((each) => each.interfaceNumber === interfaceNumber);
    if (!target) throw new DOMException(INTERFACE_UNKNOWN, "NotFoundError");
    if (target.isChanging) throw new DOMException(INTERFACE_CHANGING, "InvalidStateError");
    return target;
  }

  #claimedInterface(interfaceNumber: number): FakeInterface {
    const target = this.#interface(interfaceNumber);
    if (!target.claimed) {
      throw new DOMException("The specified interface has not been claimed.", "InvalidStateError");
    }
    return target;
  }

  #endpoint(direction: USBDirection, endpointNumber: number): FakeEndpoint {
    const { interfaces } = this.#ensureConfigured();
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

  #ensureControl({ recipient, index }: USBControlTransferParameters): void {
    this.#ensureNoChange();
    this.#ensureOpened();
    if (recipient === "interface") this.#claimedInterface(index & 0xff);
    if (recipient === "endpoint") this.#endpoint(index & 0x80 ? "in" : "out", index & 0x0f);
  }

  /** What the browser's device service lets a page send. */
  #isAllowed({ requestType, recipient, request, index }: USBControlTransferParameters, isIn: boolean): boolean {
    if (requestType === "standard" && !(isIn && STANDARD_ALLOWED.includes(request))) return false;
    if (requestType !== "standard" && !this.#configuration) return false;
    if (this.#options.unrestricted) return true;
    const named = recipient === "endpoint" ? undefined : index & 0xff;
    const isNaming = recipient === "interface" || (requestType === "class" && recipient !== "endpoint");
    const target = this.#configuration?.interfaces.find((each) => each.interfaceNumber === named);
    return !(isNaming && target?.isProtected);
  }

  async #refused(): Promise<never> {
    await this.#call(nextTask());
    throw new DOMException("The transfer was not allowed.", "SecurityError");
  }

  #isochronous(direction: USBDirection, endpointNumber: number): { address: number } {
    const endpoint = this.#endpoint(direction, endpointNumber);
    if (endpoint.type !== "isochronous") {
      throw new Error("This call kills the whole browser: the endpoint is not isochronous.");
    }
    if (this.#options.windows) throw new DOMException("A transfer error has occurred.", "NetworkError");
    return endpoint;
  }

  // ---------------------------------------------------------------- changes

  async #changeDevice(work: () => void): Promise<void> {
    this.#isDeviceChanging = true;
    try {
      await this.#change(work);
    } finally {
      this.#isDeviceChanging = false;
    }
  }

  async #changeInterface(target: FakeInterface, work: () => void): Promise<void> {
    if (this.#isChanging) throw new DOMException(DEVICE_CHANGING, "InvalidStateError");
    target.isChanging = true;
    try {
      await this.#change(work);
    } finally {
      target.isChanging = false;
    }
  }

  async #change(work: () => void): Promise<void> {
    this.#isChanging = true;
    try {
      await this.#call(nextTask());
      work();
    } finally {
      this.#isChanging = false;
    }
  }

  /** The kernel ends the transfers of an interface just after the call resolves. */
  #abortSoon(target: FakeInterface): void {
    const doomed = this.wire.takeAll(addressesOf(target));
    void nextTask().then(() => {
      for (const transfer of doomed) transfer.reject(transferError());
    });
  }

  /** Every open call is rejected when the device goes. */
  #call<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#calls.add(reject);
      work.then(resolve, reject).finally(() => this.#calls.delete(reject));
    });
  }
}

function sumOf(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}

function addressesOf({ alternate }: FakeInterface): number[] {
  return alternate.endpoints.map((endpoint) => endpoint.address);
}

function disconnected(): DOMException {
  return new DOMException("The device was disconnected.", "NotFoundError");
}

function inResult({ status, data }: WireResult): USBInTransferResult {
  return { status, data: new DataView(data.buffer, data.byteOffset, data.byteLength) };
}
