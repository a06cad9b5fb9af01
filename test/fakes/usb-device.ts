/**
 * A fake USBDevice with the rules of Chromium 156 on Linux, or on another system: what it refuses, in which words, and what
 * becomes of transfers when the state changes under them. It is a little stricter than the real one in one thing: any two state changes at once
 * are refused, also those that a page of Chromium would pay for with its renderer.
 */
import { bytesOf, ensureLength, requestTypeBits } from "./usb-arguments.ts";
import { FakeConfiguration, type FakeInterface } from "./usb-configuration.ts";
import { FakeDeviceInfo } from "./usb-device-info.ts";
import { DEVICE_CHANGING, disconnected, FakeDeviceState } from "./usb-device-state.ts";
import type { FakeFunction } from "./usb-function.ts";
import { Hang, type StateChange } from "./usb-hang.ts";
import { type FakeManners, MANNERS, type System } from "./usb-manners.ts";
import { type IsochPacket, nextTask, type Rejectable, transferError, Wire, type WireResult } from "./usb-wire.ts";

export interface FakeDeviceOptions {
  /** Interfaces that a driver of the computer holds. */
  readonly busy?: readonly number[];
  /** Interfaces whose claim never ends, as on Windows before the driver is there. */
  readonly hanging?: readonly number[];
  /** The computer's user may not open it. */
  readonly forbidden?: boolean;
  /** What the computer has configured: the first configuration, unless said otherwise; 0 is none. */
  readonly configuration?: number;
  /** What reset() leaves active, which WebUSB does not say; as it was, unless said otherwise. */
  readonly configurationAfterReset?: number;
  /** The system below the browser, Linux unless said otherwise. */
  readonly manners?: System;
  /** No interface class is protected, as in an isolated app with usb-unrestricted. */
  readonly unrestricted?: boolean;
}

export class FakeUsbDevice extends FakeDeviceInfo implements USBDevice {
  readonly configurations: FakeConfiguration[];
  readonly manufacturerName: string | null;
  readonly productName: string | null;
  readonly wire: Wire;
  readonly #serialNumber: string | null;
  readonly #options: FakeDeviceOptions;
  readonly #manners: FakeManners;
  readonly #state: FakeDeviceState;
  /** Interfaces that a reset took from the browser, which does not know it. Whatever uses them next claims them again. */
  readonly #taken = new Set<FakeInterface>();
  /** It has been opened, where that asks the person. */
  #isAllowedByPerson = false;
  readonly hang = new Hang();
  /** Calls whose promises are open. */
  readonly #calls = new Set<(error: DOMException) => void>();

  constructor(device: FakeFunction, options: FakeDeviceOptions = {}) {
    super(device.deviceDescriptor);
    this.#options = options;
    this.#manners = MANNERS[options.manners ?? "linux"];
    this.configurations = device.configurations.map((bytes) => new FakeConfiguration(bytes));
    this.manufacturerName = device.manufacturer ?? null;
    this.productName = device.product ?? null;
    this.#serialNumber = device.serialNumber ?? null;
    const value = options.configuration ?? this.configurations[0]?.configurationValue ?? 0;
    const configuration = this.configurations.find((each) => each.configurationValue === value) ?? null;
    this.#state = new FakeDeviceState(configuration, options.unrestricted ?? false);
    this.wire = new Wire(device, value);
  }

  get serialNumber(): string | null {
    return this.#manners.hidesUntilOpened && !this.#isAllowedByPerson ? null : this.#serialNumber;
  }
  /** Android tells a placeholder. */
  protected override get bcdUSB(): number {
    return this.#manners.hidesUntilOpened ? 0x0200 : super.bcdUSB;
  }
  get configuration(): FakeConfiguration | null {
    return this.#state.configuration;
  }
  get opened(): boolean {
    return this.#state.opened;
  }

  async open(): Promise<void> {
    this.#state.ensureUnchanging();
    if (this.#state.opened) return;
    await this.#changeDevice("open", () => {
      if (this.#options.forbidden) throw new DOMException("Access denied.", "SecurityError");
      this.#state.opened = true;
      this.#isAllowedByPerson = true;
    });
  }

  async close(): Promise<void> {
    this.#state.ensureUnchanging();
    if (!this.#state.opened) return;
    await this.#changeDevice("close", () => {
      this.#cancel(this.wire.takeAll());
      this.#state.opened = false;
      this.#taken.clear();
      for (const each of this.#state.configuration?.interfaces ?? []) each.forgetState();
    });
    await nextTask(); // what was aborted is heard of first
  }

  async forget(): Promise<void> {
    await nextTask();
  }

  async selectConfiguration(configurationValue: number): Promise<void> {
    this.#state.ensureUnchanging();
    this.#state.ensureOpened();
    const configuration = this.configurations.find((each) => each.configurationValue === configurationValue);
    if (!configuration) {
      throw new DOMException("The configuration value provided is not supported by the device.", "NotFoundError");
    }
    if (configuration === this.#state.configuration) return;
    await this.#changeDevice("selectConfiguration", () => {
      const { canSelectConfiguration, configurationReleasesClaims } = this.#manners;
      const isClaimed = this.#state.configuration?.interfaces.some((each) => each.claimed);
      if (!canSelectConfiguration || (isClaimed && !configurationReleasesClaims)) {
        throw new DOMException("Unable to set device configuration.", "NetworkError");
      }
      if (isClaimed) this.#cancel(this.wire.takeAll());
      for (const each of configuration.interfaces) each.forgetState();
      this.#state.configuration = configuration;
      this.wire.setConfiguration(configurationValue);
    });
  }

  async claimInterface(interfaceNumber: number): Promise<void> {
    const target = this.#state.interface(interfaceNumber);
    if (target.claimed) return;
    if (this.#options.hanging?.includes(interfaceNumber)) {
      target.isChanging = true;
      await this.#call(new Promise<never>(() => undefined));
    }
    await this.#changeInterface("claimInterface", target, () => {
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
    const target = this.#state.interface(interfaceNumber);
    if (!target.claimed) return;
    target.isAvailable = false;
    await this.#changeInterface("releaseInterface", target, () => {
      if (this.#taken.has(target) && this.#manners.releaseFailsAfterReset) {
        target.isAvailable = true;
        throw new DOMException("Unable to release interface.", "NetworkError");
      }
      if (this.#manners.releaseEndsTransfers) this.#abortSoon(target);
      target.forgetState();
    });
  }

  async selectAlternateInterface(interfaceNumber: number, alternateSetting: number): Promise<void> {
    const target = this.#state.claimedInterface(interfaceNumber);
    const index = target.alternates.findIndex((each) => each.alternateSetting === alternateSetting);
    if (index < 0) {
      throw new DOMException(
        "The alternate setting provided is not supported by the device in its current configuration.",
        "NotFoundError",
      );
    }
    target.isAvailable = false;
    await this.#changeInterface("selectAlternateInterface", target, () => {
      this.#abortSoon(target);
      target.selected = index;
      target.isAvailable = true;
      this.wire.setInterface(interfaceNumber, alternateSetting, addressesOf(target));
    });
  }

  async controlTransferIn(setup: USBControlTransferParameters, length: number): Promise<USBInTransferResult> {
    this.#state.ensureControl(setup);
    const bmRequestType = 0x80 | requestTypeBits(setup);
    const { request, value, index } = setup;
    if (!this.#state.isAllowed(setup, true)) return this.#refused();
    this.#useBy(setup);
    const wLength = length & 0xffff;
    const result = await this.#call(
      this.wire.control({ bmRequestType, bRequest: request, wValue: value, wIndex: index, wLength }, new Uint8Array(0)),
    );
    return inResult(this.#shown(result));
  }

  async controlTransferOut(setup: USBControlTransferParameters, data?: BufferSource): Promise<USBOutTransferResult> {
    const bytes = data === undefined ? new Uint8Array(0) : bytesOf(data);
    this.#state.ensureControl(setup);
    ensureLength(bytes.length);
    const bmRequestType = requestTypeBits(setup);
    const { request, value, index } = setup;
    if (!this.#state.isAllowed(setup, false)) return this.#refused();
    this.#useBy(setup);
    const result = await this.#call(
      this.wire.control(
        { bmRequestType, bRequest: request, wValue: value, wIndex: index, wLength: bytes.length & 0xffff },
        bytes.slice(),
      ),
    );
    return { status: this.#shown(result).status, bytesWritten: bytes.length };
  }

  async clearHalt(direction: USBDirection, endpointNumber: number): Promise<void> {
    const { address } = this.#state.endpoint(direction, endpointNumber);
    await this.#call(this.hang.pass("clearHalt"));
    if (this.#manners.clearHaltCancelsInterface) this.#cancel(this.wire.takeAll(this.#siblingsOf(address)));
    this.#use(address);
    this.wire.clearHalt(address);
  }

  async transferIn(endpointNumber: number, length: number): Promise<USBInTransferResult> {
    ensureLength(length);
    const { address, packetSize, type } = this.#state.endpoint("in", endpointNumber);
    if (type === "isochronous") throw new TypeError("The fake does not do this to an isochronous endpoint.");
    return inResult(this.#shown(await this.#call(this.#transfer(address, packetSize, new Uint8Array(length)))));
  }

  async transferOut(endpointNumber: number, data: BufferSource): Promise<USBOutTransferResult> {
    const bytes = bytesOf(data);
    const { address, packetSize, type } = this.#state.endpoint("out", endpointNumber);
    ensureLength(bytes.length);
    if (type === "isochronous") throw new TypeError("The fake does not do this to an isochronous endpoint.");
    const result = await this.#call(this.#transfer(address, packetSize, bytes.slice()));
    // Chromium reports what was asked for, whatever became of it.
    return { status: this.#shown(result).status, bytesWritten: bytes.length };
  }

  async isochronousTransferIn(
    endpointNumber: number,
    packetLengths: number[],
  ): Promise<USBIsochronousInTransferResult> {
    const { address } = this.#isochronous("in", endpointNumber);
    const data = new Uint8Array(sumOf(packetLengths));
    const packets = allGood(await this.#call(this.#packets(address, packetLengths, data)));
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
    const packets = allGood(await this.#call(this.#packets(address, packetLengths, bytes.slice())));
    return { packets: packets.map(({ length }) => ({ bytesWritten: length, status: "ok" })) };
  }

  async reset(): Promise<void> {
    this.#state.ensureUnchanging();
    this.#state.ensureOpened();
    await this.#change("reset", () => {
      if (!this.#manners.canReset) throw new DOMException("Unable to reset the device.", "NetworkError");
      for (const each of this.#state.configuration?.interfaces ?? []) if (each.claimed) this.#taken.add(each);
      const after = this.#options.configurationAfterReset;
      if (after !== undefined) {
        this.#state.configuration = this.configurations.find((each) => each.configurationValue === after) ?? null;
      }
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
    this.#state.isGone = true;
    this.#state.opened = false;
    for (const reject of this.#calls) reject(disconnected());
    this.#calls.clear();
  }

  // ---------------------------------------------------------------- changes

  async #refused(): Promise<never> {
    await this.#call(nextTask());
    throw new DOMException("The transfer was not allowed.", "SecurityError");
  }

  #isochronous(direction: USBDirection, endpointNumber: number): { address: number } {
    const endpoint = this.#state.endpoint(direction, endpointNumber);
    if (endpoint.type !== "isochronous") {
      throw new Error("This call kills the whole browser: the endpoint is not isochronous.");
    }
    if (!this.#manners.hasIsochronous) throw transferError();
    return endpoint;
  }

  async #changeDevice(name: StateChange, work: () => void): Promise<void> {
    this.#state.isDeviceChanging = true;
    try {
      await this.#change(name, work);
    } finally {
      this.#state.isDeviceChanging = false;
    }
  }

  async #changeInterface(name: StateChange, target: FakeInterface, work: () => void): Promise<void> {
    if (this.#state.isChanging) throw new DOMException(DEVICE_CHANGING, "InvalidStateError");
    target.isChanging = true;
    try {
      await this.#change(name, work);
    } finally {
      target.isChanging = false;
    }
  }

  #transfer(address: number, packetSize: number, buffer: Uint8Array<ArrayBuffer>): Promise<WireResult> {
    this.#use(address);
    return this.wire.transfer(address, packetSize, buffer);
  }

  #packets(address: number, lengths: readonly number[], data: Uint8Array): Promise<IsochPacket[]> {
    this.#use(address);
    return this.wire.isochronous(address, lengths, data);
  }

  #use(address: number): void {
    for (const each of this.#taken) if (addressesOf(each).includes(address)) this.#taken.delete(each);
  }

  /** A maker's own requests use nothing. */
  #useBy({ requestType, recipient, index }: USBControlTransferParameters): void {
    if (requestType === "vendor") return;
    if (recipient === "endpoint") this.#use(index & 0x8f);
    if (recipient !== "interface") return;
    for (const each of this.#taken) if (each.interfaceNumber === (index & 0xff)) this.#taken.delete(each);
  }

  async #change(name: StateChange, work: () => void): Promise<void> {
    this.#state.isChanging = true;
    try {
      await this.#call(this.hang.pass(name));
      work();
    } finally {
      this.#state.isChanging = false;
    }
  }

  /** What a transfer came to, as the system tells it. */
  #shown(result: WireResult): WireResult {
    if (result.status === "stall" && this.#manners.stallIsNetworkError) throw transferError();
    return result;
  }

  #cancel(transfers: readonly Rejectable[]): void {
    for (const transfer of transfers) transfer.reject(new DOMException("The transfer was cancelled.", "AbortError"));
  }

  /** The endpoints of the interface that has this one. */
  #siblingsOf(address: number): number[] {
    const interfaces = this.#state.configuration?.interfaces ?? [];
    return interfaces.map(addressesOf).find((addresses) => addresses.includes(address)) ?? [];
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

function inResult({ status, data }: WireResult): USBInTransferResult {
  return { status, data: new DataView(data.buffer, data.byteOffset, data.byteLength) };
}

/** Chromium on Linux gives a whole transfer up for one bad packet. */
function allGood(packets: readonly IsochPacket[]): readonly IsochPacket[] {
  if (packets.some(({ isBad }) => isBad)) throw transferError();
  return packets;
}
