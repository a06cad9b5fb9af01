/** The wire between a fake host and a fake device, below WebUSB: transfers become packets, endpoint by endpoint. */
import type { ControlAnswer, FakeFunction, FakeSetup } from "./usb-function.ts";

export interface WireResult {
  readonly status: USBTransferStatus;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Linux lets all users of usbfs have this much in flight together (usbfs_memory_mb). */
const USBFS_MEMORY = 16 * 1024 * 1024;

/** Where a packet is in its transfer's data, how long it was, and whether something went wrong with it. */
export interface IsochPacket {
  readonly at: number;
  readonly length: number;
  readonly isBad: boolean;
}

export interface Rejectable {
  reject(error: DOMException): void;
}

/** A transfer of any type on the wire, with the array that it was given. */
interface Flight extends Rejectable {
  readonly buffer: Uint8Array;
}

interface Transfer extends Flight {
  readonly endpoint: number;
  /** An IN's room, an OUT's data. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  readonly packetSize: number;
  done: number;
  resolve(result: WireResult): void;
}

/** Another task of the event loop, as soon as there is one: no promise of WebUSB settles within a task. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

export function transferError(): DOMException {
  return new DOMException("A transfer error has occurred.", "NetworkError");
}

/** What a host does with a wire. */
export interface BusWire {
  configuration: number;
  /** By interface, where it is not 0. */
  readonly alternates: Map<number, number>;
  transfer(endpoint: number, packetSize: number, buffer: Uint8Array<ArrayBuffer>): Promise<WireResult>;
  isochronous(endpoint: number, lengths: readonly number[], data: Uint8Array): Promise<IsochPacket[]>;
  control(setup: FakeSetup, data: Uint8Array): Promise<WireResult>;
  clearHalt(endpoint: number): void;
  setConfiguration(value: number): void;
  setInterface(interfaceNumber: number, alternate: number, endpoints: readonly number[]): void;
  reset(): void;
  take(buffer: Uint8Array): Rejectable | undefined;
  takeAll(endpoints?: readonly number[]): Rejectable[];
  cut(error: () => DOMException): void;
}

export class Wire implements BusWire {
  readonly #function: FakeFunction;
  /** In the order they were submitted, over all endpoints. */
  #transfers: Transfer[] = [];
  readonly #controls: Flight[] = [];
  #isochronous: (Flight & { readonly endpoint: number })[] = [];
  /** The bus is one: isochronous transfers take turns. */
  #isochronousTurn: Promise<unknown> = Promise.resolve();
  /** Ends the wait of control transfers that the device does not answer. */
  readonly #hanging = new Map<Flight, () => void>();
  /** Control transfers take turns. */
  #controlTurn: Promise<unknown> = Promise.resolve();
  readonly #halted = new Set<number>();
  #isKicked = false;
  #isCut = false;
  configuration: number;
  readonly alternates = new Map<number, number>();

  constructor(device: FakeFunction, configuration: number) {
    this.#function = device;
    this.configuration = configuration;
    device.attach?.({ wake: () => this.#kick() });
  }

  /** Transfers in flight, control transfers included. */
  get pending(): number {
    return this.#transfers.length + this.#controls.length + this.#isochronous.length;
  }

  transfer(endpoint: number, packetSize: number, buffer: Uint8Array<ArrayBuffer>): Promise<WireResult> {
    const inFlight = this.#transfers.reduce((sum, transfer) => sum + transfer.buffer.length, buffer.length);
    if (this.#isCut || inFlight > USBFS_MEMORY) return nextTask().then(() => Promise.reject(transferError()));
    return new Promise((resolve, reject) => {
      this.#transfers.push({ endpoint, packetSize: packetSize & 0x7ff, buffer, done: 0, resolve, reject });
      this.#kick();
    });
  }

  /**
   * Packets of an isochronous endpoint, one after the other. A device that has nothing, or is not listening, makes an empty
   * one.
   */
  isochronous(endpoint: number, lengths: readonly number[], data: Uint8Array): Promise<IsochPacket[]> {
    if (this.#isCut) return nextTask().then(() => Promise.reject(transferError()));
    const turn = this.#isochronousTurn.then(nextTask).then(() => {
      const packets: IsochPacket[] = [];
      let at = 0;
      for (const room of lengths) {
        const length = this.#isochPacket(endpoint, data.subarray(at, at + room));
        packets.push(length === "error" ? { at, length: 0, isBad: true } : { at, length, isBad: false });
        at += room;
      }
      return packets;
    });
    this.#isochronousTurn = turn.catch(() => undefined);
    return new Promise((resolve, reject) => {
      const flight = { endpoint, buffer: data, reject };
      this.#isochronous.push(flight);
      const over = () => {
        this.#isochronous = this.#isochronous.filter((each) => each !== flight);
      };
      turn.then(resolve, reject).finally(over);
    });
  }

  control(setup: FakeSetup, data: Uint8Array): Promise<WireResult> {
    if (this.#isCut) return nextTask().then(() => Promise.reject(transferError()));
    return new Promise((resolve, reject) => {
      const control = { buffer: data, reject };
      this.#controls.push(control);
      const served = this.#controlTurn.then(async () => {
        await nextTask();
        if (!this.#controls.includes(control)) return;
        const answer = await this.#answer(setup, data);
        if (!this.#controls.includes(control)) return;
        if (answer === "nak") await new Promise<void>((end) => this.#hanging.set(control, end));
        if (!this.#controls.includes(control)) return;
        this.#controls.splice(this.#controls.indexOf(control), 1);
        if (answer === "error") reject(transferError());
        else if (answer === "stall") resolve({ status: "stall", data: new Uint8Array(0) });
        else if (answer === "ack" || answer === "nak") resolve({ status: "ok", data: new Uint8Array(0) });
        else if (answer.length > setup.wLength) resolve({ status: "babble", data: answer.slice(0, setup.wLength) });
        else resolve({ status: "ok", data: answer.slice() });
      });
      this.#controlTurn = served;
    });
  }

  clearHalt(endpoint: number): void {
    this.#halted.delete(endpoint);
    this.#function.clearHalt?.(endpoint);
    this.#kick();
  }

  setConfiguration(value: number): void {
    this.configuration = value;
    this.alternates.clear();
    this.#halted.clear();
    this.#function.setConfiguration?.(value);
  }

  setInterface(interfaceNumber: number, alternate: number, endpoints: readonly number[]): void {
    this.alternates.set(interfaceNumber, alternate);
    for (const endpoint of endpoints) this.#halted.delete(endpoint);
    this.#function.setInterface?.(interfaceNumber, alternate);
  }

  /** The kernel puts configuration and alternates back after a reset. */
  reset(): void {
    this.#halted.clear();
    this.#function.reset?.();
  }

  /** Takes the transfers of some endpoints off the wire, or (without) all of them and the control transfers. */
  takeAll(endpoints?: readonly number[]): Rejectable[] {
    const isMeant = ({ endpoint }: { readonly endpoint: number }) => !endpoints || endpoints.includes(endpoint);
    const taken: Rejectable[] = [...this.#transfers.filter(isMeant), ...this.#isochronous.filter(isMeant)];
    this.#transfers = this.#transfers.filter((transfer) => !isMeant(transfer));
    this.#isochronous = this.#isochronous.filter((transfer) => !isMeant(transfer));
    if (!endpoints) taken.push(...this.takeControls());
    return taken;
  }

  /** Takes the control transfers off the wire. */
  takeControls(): Rejectable[] {
    for (const end of this.#hanging.values()) end();
    this.#hanging.clear();
    return this.#controls.splice(0);
  }

  /** Takes the transfer off the wire that was given this array. */
  take(buffer: Uint8Array): Rejectable | undefined {
    for (const list of [this.#transfers, this.#isochronous, this.#controls] as Flight[][]) {
      const index = list.findIndex((each) => each.buffer === buffer);
      if (index < 0) continue;
      const [taken] = list.splice(index, 1);
      if (taken) this.#hanging.get(taken)?.();
      return taken;
    }
    return undefined;
  }

  /** The plug is pulled. */
  cut(error: () => DOMException): void {
    this.#isCut = true;
    for (const transfer of this.takeAll()) transfer.reject(error());
  }

  #kick(): void {
    if (this.#isKicked) return;
    this.#isKicked = true;
    void nextTask().then(() => {
      this.#isKicked = false;
      this.#run();
    });
  }

  /** Moves every endpoint on as far as its device goes along. */
  #run(): void {
    const waiting = new Set<number>();
    for (const transfer of [...this.#transfers]) {
      if (waiting.has(transfer.endpoint) || !this.#transfers.includes(transfer)) continue;
      const outcome = transfer.endpoint & 0x80 ? this.#runIn(transfer) : this.#runOut(transfer);
      if (outcome === "nak") {
        waiting.add(transfer.endpoint);
        continue;
      }
      this.#transfers.splice(this.#transfers.indexOf(transfer), 1);
      if (outcome === "error") transfer.reject(transferError());
      else transfer.resolve({ status: outcome, data: transfer.buffer.slice(0, transfer.done) });
    }
  }

  #runIn(transfer: Transfer): USBTransferStatus | "nak" | "error" {
    for (;;) {
      if (this.#halted.has(transfer.endpoint)) return "stall";
      const packet = this.#function.in?.(transfer.endpoint) ?? "nak";
      if (packet === "stall") this.#halted.add(transfer.endpoint);
      if (typeof packet === "string") return packet;
      const room = transfer.buffer.length - transfer.done;
      transfer.buffer.set(packet.subarray(0, room), transfer.done);
      transfer.done += Math.min(packet.length, room);
      if (packet.length > room) return "babble";
      if (packet.length < transfer.packetSize || transfer.done === transfer.buffer.length) return "ok";
    }
  }

  #runOut(transfer: Transfer): USBTransferStatus | "nak" | "error" {
    do {
      if (this.#halted.has(transfer.endpoint)) return "stall";
      const packet = transfer.buffer.slice(transfer.done, transfer.done + transfer.packetSize);
      const answer = this.#function.out?.(transfer.endpoint, packet) ?? "nak";
      if (answer === "stall") this.#halted.add(transfer.endpoint);
      if (answer !== "ack") return answer;
      transfer.done += packet.length;
    } while (transfer.done < transfer.buffer.length);
    return "ok";
  }

  #isochPacket(endpoint: number, room: Uint8Array): number | "error" {
    if (!(endpoint & 0x80)) {
      const answer = this.#function.out?.(endpoint, room.slice()) ?? "nak";
      return answer === "ack" ? room.length : answer === "error" ? "error" : 0;
    }
    const packet = this.#function.in?.(endpoint) ?? "nak";
    if (packet === "error") return "error";
    if (typeof packet === "string") return 0;
    if (packet.length > room.length) return "error";
    room.set(packet);
    return packet.length;
  }

  async #answer(setup: FakeSetup, data: Uint8Array): Promise<ControlAnswer> {
    return this.#standard(setup) ?? (await this.#function.control?.(setup, data)) ?? "stall";
  }

  /** What every device answers from its descriptors and its state (USB 2.0 §9.4). */
  #standard({ bmRequestType, bRequest, wValue, wIndex, wLength }: FakeSetup): ControlAnswer | undefined {
    const cut = (bytes: Uint8Array | undefined) => bytes?.slice(0, wLength) ?? "stall";
    switch ((bmRequestType << 8) | bRequest) {
      case 0x8006: {
        const own = this.#function.descriptor?.(wValue >> 8, wValue & 0xff, wLength);
        if (own !== undefined) return own;
        if (wValue >> 8 === 1) return cut(this.#function.deviceDescriptor);
        if (wValue >> 8 === 2) return cut(this.#function.configurations[wValue & 0xff]);
        if (wValue >> 8 === 3) return cut(this.#string(wValue & 0xff));
        return undefined;
      }
      case 0x8000:
      case 0x8100:
        return cut(new Uint8Array(2));
      case 0x8200:
        return cut(Uint8Array.of(this.#halted.has(wIndex & 0x8f) ? 1 : 0, 0));
      case 0x8008:
        return cut(Uint8Array.of(this.configuration));
      case 0x810a:
        return cut(Uint8Array.of(this.alternates.get(wIndex) ?? 0));
      default:
        return undefined;
    }
  }

  #string(index: number): Uint8Array | undefined {
    if (index === 0) return Uint8Array.of(4, 3, 0x09, 0x04);
    const [manufacturer, product, serialNumber] = this.#function.deviceDescriptor.subarray(14, 17);
    const { manufacturer: maker, product: name, serialNumber: serial } = this.#function;
    const text =
      index === manufacturer ? maker : index === product ? name : index === serialNumber ? serial : undefined;
    if (text === undefined) return undefined;
    const bytes = new Uint8Array(2 + 2 * text.length);
    bytes.set([bytes.length, 3]);
    for (let at = 0; at < text.length; at++) {
      bytes.set([text.charCodeAt(at) & 0xff, text.charCodeAt(at) >> 8], 2 + 2 * at);
    }
    return bytes;
  }
}
