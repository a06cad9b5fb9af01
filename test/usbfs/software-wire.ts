/** A wire with one of our own software devices at its end, in place of a FakeFunction: whole transfers, over a real link. */
import { SPEED_SUPER, STATUS_BABBLE, STATUS_OK, STATUS_STALL, TYPE_BULK, TYPE_CONTROL } from "../../asm/layout.ts";
import { createDevice } from "../../worker/device/index.ts";
import type { DeviceHost } from "../../worker/device.ts";
import type { DeviceSource } from "../../worker/protocol.ts";
import type { FakeFunction, FakeSetup } from "../fakes/usb-function.ts";
import {
  type BusWire,
  type IsochPacket,
  nextTask,
  type Rejectable,
  transferError,
  type WireResult,
} from "../fakes/usb-wire.ts";
import { type Answer, Host, type Transfer } from "../unit/device/harness.ts";

const GET_DESCRIPTOR = 6;
const SET_CONFIGURATION = 9;
const SET_INTERFACE = 11;
const DEVICE = 1;
const CONFIGURATION = 2;
/** Microframes from one isochronous packet to the next. */
const INTERVAL = 8;

const RESULTS: Readonly<Record<number, USBTransferStatus>> = {
  [STATUS_OK]: "ok",
  [STATUS_STALL]: "stall",
  [STATUS_BABBLE]: "babble",
};

interface Flight extends Rejectable {
  readonly endpoint: number;
  readonly buffer: Uint8Array;
  readonly transfer: Transfer;
}

export class SoftwareWire implements BusWire {
  /** Its descriptors and strings. */
  readonly fn: FakeFunction;
  readonly alternates = new Map<number, number>();
  configuration: number;
  readonly #host: Host;
  readonly #flights = new Set<Flight>();
  #frame = 0;

  private constructor(host: Host) {
    this.#host = host;
    const describe = (type: number, index: number, wLength: number) => {
      const setup = { bmRequestType: 0x80, bRequest: GET_DESCRIPTOR, wValue: (type << 8) | index, wLength };
      return host.control(setup).bytes;
    };
    const deviceDescriptor = describe(DEVICE, 0, 18);
    const configurations = Array.from({ length: deviceDescriptor[17] ?? 0 }, (_, index) =>
      describe(CONFIGURATION, index, 0xffff),
    );
    const { manufacturer, product, serialNumber } = host.device.identity;
    this.fn = { deviceDescriptor, configurations, manufacturer, product, serialNumber };
    this.configuration = configurations[0]?.[5] ?? 0;
    this.setConfiguration(this.configuration);
  }

  static async plug(source: DeviceSource): Promise<SoftwareWire> {
    const tie: DeviceHost = { gone: () => undefined, wake: () => undefined, hasOutput: () => undefined };
    const host = await Host.plug(await createDevice(source, tie, SPEED_SUPER));
    void host.front.run();
    void host.back.run();
    return new SoftwareWire(host);
  }

  async transfer(endpoint: number, _packetSize: number, buffer: Uint8Array<ArrayBuffer>): Promise<WireResult> {
    const data = endpoint & 0x80 ? buffer.length : buffer;
    return this.#result(await this.#fly(endpoint, buffer, this.#host.submit(endpoint, TYPE_BULK, data)));
  }

  async control({ wLength, ...setup }: FakeSetup, data: Uint8Array): Promise<WireResult> {
    const payload = setup.bmRequestType & 0x80 ? wLength : data;
    return this.#result(await this.#fly(0, data, this.#host.submit(0, TYPE_CONTROL, payload, setup)));
  }

  async isochronous(endpoint: number, lengths: readonly number[], data: Uint8Array): Promise<IsochPacket[]> {
    await nextTask();
    let at = 0;
    return lengths.map((length) => {
      const room = data.subarray(at, at + length);
      const { status, actual, bytes } = this.#packet(endpoint, room);
      if (endpoint & 0x80) room.set(bytes);
      const packet = { at, length: actual, isBad: status !== STATUS_OK };
      at += length;
      return packet;
    });
  }

  clearHalt(endpoint: number): void {
    this.#host.clearHalt(endpoint);
  }

  setConfiguration(value: number): void {
    this.configuration = value;
    this.alternates.clear();
    this.#host.control({ bmRequestType: 0x00, bRequest: SET_CONFIGURATION, wValue: value });
  }

  setInterface(interfaceNumber: number, alternate: number): void {
    this.alternates.set(interfaceNumber, alternate);
    this.#host.control({ bmRequestType: 0x01, bRequest: SET_INTERFACE, wValue: alternate, wIndex: interfaceNumber });
  }

  /** The kernel puts the configuration and the alternates back. */
  reset(): void {
    const alternates = [...this.alternates];
    void this.#host.device.reset();
    this.setConfiguration(this.configuration);
    for (const [interfaceNumber, alternate] of alternates) this.setInterface(interfaceNumber, alternate);
  }

  take(buffer: Uint8Array): Rejectable | undefined {
    return this.#take((flight) => flight.buffer === buffer)[0];
  }

  takeAll(endpoints?: readonly number[]): Rejectable[] {
    return this.#take(({ endpoint }) => endpoints?.includes(endpoint) ?? true);
  }

  cut(error: () => DOMException): void {
    for (const flight of this.takeAll()) flight.reject(error());
    void this.#host.device.close();
    this.#host.front.close();
    this.#host.back.close();
  }

  #packet(endpoint: number, room: Uint8Array): Answer {
    this.#frame += INTERVAL;
    return this.#host.isochronous(endpoint, endpoint & 0x80 ? room.length : room, this.#frame);
  }

  #fly(endpoint: number, buffer: Uint8Array, transfer: Transfer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const flight = { endpoint, buffer, transfer, reject };
      this.#flights.add(flight);
      void transfer.answered.then((answer) => this.#flights.delete(flight) && resolve(answer));
      this.#host.front.poll();
    });
  }

  #take(isMeant: (flight: Flight) => boolean): Flight[] {
    const taken = [...this.#flights].filter(isMeant);
    for (const flight of taken) {
      this.#flights.delete(flight);
      if (!flight.transfer.answer) this.#host.cancel(flight.transfer);
    }
    return taken;
  }

  #result({ status, bytes }: Answer): WireResult {
    const result = RESULTS[status];
    if (!result) throw transferError();
    return { status: result, data: new Uint8Array(bytes) };
  }
}
