/** A host for one software device, over a real link: the front's ring, the back's ring, and the device behind it. */

import { Link as FrontLink, type Urb } from "../../../app/link.ts";
import { Core, compileCore, createMemory } from "../../../asm/core.ts";
import {
  FLAG_ZERO_PACKET,
  NONE,
  OPERATION_TRANSFER,
  SLOT_COUNT,
  STATUS_OK,
  TYPE_BULK,
  TYPE_CONTROL,
  TYPE_ISOCHRONOUS,
} from "../../../asm/layout.ts";
import type { Device } from "../../../worker/device.ts";
import { Link as BackLink } from "../../../worker/link.ts";

const module = await compileCore();

export interface Answer {
  readonly status: number;
  readonly actual: number;
  /** The bytes moved to the host. */
  readonly bytes: Uint8Array;
}

/** A transfer on its way, or answered. */
export class Transfer {
  readonly urb: Urb;
  /** Bytes asked for: the URB is used again after its answer. */
  readonly length: number;
  readonly answered: Promise<Answer>;
  answer: Answer | undefined;
  settle: (answer: Answer) => void = () => {};

  constructor(urb: Urb) {
    this.urb = urb;
    this.length = urb.length;
    this.answered = new Promise((resolve) => {
      this.settle = resolve;
    });
  }
}

export interface Setup {
  readonly bmRequestType: number;
  readonly bRequest: number;
  readonly wValue?: number;
  readonly wIndex?: number;
  readonly wLength?: number;
}

export interface How {
  readonly flags?: number;
  /** Isochronous: the microframe it is due in. */
  readonly frame?: number;
  readonly stream?: number;
}

export class Host {
  readonly device: Device;
  readonly front: FrontLink;
  readonly back: BackLink;

  private constructor(device: Device, front: FrontLink, back: BackLink) {
    this.device = device;
    this.front = front;
    this.back = back;
  }

  static async plug(device: Device): Promise<Host> {
    const memory = createMemory();
    const front = new FrontLink(await Core.instantiate(module, memory), 1, 0xffffff80);
    const fail = (reason: number): never => {
      throw new Error(`violation ${reason}`);
    };
    const back = new BackLink(await Core.instantiate(module, memory), 1, {
      submit: (request) => device.submit(request),
      cancel: (request) => device.cancel(request),
      violated: fail,
    });
    front.connect({ portEvent() {}, settled() {}, violated: fail });
    front.runInside(() => back.pump());
    return new Host(device, front, back);
  }

  /** Transfers of the device that wait for an answer. */
  get owned(): number {
    return this.back.owned;
  }

  /** Queues a transfer without looking whether it was answered. */
  submit(endpoint: number, type: number, data: Uint8Array | number, setup?: Setup, how: How = {}): Transfer {
    const length = typeof data === "number" ? data : data.length;
    const urb = this.front.reserve(length);
    if (!urb) throw new Error("no slot");
    const { core } = this.front;
    const { exports } = core;
    exports.address(urb.slot, 1, 1, endpoint);
    exports.describe(urb.slot, OPERATION_TRANSFER, type, how.flags ?? 0);
    exports.schedule(urb.slot, 0, how.stream ?? 0, how.frame ?? 0);
    if (setup) {
      const { bmRequestType, bRequest, wValue = 0, wIndex = 0 } = setup;
      exports.setup(urb.slot, bmRequestType | (bRequest << 8) | (wValue << 16), wIndex | (length << 16));
    }
    if (typeof data === "number") core.write(urb.slot, 0, new Uint8Array(length).fill(0xa5));
    else core.write(urb.slot, 0, data);
    const isIn = ((setup ? setup.bmRequestType : endpoint) & 0x80) !== 0;
    const transfer = new Transfer(urb);
    this.front.submit(urb, {
      urbCompleted: () => {
        const bytes = new Uint8Array(isIn ? urb.actual : 0);
        core.read(urb.slot, 0, bytes);
        transfer.answer = { status: urb.status, actual: urb.actual, bytes };
        this.front.release(urb);
        transfer.settle(transfer.answer);
      },
    });
    this.front.flush();
    return transfer;
  }

  in(endpoint: number, length: number, type = TYPE_BULK): Transfer {
    return this.submit(endpoint, type, length);
  }

  out(endpoint: number, data: Uint8Array, type = TYPE_BULK, flags = 0): Transfer {
    return this.submit(endpoint, type, data, undefined, { flags });
  }

  /** A bulk transfer of a stream, in when `data` is a length; stream 0 is none. */
  bulk(endpoint: number, stream: number, data: Uint8Array | number): Transfer {
    return this.submit(endpoint, TYPE_BULK, data, undefined, { stream });
  }

  /** The packet of one service interval, due in this microframe: answered at once, as every isochronous one. */
  isochronous(endpoint: number, data: Uint8Array | number, frame: number): Answer {
    return now(this.submit(endpoint, TYPE_ISOCHRONOUS, data, undefined, { frame }));
  }

  /** A control transfer, answered at once. */
  control(setup: Setup, data?: Uint8Array): Answer {
    return now(this.submit(0, TYPE_CONTROL, data ?? setup.wLength ?? 0, setup));
  }

  cancel(transfer: Transfer): void {
    this.front.cancel(transfer.urb);
    this.front.flush();
  }

  /** What the backend does for a reset of the port. */
  async reset(...waiting: Transfer[]): Promise<void> {
    for (const each of waiting) this.cancel(each);
    await this.device.reset();
  }

  configure(value = 1): void {
    const { status } = this.control({ bmRequestType: 0x00, bRequest: 9, wValue: value });
    if (status !== STATUS_OK) throw new Error(`SET_CONFIGURATION(${value}) ended with status ${status}`);
  }

  clearHalt(endpoint: number): Answer {
    return this.control({ bmRequestType: 0x02, bRequest: 1, wIndex: endpoint });
  }

  isHalted(endpoint: number): boolean {
    return this.control({ bmRequestType: 0x82, bRequest: 0, wIndex: endpoint, wLength: 2 }).bytes[0] === 1;
  }

  /** Everything was answered once and given back. */
  get clean(): boolean {
    this.front.poll();
    const { exports } = this.front.core;
    return this.owned === 0 && exports.freeSlots() === SLOT_COUNT && exports.reap() === NONE;
  }

  /** Lets promises of the device come in, and takes what they answered. */
  async settle(turns = 20): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    this.front.poll();
  }

  /** Waits for an answer that a promise of the device brings. */
  async wait(transfer: Transfer): Promise<Answer> {
    for (let turn = 0; turn < 1000 && !transfer.answer; turn++) await this.settle(1);
    return now(transfer);
  }
}

/** The answer of a transfer that must have one. */
export function now(transfer: Transfer): Answer {
  if (!transfer.answer) throw new Error("not answered yet");
  return transfer.answer;
}

export const ZERO_PACKET = FLAG_ZERO_PACKET;

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
}

/** Bytes that differ from place to place. */
export function pattern(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    result[at] = state >>> 24;
  }
  return result;
}
