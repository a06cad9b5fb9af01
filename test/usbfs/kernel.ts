/**
 * What a Linux kernel does behind usbfs (drivers/usb/core/devio.c tells it, linux/usbdevice_fs.h names it), for fake devices: open
 * files, claims, URBs on their way. The devices are the same that the fake navigator.usb drives.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { FakeEndpoint } from "../fakes/usb-configuration.ts";
import type { FakeFunction } from "../fakes/usb-function.ts";
import { type BusWire, type IsochPacket, Wire, type WireResult } from "../fakes/usb-wire.ts";
import { Device, OpenFile, type PlugOptions, type Urb } from "./device.ts";
import * as protocol from "./protocol.ts";

/** Errors of Linux. */
const ERRNO = {
  ENOENT: 2,
  EACCES: 13,
  EBUSY: 16,
  ENODEV: 19,
  EINVAL: 22,
  EPIPE: 32,
  ENODATA: 61,
  EPROTO: 71,
  EOVERFLOW: 75,
  ESHUTDOWN: 108,
} as const;
type Errno = keyof typeof ERRNO;

// linux/usbdevice_fs.h: the number of an ioctl is its lowest byte
const SETINTERFACE = 4;
const SETCONFIGURATION = 5;
const CLAIMINTERFACE = 15;
const RELEASEINTERFACE = 16;
const RESET = 20;
const CLEAR_HALT = 21;
const DISCONNECT = 22;
const CONNECT = 23;

const URB_TYPE_ISO = 0;
const URB_TYPE_CONTROL = 2;
const SETUP_SIZE = 8;

// bmRequestType (USB 2.0 table 9-2)
const TYPE_MASK = 0x60;
const TYPE_VENDOR = 0x40;
const RECIPIENT_MASK = 0x1f;
const RECIPIENT_INTERFACE = 1;
const RECIPIENT_ENDPOINT = 2;

export class Kernel {
  readonly #folder: string;
  readonly #server: Server;
  readonly #browsers = new Set<Socket>();
  readonly #devices = new Map<number, Device>();
  readonly #functions = new Map<FakeFunction, Device>();
  readonly #files = new Map<number, OpenFile>();
  #lastNumber = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#server = createServer((socket) => this.#connected(socket));
  }

  /** Its socket and its device's files are in `folder`. One browser at a time uses it. */
  static async start(folder: string): Promise<Kernel> {
    const kernel = new Kernel(folder);
    await new Promise<void>((resolve) => kernel.#server.listen(kernel.socket, resolve));
    return kernel;
  }

  get socket(): string {
    return join(this.#folder, "socket");
  }

  /** With another wire than that of a fake, `fn` is only what describes the device. */
  plug(
    fn: FakeFunction,
    options: PlugOptions = {},
    wire: BusWire = new Wire(fn, fn.configurations[0]?.[5] ?? 0),
  ): void {
    const device = new Device(++this.#lastNumber, fn, wire, options);
    this.#devices.set(device.number, device);
    this.#functions.set(fn, device);
    const frame = this.#announce(device, fn);
    for (const browser of this.#browsers) browser.write(frame);
  }

  /** Pulls it out: its URBs end, then its files are of no use, then udev tells. */
  unplug(fn: FakeFunction): void {
    const device = this.#functions.get(fn);
    if (!device) return;
    this.#functions.delete(fn);
    this.#devices.delete(device.number);
    device.wire.cut(() => failure("ESHUTDOWN"));
    setImmediate(() => {
      for (const { number } of device.files) this.#send(protocol.GONE, [number]);
      this.#send(protocol.REMOVE, [device.number]);
    });
  }

  /** URBs of a device that are on their way. */
  pending(fn: FakeFunction): number {
    const files = this.#functions.get(fn)?.files ?? [];
    return [...files].reduce((sum, { urbs }) => sum + urbs.size, 0);
  }

  async stop(): Promise<void> {
    for (const browser of this.#browsers) browser.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #announce(device: Device, fn: FakeFunction): Buffer {
    const { number, options, wire } = device;
    const path = join(this.#folder, `device${number}`);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path);
    writeFileSync(join(path, "descriptors"), Buffer.concat([fn.deviceDescriptor, ...fn.configurations]));
    const hex = (at: number) =>
      new DataView(fn.deviceDescriptor.slice().buffer).getUint16(at, true).toString(16).padStart(4, "0");
    const attributes: Record<string, string | undefined> = {
      syspath: path,
      sysname: `90-${number}`,
      devnode: `/dev/bus/usb/090/${String(number).padStart(3, "0")}`,
      busnum: "90",
      devnum: String(number),
      speed: String(options.speed ?? 480),
      bConfigurationValue: String(wire.configuration),
      idVendor: hex(8),
      idProduct: hex(10),
      bcdDevice: hex(12),
      manufacturer: fn.manufacturer,
      product: fn.product,
      serial: fn.serialNumber,
    };
    const pairs = Object.entries(attributes).filter(([, value]) => value !== undefined);
    return protocol.frame(
      protocol.ADD,
      [number],
      Buffer.from(
        pairs
          .flat()
          .map((text) => `${text}\0`)
          .join(""),
      ),
    );
  }

  #connected(browser: Socket): void {
    this.#browsers.add(browser);
    const reader = new protocol.FrameReader();
    browser.on("data", (chunk: Buffer) => {
      for (const frame of reader.take(chunk)) this.#take(frame);
    });
    browser.on("error", () => undefined);
    browser.on("close", () => {
      this.#browsers.delete(browser);
      for (const file of [...this.#files.values()]) this.#close(file);
    });
    for (const [fn, device] of this.#functions) browser.write(this.#announce(device, fn));
    browser.write(protocol.frame(protocol.READY, []));
  }

  #take({ type, body }: protocol.Frame): void {
    const word = (index: number) => body.getUint32(index * 4, true);
    switch (type) {
      case protocol.OPEN:
        this.#reply(word(0), () => this.#open(word(1), word(2)));
        return;
      case protocol.CLOSE:
        this.#close(this.#files.get(word(0)));
        return;
      case protocol.IOCTL:
        this.#reply(word(0), () => this.#ioctl(this.#file(word(1)), word(2) & 0xff, word(3), word(4)));
        return;
      case protocol.SUBMIT:
        this.#submit(this.#files.get(word(0)), body);
        return;
      case protocol.DISCARD:
        this.#reply(word(0), () => this.#discard(this.#file(word(1)), word(2), word(3)));
    }
  }

  #open(number: number, deviceNumber: number): void {
    const device = this.#devices.get(deviceNumber);
    if (!device) throw failure("ENODEV");
    if (device.options.forbidden) throw failure("EACCES");
    const file = new OpenFile(number, device);
    this.#files.set(number, file);
    device.files.add(file);
  }

  /** Nobody reaps what was on its way. */
  #close(file: OpenFile | undefined): void {
    if (!file) return;
    const { device } = file;
    this.#files.delete(file.number);
    device.files.delete(file);
    for (const { buffer } of file.urbs) device.wire.take(buffer)?.reject(failure("ENOENT"));
    file.urbs.clear();
    for (const [number, owner] of device.claims) if (owner === file) device.claims.delete(number);
  }

  #ioctl(file: OpenFile, request: number, first: number, second: number): void {
    const { device } = file;
    const { wire } = device;
    if (!this.#devices.has(device.number)) throw failure("ENODEV");
    switch (request) {
      case CLAIMINTERFACE:
        this.#claim(file, first);
        return;
      case RELEASEINTERFACE:
        if (device.claims.get(first) !== file) throw failure("EINVAL");
        this.#end(device, first);
        device.claims.delete(first);
        wire.alternates.delete(first);
        return;
      case SETINTERFACE: {
        this.#claim(file, first);
        this.#end(device, first);
        const alternates = device.interfaces.find((each) => each.interfaceNumber === first)?.alternates ?? [];
        const alternate = alternates.find((each) => each.alternateSetting === second);
        if (!alternate) throw failure("EINVAL");
        wire.setInterface(
          first,
          second,
          alternates.flatMap(({ endpoints }) => endpoints.map(({ address }) => address)),
        );
        return;
      }
      case SETCONFIGURATION:
        if (device.claims.size + device.bound.size > 0) throw failure("EBUSY");
        wire.setConfiguration(first);
        return;
      case CLEAR_HALT:
        this.#claimOf(file, first & 0x8f);
        wire.clearHalt(first & 0x8f);
        return;
      case RESET:
        // usbfs has no way to keep its interfaces over a reset: the kernel takes them off it. Then endpoint 0 is emptied.
        for (const { interfaceNumber } of device.interfaces) this.#end(device, interfaceNumber);
        for (const transfer of wire.takeAll()) transfer.reject(failure("ESHUTDOWN"));
        device.claims.clear();
        wire.reset();
        device.bind();
        return;
      case DISCONNECT:
        if (!device.bound.delete(first)) throw failure("ENODATA");
        return;
      case CONNECT:
        if (device.claims.has(first) || device.bound.has(first)) throw failure("EBUSY");
        device.bind();
        return;
      default:
        throw failure("EINVAL");
    }
  }

  /** Also of whoever uses an interface that it has not claimed. */
  #claim(file: OpenFile, interfaceNumber: number): void {
    const { device } = file;
    if (!device.interfaces.some((each) => each.interfaceNumber === interfaceNumber)) throw failure("ENOENT");
    const owner = device.claims.get(interfaceNumber);
    if ((owner && owner !== file) || device.bound.has(interfaceNumber)) throw failure("EBUSY");
    device.claims.set(interfaceNumber, file);
  }

  /** The endpoint, whose interface its user has from now on. */
  #claimOf(file: OpenFile, address: number): FakeEndpoint {
    const found = file.device.endpoint(address);
    if (!found) throw failure("ENOENT");
    this.#claim(file, found.interfaceNumber);
    return found.endpoint;
  }

  /** What is on its way to the endpoints of an interface ends. */
  #end(device: Device, interfaceNumber: number): void {
    const addresses = device.endpoints(interfaceNumber).map(({ address }) => address);
    for (const transfer of device.wire.takeAll(addresses)) transfer.reject(failure("ENOENT"));
  }

  #submit(file: OpenFile | undefined, body: DataView): void {
    if (!file) return;
    const word = (index: number) => body.getUint32(index * 4, true);
    const [type, address, length, packets] = [word(3), word(4), word(6), word(7)];
    const lengths = Array.from({ length: packets }, (_, index) => word(8 + index));
    const payload = new Uint8Array(body.buffer, 32 + packets * 4);
    const isControl = type === URB_TYPE_CONTROL;
    const buffer = isControl ? payload.slice(SETUP_SIZE) : address & 0x80 ? new Uint8Array(length) : payload.slice();
    const urb: Urb = { name: [word(1), word(2)], endpoint: address, buffer };
    file.urbs.add(urb);
    const work = isControl
      ? this.#control(file, payload, buffer)
      : this.#transfer(file, type, address, lengths, buffer);
    work.then(
      ({ status, data }) => this.#complete(file, urb, status, data),
      (error: Error) => this.#complete(file, urb, error.name in ERRNO ? (error.name as Errno) : "EPROTO"),
    );
  }

  async #control(file: OpenFile, setup: Uint8Array, data: Uint8Array): Promise<Outcome> {
    const view = new DataView(setup.slice(0, SETUP_SIZE).buffer);
    const [bmRequestType, bRequest] = [view.getUint8(0), view.getUint8(1)];
    const [wValue, wIndex, wLength] = [2, 4, 6].map((at) => view.getUint16(at, true)) as [number, number, number];
    // What is asked of an interface or an endpoint is for who has it; a maker's own requests are anybody's.
    const isVendor = (bmRequestType & TYPE_MASK) === TYPE_VENDOR;
    const recipient = bmRequestType & RECIPIENT_MASK;
    if (!isVendor && recipient === RECIPIENT_INTERFACE) this.#claim(file, wIndex & 0xff);
    if (!isVendor && recipient === RECIPIENT_ENDPOINT && wIndex & 0x0f) this.#claimOf(file, wIndex & 0x8f);
    const { wire } = file.device;
    return outcome(await wire.control({ bmRequestType, bRequest, wValue, wIndex, wLength }, data));
  }

  async #transfer(
    file: OpenFile,
    type: number,
    address: number,
    lengths: readonly number[],
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<Outcome | { status: undefined; data: Isochronous }> {
    const { device } = file;
    const { packetSize } = this.#claimOf(file, address);
    if (type !== URB_TYPE_ISO) return outcome(await device.wire.transfer(address, packetSize, buffer));
    const packets = await device.wire.isochronous(address, lengths, buffer);
    return { status: undefined, data: { packets, bytes: buffer } };
  }

  #discard(file: OpenFile, low: number, high: number): void {
    const urb = [...file.urbs].find(({ name }) => name[0] === low && name[1] === high);
    const transfer = urb && file.device.wire.take(urb.buffer);
    if (!transfer) throw failure("EINVAL");
    transfer.reject(failure("ENOENT"));
  }

  #complete(
    file: OpenFile,
    urb: Urb,
    status: Errno | undefined,
    data: Uint8Array | Isochronous = new Uint8Array(0),
  ): void {
    if (!file.urbs.delete(urb)) return;
    const isIn = (urb.endpoint & 0x80) !== 0 || urb.endpoint === 0;
    const code = status ? -ERRNO[status] : 0;
    if (data instanceof Uint8Array) {
      this.#send(protocol.COMPLETE, [file.number, ...urb.name, code, data.length, 0, 0], isIn ? data : undefined);
      return;
    }
    const { packets, bytes } = data;
    const details = packets.flatMap(({ length, isBad }) => [length, isBad ? -ERRNO.EPROTO : 0]);
    const bad = packets.filter(({ isBad }) => isBad).length;
    const moved = packets.reduce((sum, { length }) => sum + length, 0);
    const head = [file.number, ...urb.name, code, moved, bad, packets.length, ...details];
    this.#send(protocol.COMPLETE, head, isIn ? bytes : undefined);
  }

  #file(number: number): OpenFile {
    const file = this.#files.get(number);
    if (!file) throw failure("ENODEV");
    return file;
  }

  #reply(call: number, work: () => void): void {
    let result = 0;
    try {
      work();
    } catch (error) {
      result = -ERRNO[(error as Error).name as Errno];
    }
    this.#send(protocol.REPLY, [call, result]);
  }

  #send(type: number, words: readonly number[], data?: Uint8Array): void {
    for (const browser of this.#browsers) browser.write(protocol.frame(type, words, data));
  }
}

interface Isochronous {
  readonly packets: readonly IsochPacket[];
  readonly bytes: Uint8Array;
}

interface Outcome {
  readonly status: Errno | undefined;
  readonly data: Uint8Array;
}

/** An errno on its way; a transfer that fails on the wire has a name of WebUSB's instead, and is EPROTO. */
function failure(errno: Errno): DOMException {
  return new DOMException("", errno);
}

function outcome({ status, data }: WireResult): Outcome {
  const errno = { ok: undefined, stall: "EPIPE", babble: "EOVERFLOW" } as const;
  return { status: errno[status], data };
}
