/**
 * An isochronous pipe of a random program. The device is asked ahead of time and answers at once; the guest hears of a packet
 * when its interval is over, of each once and in order, and a pipe that was stopped asks for its first packets again.
 */
import { CC_RING_OVERRUN, CC_RING_UNDERRUN, CC_STOPPED, CC_USB_TRANSACTION_ERROR } from "../../../app/xhci/trb.ts";
import { STATUS_OK, STATUS_TRANSACTION_ERROR } from "../../../asm/layout.ts";
import type { Request } from "../../../worker/request.ts";
import type { GuestEvent } from "./consumer-ring.ts";
import { completedEvents, type ExpectedEvent, failedEvent, type Td } from "./pipe.ts";

const MFINDEX_MASK = 0x3fff;

interface Packet {
  readonly status: number;
  /** The microframe that it was asked for in. */
  readonly frame: number;
  readonly bytes: Uint8Array;
}

export class IsochPipe {
  readonly endpoint: number;
  /** Handed over, and not ended. */
  readonly tds: Td[] = [];
  /** What the device did with the first of them. */
  #packets: Packet[] = [];
  #expected: ExpectedEvent[] = [];
  #serial = 0;

  constructor(endpoint: number) {
    this.endpoint = endpoint;
  }

  get isIn(): boolean {
    return (this.endpoint & 1) === 1;
  }

  /** The device's answer to the next packet: `share` of what there is room for, or noise on the wire. */
  answer(request: Request, isNoise: boolean, share: number): { status: number; moved: number | Uint8Array } {
    const td = this.tds[this.#packets.length];
    if (!td) throw new Error(`Endpoint ${this.endpoint}: the device is asked for a packet that nobody queued.`);
    if (request.length !== td.length) throw new Error(`Endpoint ${this.endpoint}: a packet of the wrong length.`);
    const status = isNoise ? STATUS_TRANSACTION_ERROR : STATUS_OK;
    if (!this.isIn) {
      const sent = new Uint8Array(request.length);
      request.read(sent);
      if (!sent.every((byte, at) => byte === td.content[at])) throw new Error("A wrong byte went out in a packet.");
      const moved = isNoise ? 0 : request.length;
      this.#packets.push({ status, frame: request.frame, bytes: sent.subarray(0, moved) });
      return { status, moved };
    }
    const serial = ++this.#serial;
    const length = Math.floor(request.length * share);
    const bytes = Uint8Array.from({ length }, (_, at) => (serial * 37 + at) & 0xff);
    this.#packets.push({ status, frame: request.frame, bytes });
    return { status, moved: bytes };
  }

  /** Compares an event with what must come next. `mfindex` is what the guest reads there now. */
  take(event: GuestEvent, mfindex: number, bytes: (address: number, length: number) => Uint8Array): void {
    const { code, parameter, length, isEventData } = event;
    if (code === CC_RING_OVERRUN || code === CC_RING_UNDERRUN) {
      if (this.tds.length > 0 && this.#packets.length > 0) throw new Error("A ring that is served has starved.");
      return;
    }
    const [td] = this.tds;
    const [packet] = this.#packets;
    if (!td || !packet) throw new Error(`An event of no packet: ${JSON.stringify(event)}`);
    if (code === CC_STOPPED && this.#expected.length === 0) {
      if (!td.pieces.some(({ address }) => address === parameter)) throw new Error("Stopped at another TD.");
      return;
    }
    if (((mfindex - packet.frame) & MFINDEX_MASK) > MFINDEX_MASK >> 1)
      throw new Error("A packet is over before its time.");
    if (this.#expected.length === 0) this.#expected = expectedOf(td, packet);
    const expected = this.#expected.shift();
    const got: ExpectedEvent = { code, parameter, length, isEventData };
    if (JSON.stringify(got) !== JSON.stringify(expected)) {
      throw new Error(`Endpoint ${this.endpoint}: ${JSON.stringify(got)} came for ${JSON.stringify(expected)}`);
    }
    if (this.#expected.length > 0) return;
    this.tds.shift();
    this.#packets.shift();
    if (this.isIn) this.#checkBytes(td, packet, bytes);
  }

  /** What was asked for ahead of time is asked for again. */
  askAgain(): void {
    this.#packets = [];
  }

  forget(): void {
    this.tds.length = 0;
    this.askAgain();
    this.#expected = [];
  }

  #checkBytes(td: Td, packet: Packet, bytes: (address: number, length: number) => Uint8Array): void {
    let at = 0;
    for (const { buffer, length } of td.pieces) {
      const count = Math.min(length, Math.max(0, packet.bytes.length - at));
      if (!bytes(buffer, count).every((byte, index) => byte === packet.bytes[at + index])) {
        throw new Error(`Endpoint ${this.endpoint}: a wrong byte came in a packet.`);
      }
      at += length;
    }
  }
}

/** §4.9.1: an error is told where it was, and again by each TRB behind it that wants an event. */
function expectedOf(td: Td, { status, bytes }: Packet): ExpectedEvent[] {
  if (status === STATUS_OK) return completedEvents(td, bytes.length);
  const failed = failedEvent(td, bytes.length, CC_USB_TRANSACTION_ERROR);
  const at = td.pieces.findIndex(({ address }) => address === failed.parameter);
  const passed = td.pieces.slice(at + 1).filter(({ interrupts }) => interrupts);
  const again = passed.map(({ address, length }) => ({
    code: CC_USB_TRANSACTION_ERROR,
    parameter: address,
    length,
    isEventData: false,
  }));
  return [failed, ...again];
}
