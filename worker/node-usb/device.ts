/**
 * A device of npm `usb` as the USBDevice that it is said to be, with Chromium's conduct: native.ts tells what is made good
 * here. Changes of its state take turns with each other and with transfers; reset(), close(), releaseInterface() and
 * selectAlternateInterface() end what is in flight.
 */
import { PlugError } from "../plug-error.ts";
import type { RealDevice } from "../protocol.ts";
import { Claims, quietly } from "./claims.ts";
import { NodeConfiguration, type NodeInterface } from "./configuration.ts";
import { EndpointLine } from "./endpoint-line.ts";
import { disconnected, failureOf, transferCancelled, transferError } from "./failures.ts";
import { Line, type LineDevice } from "./line.ts";
import type { NativeDevice } from "./native.ts";
import { PATIENCE, Turns } from "./turns.ts";
import { deniedWords, heldWords, missingWords } from "./words.ts";

/** ms. A device may take this long for any request (USB 2.0 §9.2.6.1). */
const CONTROL_TIMEOUT = 5000;

const GET_DESCRIPTOR = 6;
const GET_CONFIGURATION = 8;
const DEVICE = 1;
const CONFIGURATION = 2;

export class NodeUsbDevice implements USBDevice, RealDevice {
  readonly vendorId: number;
  readonly productId: number;
  readonly deviceVersionMajor: number;
  readonly deviceVersionMinor: number;
  readonly deviceVersionSubminor: number;
  readonly usbVersionMajor: number;
  readonly usbVersionMinor: number;
  readonly usbVersionSubminor: number;
  readonly deviceClass: number;
  readonly deviceSubclass: number;
  readonly deviceProtocol: number;
  readonly manufacturerName: string | null;
  readonly productName: string | null;
  readonly serialNumber: string | null;
  readonly path: string;
  readonly speed: RealDevice["speed"];

  readonly #native: NativeDevice;
  readonly #onGone: () => void;
  readonly #turns = new Turns();
  readonly #lineDevice: LineDevice;
  #control: Line;
  /** By endpoint address: what claimed interfaces have in their selected alternates. */
  readonly #lines = new Map<number, EndpointLine>();
  #configurations: readonly NodeConfiguration[] = [];
  #configuration: NodeConfiguration | null = null;
  #opened = false;
  #isGone = false;
  readonly #claims: Claims;

  /** `onGone` hears of it when a call finds the device pulled out. */
  constructor(native: NativeDevice, onGone: () => void) {
    this.#native = native;
    this.#claims = new Claims(native);
    this.#onGone = onGone;
    this.vendorId = native.vendorId;
    this.productId = native.productId;
    this.deviceVersionMajor = native.deviceVersionMajor;
    this.deviceVersionMinor = native.deviceVersionMinor;
    this.deviceVersionSubminor = native.deviceVersionSubminor;
    this.usbVersionMajor = native.usbVersionMajor;
    this.usbVersionMinor = native.usbVersionMinor;
    this.usbVersionSubminor = native.usbVersionSubminor;
    this.deviceClass = native.deviceClass;
    this.deviceSubclass = native.deviceSubclass;
    this.deviceProtocol = native.deviceProtocol;
    this.manufacturerName = textOf(() => native.manufacturerName);
    this.productName = textOf(() => native.productName);
    this.serialNumber = textOf(() => native.serialNumber);
    this.path = pathOf(native);
    this.speed = native.speed === "superPlus" ? "super" : native.speed;
    this.#lineDevice = { native, turns: this.#turns, rejection: (error) => this.#rejection(error) };
    this.#control = new Line(this.#lineDevice);
  }

  get detach(): boolean {
    return this.#claims.detach;
  }
  set detach(detach: boolean) {
    this.#claims.detach = detach;
  }

  get opened(): boolean {
    return this.#opened;
  }

  /** Known from the first open() on. */
  get configuration(): NodeConfiguration | null {
    return this.#configuration;
  }

  get configurations(): NodeConfiguration[] {
    return [...this.#configurations];
  }

  /** Rejects with a PlugError where the person has to do something about it. */
  async open(): Promise<void> {
    this.#ensureHere();
    if (this.#opened) return;
    await this.#change(async () => {
      try {
        await this.#native.open();
      } catch (error) {
        const failure = failureOf(error);
        if (failure === "denied") throw new PlugError("AccessError", deniedWords(this), { cause: error });
        if (failure === "missing") throw new PlugError("AccessError", missingWords(this), { cause: error });
        throw this.#failed(error, error instanceof Error ? error.message : "open error");
      }
      try {
        await this.#holdAny();
        await this.#readConfigurations();
      } catch (error) {
        await this.#letGo();
        throw error;
      }
      this.#control = new Line(this.#lineDevice);
      this.#opened = true;
    });
  }

  async close(): Promise<void> {
    this.#ensureHere();
    if (!this.#opened) return;
    this.#opened = false;
    this.#endAll(transferCancelled());
    try {
      await this.#change(() => this.#letGo());
    } catch {
      // An OUT, or an IN in the middle of its data: only a reset ends it.
      await quietly(() => this.#turns.use(() => this.#native.reset()));
      await this.#change(() => this.#letGo());
    }
  }

  async forget(): Promise<void> {}

  async reset(): Promise<void> {
    this.#ensureOpened();
    try {
      await this.#turns.use(() => this.#native.reset());
    } catch (error) {
      throw this.#failed(error, "Unable to reset the device.");
    }
    this.#endAll(transferError());
    this.#control = new Line(this.#lineDevice);
    await this.#change(async () => {
      // On Linux the claims are gone, and the drivers of the computer are back.
      await this.#claims.forget();
      for (const each of this.#claimedInterfaces()) await this.#claimAgain(each);
    }, CONTROL_TIMEOUT + PATIENCE); // a control transfer that the device does not answer need not end before
  }

  async selectConfiguration(configurationValue: number): Promise<void> {
    this.#ensureOpened();
    const configuration = this.#configurations.find((each) => each.configurationValue === configurationValue);
    if (!configuration) {
      throw new DOMException("The configuration value provided is not supported by the device.", "NotFoundError");
    }
    if (configuration === this.#configuration) return;
    await this.#change(async () => {
      try {
        if (this.#claimedInterfaces().length > 0) throw new Error("interfaces are claimed");
        await this.#claims.releaseAll();
        for (const { interfaceNumber } of this.#configuration?.interfaces ?? [])
          await this.#claims.take(interfaceNumber);
        await this.#native.selectConfiguration(configurationValue);
      } catch (error) {
        throw this.#failed(error, "Unable to set device configuration.");
      }
      this.#configuration = configuration;
    });
  }

  async claimInterface(interfaceNumber: number): Promise<void> {
    const target = this.#interface(interfaceNumber);
    if (target.claimed) return;
    await this.#change(async () => {
      try {
        await this.#claims.hold(interfaceNumber);
      } catch (error) {
        throw this.#failed(error, "Unable to claim interface.");
      }
      target.claimed = true;
      target.selected = 0;
      this.#addLines(target);
    });
  }

  async releaseInterface(interfaceNumber: number): Promise<void> {
    const target = this.#interface(interfaceNumber);
    if (!target.claimed) return;
    this.#endLines(target);
    await this.#change(async () => {
      try {
        await this.#claims.release(interfaceNumber);
      } catch (error) {
        throw this.#failed(error, "Unable to release interface.");
      }
      target.claimed = false;
      target.selected = 0;
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
    this.#endLines(target);
    await this.#change(async () => {
      try {
        await this.#native.selectAlternateInterface(interfaceNumber, alternateSetting);
      } catch (error) {
        throw this.#failed(error, "Unable to set device interface.");
      }
      target.selected = index;
      this.#addLines(target);
    });
  }

  async controlTransferIn(setup: USBControlTransferParameters, length: number): Promise<USBInTransferResult> {
    this.#ensureControl(setup);
    return this.#controlTransfer({ status: "stall" }, (native) =>
      native.controlTransferIn(setup, length, CONTROL_TIMEOUT),
    );
  }

  async controlTransferOut(setup: USBControlTransferParameters, data?: BufferSource): Promise<USBOutTransferResult> {
    this.#ensureControl(setup);
    const bytes = copyOf(data ?? new Uint8Array(0));
    return this.#controlTransfer({ status: "stall", bytesWritten: 0 }, (native) =>
      native.controlTransferOut(setup, bytes, CONTROL_TIMEOUT),
    );
  }

  async clearHalt(direction: USBDirection, endpointNumber: number): Promise<void> {
    await this.#line(direction, endpointNumber).clearHalt();
  }

  async transferIn(endpointNumber: number, length: number): Promise<USBInTransferResult> {
    return this.#line("in", endpointNumber).transferIn(length);
  }

  async transferOut(endpointNumber: number, data: BufferSource): Promise<USBOutTransferResult> {
    return this.#line("out", endpointNumber).transferOut(copyOf(data));
  }

  async isochronousTransferIn(): Promise<USBIsochronousInTransferResult> {
    throw new DOMException("The package usb has no isochronous transfers.", "NotSupportedError");
  }

  async isochronousTransferOut(): Promise<USBIsochronousOutTransferResult> {
    throw new DOMException("The package usb has no isochronous transfers.", "NotSupportedError");
  }

  /** The device has been pulled out. */
  gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#endAll(disconnected());
    if (this.#opened) void this.#change(() => this.#letGo()).catch(() => undefined);
    this.#opened = false;
    this.#onGone();
  }

  // ---------------------------------------------------------------- guards, in Blink's words

  #ensureHere(): void {
    if (this.#isGone) throw disconnected();
  }

  #ensureOpened(): void {
    this.#ensureHere();
    if (!this.#opened) throw new DOMException("The device must be opened first.", "InvalidStateError");
  }

  #ensureConfigured(): NodeConfiguration {
    this.#ensureOpened();
    if (this.#configuration) return this.#configuration;
    throw new DOMException("The device must have a configuration selected.", "InvalidStateError");
  }

  #interface(interfaceNumber: number): NodeInterface {
    const found = this.#ensureConfigured().interfaces.find((each) => each.interfaceNumber === interfaceNumber);
    if (found) return found;
    throw new DOMException(
      "The interface number provided is not supported by the device in its current configuration.",
      "NotFoundError",
    );
  }

  #claimedInterface(interfaceNumber: number): NodeInterface {
    const target = this.#interface(interfaceNumber);
    if (target.claimed) return target;
    throw new DOMException("The specified interface has not been claimed.", "InvalidStateError");
  }

  #line(direction: USBDirection, endpointNumber: number): EndpointLine {
    this.#ensureConfigured();
    if (endpointNumber === 0 || endpointNumber >= 16) {
      throw new DOMException("The specified endpoint number is out of range.", "IndexSizeError");
    }
    const line = this.#lines.get(endpointNumber | (direction === "in" ? 0x80 : 0));
    if (line) return line;
    throw new DOMException(
      "The specified endpoint is not part of a claimed and selected alternate interface.",
      "NotFoundError",
    );
  }

  #ensureControl({ recipient, index }: USBControlTransferParameters): void {
    this.#ensureOpened();
    if (recipient === "interface") this.#claimedInterface(index & 0xff);
    if (recipient === "endpoint") this.#line(index & 0x80 ? "in" : "out", index & 0x0f);
  }

  // ---------------------------------------------------------------- what is in flight

  async #controlTransfer<T>(stall: T, work: (native: NativeDevice) => Promise<T>): Promise<T> {
    const line = this.#control;
    return line.transfer(async () => {
      if (!this.#claims.any) await this.#change(() => this.#holdAny());
      try {
        return await line.call(work);
      } catch (error) {
        if (failureOf(error) === "stall") return stall;
        throw error;
      }
    });
  }

  #addLines({ alternate }: NodeInterface): void {
    for (const { address, type, packetSize } of alternate.endpoints) {
      if (type !== "isochronous") this.#lines.set(address, new EndpointLine(this.#lineDevice, address, packetSize));
    }
  }

  #endLines({ alternate }: NodeInterface): void {
    for (const { address } of alternate.endpoints) {
      this.#lines.get(address)?.end(transferError());
      this.#lines.delete(address);
    }
  }

  #endAll(error: DOMException): void {
    for (const line of this.#lines.values()) line.end(error);
    this.#lines.clear();
    this.#control.end(error);
  }

  #rejection(error: unknown): DOMException {
    if (this.#isGone) return disconnected();
    if (error instanceof DOMException) return error;
    return this.#failed(error, "A transfer error has occurred.");
  }

  /** A call of the package has failed: the device may be gone. */
  #failed(error: unknown, message: string): DOMException {
    if (failureOf(error) === "disconnected") this.gone();
    return this.#isGone ? disconnected() : new DOMException(message, "NetworkError");
  }

  // ---------------------------------------------------------------- changes, each by itself

  #change<T>(work: () => Promise<T>, patience = PATIENCE): Promise<T> {
    return this.#turns.change(work, patience, transferError);
  }

  #claimedInterfaces(): NodeInterface[] {
    return this.#configuration?.interfaces.filter((each) => each.claimed) ?? [];
  }

  async #holdAny(): Promise<void> {
    try {
      await this.#claims.holdAny(this.#configuration?.interfaces.map(({ interfaceNumber }) => interfaceNumber));
    } catch (error) {
      if (error === undefined) throw new DOMException("it has no interface that can be claimed", "NetworkError");
      if (failureOf(error) === "disconnected") throw this.#failed(error, "");
      throw new PlugError("BusyError", heldWords(this), { cause: error });
    }
  }

  async #claimAgain(target: NodeInterface): Promise<void> {
    const { interfaceNumber, alternate } = target;
    target.claimed = false;
    try {
      await this.#claims.hold(interfaceNumber);
      if (target.selected > 0) {
        await this.#native.selectAlternateInterface(interfaceNumber, alternate.alternateSetting);
      }
    } catch (error) {
      throw this.#failed(error, "Unable to reset the device.");
    }
    target.claimed = true;
    this.#addLines(target);
  }

  /** What cannot be read is left out: the caller reads it again, and has the words for it. */
  async #readConfigurations(): Promise<void> {
    const [count = 0] = (await this.#read(GET_DESCRIPTOR, DEVICE << 8, 18)).subarray(17);
    const configurations: NodeConfiguration[] = [];
    for (let index = 0; index < count; index++) {
      const value = (CONFIGURATION << 8) | index;
      const [low = 0, high = 0] = (await this.#read(GET_DESCRIPTOR, value, 9)).subarray(2);
      configurations.push(new NodeConfiguration(await this.#read(GET_DESCRIPTOR, value, low | (high << 8))));
    }
    const [active] = await this.#read(GET_CONFIGURATION, 0, 1);
    this.#configurations = configurations;
    this.#configuration =
      configurations.find((each) => each.configurationValue === active) ?? configurations[0] ?? null;
  }

  async #read(request: number, value: number, length: number): Promise<Uint8Array> {
    try {
      const setup = { requestType: "standard", recipient: "device", request, value, index: 0 } as const;
      const { data } = await this.#native.controlTransferIn(setup, length, CONTROL_TIMEOUT);
      if (data) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    } catch (error) {
      if (failureOf(error) === "disconnected") throw this.#failed(error, "");
    }
    return new Uint8Array(0);
  }

  /** Back to the computer. */
  async #letGo(): Promise<void> {
    for (const each of this.#claimedInterfaces()) {
      each.claimed = false;
      each.selected = 0;
    }
    await this.#claims.giveBack();
    await quietly(() => this.#native.close());
  }
}

/** The package opens the device for a name that the system does not tell, which may be forbidden. */
function textOf(read: () => string | null): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}

function pathOf({ bus, ports }: NativeDevice): string {
  return `${/^\d+$/.test(bus) ? Number(bus) : bus}-${ports.join(".")}`;
}

function copyOf(data: BufferSource): Uint8Array<ArrayBuffer> {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice()
    : new Uint8Array(data.slice(0));
}
