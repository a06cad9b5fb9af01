/**
 * A strict fake of npm `usb` 3.1, as awkward as the real one (worker/node-usb/native.ts says how), over Linux: which words it
 * fails with, what it refuses, what it loses. test/unit/worker/node-usb-package.test.ts holds its shape to the package.
 */
import type { NativeDevice, NativeSpeed, NativeUsb } from "../../worker/node-usb/native.ts";
import { requestTypeBits } from "./usb-arguments.ts";
import { FakeConfiguration, type FakeEndpoint, type FakeInterface } from "./usb-configuration.ts";
import type { FakeFunction } from "./usb-function.ts";
import { nextTask, Wire, type WireResult } from "./usb-wire.ts";

export interface NodePlugOptions {
  /** Interfaces that a driver of the computer has. */
  readonly drivers?: readonly number[];
  /** The computer's user may not open it. */
  readonly forbidden?: boolean;
  /** It is not in /dev/bus/usb, as in a container. */
  readonly hidden?: boolean;
  /** The computer does not tell the strings: the device is opened and asked for them. */
  readonly nameless?: boolean;
  readonly ports?: readonly number[];
  readonly speed?: NativeSpeed;
  /** bConfigurationValue: the first configuration, unless said otherwise. */
  readonly configuration?: number;
}

const BUS = "001";
/** ms. */
const TIMEOUT_DEFAULT = 1000;

export class FakeNodeUsb implements NativeUsb {
  /** There is no /sys/bus/usb. */
  hasNoBus = false;
  #plugs: NodePlug[] = [];
  #addresses = 1;

  async getDevices(): Promise<FakeNativeDevice[]> {
    await nextTask();
    if (this.hasNoBus) throw new Error("getDevices error: /sys/bus/usb/devices/ not found (errno 2)");
    return this.#plugs.map((plug) => new FakeNativeDevice(plug));
  }

  plug(device: FakeFunction, options: NodePlugOptions = {}): NodePlug {
    const plug = new NodePlug(device, options, ++this.#addresses);
    this.#plugs.push(plug);
    return plug;
  }

  /** The computer goes on listing a device that `lingers`. */
  unplug(plug: NodePlug, { lingers = false } = {}): void {
    if (!lingers) this.#plugs = this.#plugs.filter((each) => each !== plug);
    plug.cut();
  }
}

/** A device in a port of the computer, whoever has opened it. */
export class NodePlug {
  readonly function: FakeFunction;
  readonly options: NodePlugOptions;
  readonly address: number;
  readonly wire: Wire;
  readonly configurations: readonly FakeConfiguration[];
  /** Who has an interface. */
  readonly owners = new Map<number, FakeNativeDevice | "driver">();
  /** Endpoints with a transfer. */
  readonly busy = new Set<number>();
  isCut = false;

  constructor(device: FakeFunction, options: NodePlugOptions, address: number) {
    this.function = device;
    this.options = options;
    this.address = address;
    this.configurations = device.configurations.map((bytes) => new FakeConfiguration(bytes));
    this.wire = new Wire(device, options.configuration ?? this.configurations[0]?.configurationValue ?? 0);
    this.bindDrivers();
  }

  get configuration(): FakeConfiguration | undefined {
    return this.configurations.find((each) => each.configurationValue === this.wire.configuration);
  }

  /** Drivers of the computer take what they know. */
  bindDrivers(): void {
    for (const number of this.options.drivers ?? []) if (!this.owners.has(number)) this.owners.set(number, "driver");
  }

  cut(): void {
    this.isCut = true;
    this.wire.cut(() => new DOMException("", "NotFoundError"));
  }
}

/** Another object at each getDevices(), each with a file descriptor of its own. */
export class FakeNativeDevice implements NativeDevice {
  readonly #plug: NodePlug;
  readonly #descriptor: DataView;
  #isOpen = false;
  /** Interfaces that the object takes for claimed, whatever the kernel says. */
  readonly #interfaces = new Set<number>();
  #uses = 0;
  #isChanging = false;

  constructor(plug: NodePlug) {
    this.#plug = plug;
    this.#descriptor = new DataView(plug.function.deviceDescriptor.slice().buffer);
  }

  get handle(): string {
    return `DeviceId(DeviceId { bus: 1, addr: ${this.#plug.address} })`;
  }
  get vendorId(): number {
    return this.#descriptor.getUint16(8, true);
  }
  get productId(): number {
    return this.#descriptor.getUint16(10, true);
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
  get deviceVersionMajor(): number {
    return this.#descriptor.getUint8(13);
  }
  get deviceVersionMinor(): number {
    return this.#descriptor.getUint8(12) >> 4;
  }
  get deviceVersionSubminor(): number {
    return this.#descriptor.getUint8(12) & 15;
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
  readonly bus = BUS;
  get address(): number {
    return this.#plug.address;
  }
  get ports(): number[] {
    return [...(this.#plug.options.ports ?? [this.#plug.address])];
  }
  get speed(): NativeSpeed {
    return this.#plug.options.speed ?? "high";
  }
  get manufacturerName(): string | null {
    return this.#text(this.#plug.function.manufacturer);
  }
  get productName(): string | null {
    return this.#text(this.#plug.function.product);
  }
  get serialNumber(): string | null {
    return this.#text(this.#plug.function.serialNumber);
  }
  get opened(): boolean {
    return this.#isOpen;
  }

  open(): Promise<void> {
    return this.#change(async () => {
      if (this.#plug.isCut) throw new Error("open error: device disconnected (errno 19)");
      if (this.#plug.options.hidden) throw new Error("open error: device not found (errno 2)");
      if (this.#plug.options.forbidden) throw new Error("open error: permission denied (errno 13)");
      this.#isOpen = true;
    });
  }

  /** The claims stay. */
  close(): Promise<void> {
    return this.#change(async () => {
      this.#isOpen = false;
    });
  }

  /** The kernel takes the claims away, and lets its drivers have the interfaces again. */
  reset(): Promise<void> {
    return this.#use(async () => {
      this.#ensureOpen("reset");
      const { wire, owners } = this.#plug;
      wire.reset();
      for (const transfer of wire.takeAll()) transfer.reject(cancelled());
      owners.clear();
      this.#plug.bindDrivers();
    });
  }

  selectConfiguration(configurationValue: number): Promise<void> {
    return this.#use(async () => {
      this.#ensureOpen("selectConfiguration");
      if (!this.#plug.configurations.some((each) => each.configurationValue === configurationValue)) {
        throw new Error("selectConfiguration error: invalid configuration");
      }
      if (this.#plug.owners.size > 0) {
        throw new Error("selectConfiguration error: failed to set configuration (errno 16)");
      }
      this.#plug.wire.setConfiguration(configurationValue);
    });
  }

  claimInterface(interfaceNumber: number): Promise<void> {
    return this.#change(async () => {
      this.#ensureOpen("claimInterface");
      if (!this.#interface(interfaceNumber)) throw new Error("claimInterface error: interface not found");
      const owner = this.#plug.owners.get(interfaceNumber);
      if (owner !== undefined && owner !== this) throw new Error("claimInterface error: interface is busy (errno 16)");
      this.#plug.owners.set(interfaceNumber, this);
      this.#interfaces.add(interfaceNumber);
    });
  }

  releaseInterface(interfaceNumber: number): Promise<void> {
    return this.#change(async () => {
      this.#ensureOpen("releaseInterface");
      if (!this.#interfaces.delete(interfaceNumber)) throw new Error("releaseInterface error: not claimed");
      if (this.#plug.owners.get(interfaceNumber) !== this) return;
      this.#plug.owners.delete(interfaceNumber);
      if ((this.#plug.wire.alternates.get(interfaceNumber) ?? 0) !== 0) this.#setInterface(interfaceNumber, 0);
    });
  }

  selectAlternateInterface(interfaceNumber: number, alternateSetting: number): Promise<void> {
    return this.#change(async () => {
      const error = "selectAlternateInterface error:";
      if (!this.#interfaces.has(interfaceNumber)) throw new Error(`${error} invalid state`);
      if (this.#endpointsOf(interfaceNumber).some(({ address }) => this.#plug.busy.has(address))) {
        throw new Error(`${error} can't change alternate setting while endpoints are in use`);
      }
      const target = this.#interface(interfaceNumber);
      if (!target?.alternates.some((each) => each.alternateSetting === alternateSetting)) {
        throw new Error(`${error} alternate setting not found`);
      }
      this.#setInterface(interfaceNumber, alternateSetting);
    });
  }

  async controlTransferIn(
    setup: USBControlTransferParameters,
    length: number,
    timeout = TIMEOUT_DEFAULT,
  ): Promise<USBInTransferResult> {
    const { data } = await this.#control("controlTransferIn", setup, 0x80, length, new Uint8Array(0), timeout);
    return { status: "ok", data: new DataView(data.buffer) };
  }

  async controlTransferOut(
    setup: USBControlTransferParameters,
    data: Uint8Array<ArrayBuffer>,
    timeout = TIMEOUT_DEFAULT,
  ): Promise<USBOutTransferResult> {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength); // a TypeError without data
    await this.#control("controlTransferOut", setup, 0, bytes.length, bytes, timeout);
    return { status: "ok", bytesWritten: bytes.length };
  }

  async transferIn(endpointNumber: number, length: number, timeout = TIMEOUT_DEFAULT): Promise<USBInTransferResult> {
    const data = await this.#use(async () => {
      const { address, packetSize } = this.#endpoint("transferIn", endpointNumber | 0x80);
      const size = packetSize & 0x7ff;
      const room = new Uint8Array(Math.ceil(length / size) * size);
      const result = await this.#transfer("transferIn", address, timeout, size, room);
      return result.data.slice(0, length);
    });
    return { status: "ok", data: new DataView(data.buffer) };
  }

  async transferOut(
    endpointNumber: number,
    data: Uint8Array<ArrayBuffer>,
    timeout = TIMEOUT_DEFAULT,
  ): Promise<USBOutTransferResult> {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    await this.#use(async () => {
      const { address, packetSize } = this.#endpoint("transferOut", endpointNumber);
      await this.#transfer("transferOut", address, timeout, packetSize & 0x7ff, bytes);
    });
    return { status: "ok", bytesWritten: bytes.length };
  }

  async isochronousTransferIn(): Promise<never> {
    throw new Error("isochronousTransferIn error: method not implemented");
  }

  async isochronousTransferOut(): Promise<never> {
    throw new Error("isochronousTransferOut error: method not implemented");
  }

  clearHalt(direction: USBDirection, endpointNumber: number): Promise<void> {
    return this.#use(async () => {
      const { address } = this.#endpoint("clearHalt", endpointNumber | (direction === "in" ? 0x80 : 0));
      this.#plug.wire.clearHalt(address);
    });
  }

  detachKernelDriver(interfaceNumber: number): Promise<void> {
    return this.#use(async () => {
      this.#ensureOpen("detachKernelDriver");
      if (this.#plug.owners.get(interfaceNumber) !== "driver") {
        throw new Error("detachKernelDriver error: no kernel driver attached (errno 61)");
      }
      this.#plug.owners.delete(interfaceNumber);
    });
  }

  attachKernelDriver(interfaceNumber: number): Promise<void> {
    return this.#use(async () => {
      this.#ensureOpen("attachKernelDriver");
      if (this.#plug.owners.has(interfaceNumber)) {
        throw new Error("attachKernelDriver error: kernel driver already attached (errno 16)");
      }
      this.#plug.bindDrivers();
    });
  }

  // ---------------------------------------------------------------- borrowing, as Rust has it

  #borrow(exclusive: boolean): void {
    if (!this.#isChanging && !(exclusive && this.#uses > 0)) return;
    throw new Error("The same native value cannot be borrowed mutably while another borrow is active");
  }

  /** Throws at once. */
  #use<T>(work: () => Promise<T>): Promise<T> {
    this.#borrow(false);
    this.#uses++;
    return nextTask()
      .then(work)
      .finally(() => this.#uses--);
  }

  /** Throws at once. */
  #change<T>(work: () => Promise<T>): Promise<T> {
    this.#borrow(true);
    this.#isChanging = true;
    return nextTask()
      .then(work)
      .finally(() => {
        this.#isChanging = false;
      });
  }

  #text(text: string | undefined): string | null {
    this.#borrow(true);
    if (this.#plug.options.nameless && this.#plug.options.forbidden) {
      throw new Error("open error: permission denied (errno 13)");
    }
    return text ?? null;
  }

  // ---------------------------------------------------------------- the bus

  #ensureOpen(method: string): void {
    if (!this.#isOpen) throw new Error(`${method} error: invalid state`);
  }

  #interface(interfaceNumber: number): FakeInterface | undefined {
    return this.#plug.configuration?.interfaces.find((each) => each.interfaceNumber === interfaceNumber);
  }

  #endpointsOf(interfaceNumber: number): readonly FakeEndpoint[] {
    const selected = this.#plug.wire.alternates.get(interfaceNumber) ?? 0;
    const alternates = this.#interface(interfaceNumber)?.alternates;
    return alternates?.find((each) => each.alternateSetting === selected)?.endpoints ?? [];
  }

  #setInterface(interfaceNumber: number, alternate: number): void {
    const target = this.#interface(interfaceNumber)?.alternates.find((each) => each.alternateSetting === alternate);
    const addresses = target?.endpoints.map(({ address }) => address) ?? [];
    this.#plug.wire.setInterface(interfaceNumber, alternate, addresses);
  }

  #endpoint(method: string, address: number): FakeEndpoint {
    for (const number of this.#interfaces) {
      const endpoint = this.#endpointsOf(number).find((each) => each.address === address);
      if (!endpoint || endpoint.type === "isochronous" || this.#plug.busy.has(address)) continue;
      if (this.#plug.owners.get(number) === this || this.#plug.isCut) return endpoint;
      throw new Error(`${method} error: Unknown(22)`);
    }
    throw new Error(`${method} error: endpoint not found`);
  }

  async #transfer(
    method: string,
    address: number,
    timeout: number,
    packetSize: number,
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<WireResult> {
    const { wire, busy } = this.#plug;
    busy.add(address);
    // What it has received until then is lost.
    const timer = setTimeout(() => {
      for (const transfer of wire.takeAll([address])) transfer.reject(cancelled());
    }, timeout);
    try {
      return await this.#outcome(method, wire.transfer(address, packetSize, buffer), TRANSFER_WORDS);
    } finally {
      clearTimeout(timer);
      busy.delete(address);
    }
  }

  async #control(
    method: string,
    setup: USBControlTransferParameters,
    direction: number,
    wLength: number,
    data: Uint8Array,
    timeout: number,
  ): Promise<WireResult> {
    return this.#use(async () => {
      if (!this.#isOpen || this.#interfaces.size === 0) throw new Error(`${method} error: invalid state`);
      const { wire } = this.#plug;
      const timer = setTimeout(() => {
        for (const transfer of wire.takeControls()) transfer.reject(cancelled());
      }, timeout);
      const { request: bRequest, value: wValue, index: wIndex } = setup;
      const bmRequestType = direction | requestTypeBits(setup);
      try {
        const work = wire.control({ bmRequestType, bRequest, wValue, wIndex, wLength }, data.slice());
        return await this.#outcome(method, work, CONTROL_WORDS);
      } finally {
        clearTimeout(timer);
      }
    });
  }

  async #outcome(method: string, work: Promise<WireResult>, words: Words): Promise<WireResult> {
    let result: WireResult;
    try {
      result = await work;
    } catch (error) {
      if (this.#plug.isCut) throw new Error(`${method} error: ${words.disconnected}`);
      const isCancelled = (error as DOMException).name === "AbortError";
      throw new Error(`${method} error: ${isCancelled ? words.cancelled : words.fault}`);
    }
    if (result.status === "ok") return result;
    throw new Error(`${method} error: ${result.status === "stall" ? words.stall : words.fault}`);
  }
}

type Words = Readonly<Record<"stall" | "cancelled" | "disconnected" | "fault", string>>;
const TRANSFER_WORDS: Words = { stall: "Stall", cancelled: "Cancelled", disconnected: "Disconnected", fault: "Fault" };
const CONTROL_WORDS: Words = {
  stall: "endpoint stalled",
  cancelled: "transfer was cancelled",
  disconnected: "device disconnected",
  fault: "hardware fault or protocol violation",
};

const cancelled = () => new DOMException("", "AbortError");
