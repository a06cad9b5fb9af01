/**
 * One pipe of a random program: what the driver has handed over on a ring, what the device did with it, and which events the
 * specification says must come of it (xHCI 1.2 §4.9.1, §4.10.1, §4.11.5.2). It knows nothing of how the controller does it.
 */
import {
  CC_BABBLE,
  CC_SHORT_PACKET,
  CC_STALL,
  CC_STOPPED,
  CC_SUCCESS,
  CC_USB_TRANSACTION_ERROR,
} from "../../../app/xhci/trb.ts";
import { STATUS_BABBLE, STATUS_OK, STATUS_STALL, STATUS_TRANSACTION_ERROR } from "../../../asm/layout.ts";
import type { GuestEvent } from "./consumer-ring.ts";

/** A TRB of a TD, as the driver wrote it. */
export interface Piece {
  readonly address: number;
  readonly buffer: number;
  readonly length: number;
  readonly interrupts: boolean;
  /** ISP. */
  readonly onShort: boolean;
  readonly isEventData: boolean;
  readonly data: number;
}

export interface Td {
  readonly pieces: readonly Piece[];
  readonly length: number;
  /** What an OUT carries. */
  readonly content: Uint8Array;
  /** Bytes moved before it was stopped or failed, and went on. */
  carried: number;
}

/** What the device did with the pipe's next TD. */
export interface Outcome {
  readonly status: number;
  /** Bytes of this try. */
  readonly moved: number;
  /** The guest had asked for a stop. */
  readonly stopped: boolean;
}

/** An event that must come. */
export interface ExpectedEvent {
  readonly code: number;
  readonly parameter: number;
  readonly length: number;
  readonly isEventData: boolean;
}

const CODES: Readonly<Record<number, number>> = {
  [STATUS_STALL]: CC_STALL,
  [STATUS_BABBLE]: CC_BABBLE,
  [STATUS_TRANSACTION_ERROR]: CC_USB_TRANSACTION_ERROR,
};

/** Byte `offset` of what a device sends on an endpoint. */
export function sentByte(key: number, offset: number): number {
  return (Math.imul(offset + 1, 0x9e3779b1) ^ Math.imul(key, 0x85ebca6b)) >>> 24;
}

export class Pipe {
  readonly endpoint: number;
  readonly stream: number;
  /** Handed over, and not ended. */
  readonly tds: Td[] = [];
  /** Of the TDs, in order. */
  readonly outcomes: Outcome[] = [];
  /** Bytes that the device has sent, and of those the ones that TDs brought. */
  sent = 0;
  arrived = 0;
  /** Bytes that the device has had, and has not been asked about. */
  readonly received: number[] = [];
  halted = false;
  #expected: ExpectedEvent[] = [];
  #retryable = false;

  constructor(endpoint: number, stream: number) {
    this.endpoint = endpoint;
    this.stream = stream;
  }

  get isIn(): boolean {
    return (this.endpoint & 1) === 1;
  }

  get key(): number {
    return this.endpoint * 32 + this.stream;
  }

  /**
   * Compares an event with what must come next. `bytes` answers the guest's memory. Answers "ended" when the TD is done,
   * "halted" when it failed, "stopped" when it goes on, and "more" when it has further events.
   */
  take(
    event: GuestEvent,
    bytes: (address: number, length: number) => Uint8Array,
  ): "more" | "ended" | "halted" | "stopped" {
    const [td] = this.tds;
    const [outcome] = this.outcomes;
    if (!td || !outcome) throw new Error(`An event of nothing: ${JSON.stringify(event)}`);
    if (this.#expected.length === 0) this.#expected = expectedOf(td, outcome);
    const expected = this.#expected.shift();
    const { code, parameter, length, isEventData } = event;
    const got: ExpectedEvent = { code, parameter, length, isEventData };
    if (JSON.stringify(got) !== JSON.stringify(expected)) {
      throw new Error(`Endpoint ${this.endpoint}: ${JSON.stringify(got)} came for ${JSON.stringify(expected)}`);
    }
    if (this.#expected.length > 0) return "more";
    this.outcomes.shift();
    const whole = outcome.moved === td.length - td.carried && td.length > td.carried;
    this.#checkBytes(td, outcome.moved, bytes);
    if (outcome.status === STATUS_OK || (outcome.stopped && whole)) {
      this.tds.shift();
      return "ended";
    }
    this.#retryable = outcome.status === STATUS_TRANSACTION_ERROR;
    td.carried += outcome.moved;
    return outcome.stopped ? "stopped" : "halted";
  }

  /** Is it an event of the TD that ends next? */
  owns({ parameter, isEventData }: GuestEvent): boolean {
    const pieces = this.tds[0]?.pieces ?? [];
    return pieces.some((piece) =>
      isEventData ? piece.isEventData && piece.data === parameter : piece.address === parameter,
    );
  }

  /** The TD that failed may go on. */
  get retryable(): boolean {
    return this.#retryable;
  }

  /** As after Configure Endpoint has dropped and added it; the device's own stream goes on. */
  renewed(): Pipe {
    const pipe = new Pipe(this.endpoint, this.stream);
    pipe.sent = this.sent;
    pipe.arrived = this.sent;
    return pipe;
  }

  /** Its device is gone, with what was on its way. */
  forget(): void {
    this.tds.length = 0;
    this.outcomes.length = 0;
    this.#expected = [];
  }

  /** The driver gives the first TD up: what it has brought so far is gone with it. */
  drop(): void {
    this.tds.shift();
  }

  #checkBytes(td: Td, moved: number, bytes: (address: number, length: number) => Uint8Array): void {
    if (!this.isIn) {
      for (let index = 0; index < moved; index++) {
        const byte = this.received.shift();
        if (byte !== td.content[td.carried + index])
          throw new Error(`Endpoint ${this.endpoint}: a wrong byte went out.`);
      }
      return;
    }
    let at = 0;
    for (const { buffer, length } of td.pieces) {
      const from = Math.max(at, td.carried);
      const to = Math.min(at + length, td.carried + moved);
      if (from < to) {
        for (const byte of bytes(buffer + from - at, to - from)) {
          if (byte !== sentByte(this.key, this.arrived++))
            throw new Error(`Endpoint ${this.endpoint}: a wrong byte came.`);
        }
      }
      at += length;
    }
  }
}

function expectedOf(td: Td, { status, moved, stopped }: Outcome): ExpectedEvent[] {
  const actual = td.carried + moved;
  const isWhole = moved === td.length - td.carried && td.length > td.carried;
  if (status === STATUS_OK || (stopped && isWhole)) return completedEvents(td, actual);
  const code = stopped ? CC_STOPPED : (CODES[status] ?? 0);
  return [failedEvent(td, actual, code)];
}

/** §4.10.1: one event where IOC says so; a short packet is told once, where it happened or at the next TRB that asks. */
export function completedEvents(td: Td, actual: number): ExpectedEvent[] {
  const events: ExpectedEvent[] = [];
  let left = actual;
  let total = 0;
  let short = false;
  let told = false;
  for (const piece of td.pieces) {
    const code = () => (short ? CC_SHORT_PACKET : CC_SUCCESS);
    if (piece.isEventData) {
      if (piece.interrupts) events.push({ code: code(), parameter: piece.data, length: total, isEventData: true });
      total = 0;
      continue;
    }
    const moved = Math.min(left, piece.length);
    left -= moved;
    total += moved;
    short ||= moved < piece.length;
    if (told || !(piece.interrupts || (short && piece.onShort))) continue;
    events.push({ code: code(), parameter: piece.address, length: piece.length - moved, isEventData: false });
    told = short;
  }
  return events;
}

/** §4.10.2, §4.6.9: the TRB in which it ended, and what is left of it. */
export function failedEvent(td: Td, actual: number, code: number): ExpectedEvent {
  const data = td.pieces.filter((piece) => !piece.isEventData);
  let left = actual;
  let index = 0;
  for (; index < data.length - 1 && left >= (data[index]?.length ?? 0); index++) left -= data[index]?.length ?? 0;
  const piece = data[index];
  return {
    code,
    parameter: piece?.address ?? 0,
    length: Math.max(0, (piece?.length ?? 0) - left),
    isEventData: false,
  };
}
