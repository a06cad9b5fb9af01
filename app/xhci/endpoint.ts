/**
 * An endpoint of a device slot: its state (xHCI 1.2 §4.8.3), its transfer ring, and the transfers of it that are on
 * their way to the device, answered in order.
 *
 *             doorbell           stall, babble, transaction error
 *   Stopped ───────────▶ Running ────────────────────────────────▶ Halted
 *      ▲ ▲                  │                                         │
 *      │ └──────────────────┘ Stop Endpoint                           │
 *      └──────────────────────────────────────── Reset Endpoint ──────┘
 */
import {
  OPERATION_TRANSFER,
  STATUS_BABBLE,
  STATUS_CANCELLED,
  STATUS_OK,
  STATUS_STALL,
  TYPE_BULK,
  TYPE_CONTROL,
  TYPE_INTERRUPT,
} from "../../asm/layout.ts";
import type { PortCounters } from "../controller.ts";
import type { GuestMemory } from "../guest/machine.ts";
import type { Link, Urb, UrbOwner } from "../link.ts";
import { RingCursor } from "./consumer-ring.ts";
import {
  type EndpointContext,
  EP_STATE_DISABLED,
  EP_STATE_ERROR,
  EP_STATE_HALTED,
  EP_STATE_RUNNING,
  EP_STATE_STOPPED,
  EP_TYPE_BULK_IN,
  EP_TYPE_BULK_OUT,
  EP_TYPE_CONTROL,
  EP_TYPE_INTERRUPT_IN,
  EP_TYPE_INTERRUPT_OUT,
  writeEndpointDequeue,
  writeEndpointState,
} from "./context.ts";
import type { Taps } from "./tap.ts";
import { Transfer } from "./transfer.ts";
import { type EventSink, postCompleted, postFailed } from "./transfer-events.ts";
import {
  CC_BABBLE,
  CC_CONTEXT_STATE_ERROR,
  CC_DATA_BUFFER_ERROR,
  CC_STALL,
  CC_STOPPED,
  CC_SUCCESS,
  CC_TRB_ERROR,
  CC_USB_TRANSACTION_ERROR,
} from "./trb.ts";

/** TDs of one endpoint that may be with the backend at once. */
const DEPTH_BULK = 32;
const DEPTH_INTERRUPT = 8;
/** A control endpoint's next request may depend on the answer to this one. */
const DEPTH_CONTROL = 1;

/** What an endpoint uses of the controller around it. */
export interface EndpointHost {
  readonly memory: GuestMemory;
  readonly link: Link;
  readonly events: EventSink;
  readonly taps: Taps;
  /** The xHC runs, its event ring has room, and this turn's work is not done. */
  readonly ready: boolean;
  /** Counts work of this turn: no guest needs as much as there is room for, but a looped ring has no end. */
  charge(work: number): void;
  /** The endpoint has to wait until the xHC is ready, or for a free URB: call `advance` then. */
  postpone(endpoint: Endpoint): void;
}

/** The plug that an endpoint's slot was addressed on: later plugs of the port are other devices. */
export interface Plug {
  /** Of the link. */
  readonly port: number;
  /** The hubs between that port and the device, as a route string; 0 without hubs. */
  readonly route: number;
  readonly plug: number;
  readonly counters: PortCounters;
}

/** Bits of the transfer type in an endpoint context, as URB types. */
function urbType(type: number): number | undefined {
  switch (type) {
    case EP_TYPE_CONTROL:
      return TYPE_CONTROL;
    case EP_TYPE_BULK_IN:
    case EP_TYPE_BULK_OUT:
      return TYPE_BULK;
    case EP_TYPE_INTERRUPT_IN:
    case EP_TYPE_INTERRUPT_OUT:
      return TYPE_INTERRUPT;
    default:
      return undefined;
  }
}

/** Can this controller serve such an endpoint? Isochronous ones not yet. */
export function supportedType(type: number): boolean {
  return urbType(type) !== undefined;
}

/** log2 of the bytes that are as much work as a TRB. */
const WORK_SHIFT = 12;
const FIELD_LIMIT_INTERVAL = 15;

export class Endpoint implements UrbOwner {
  readonly slotId: number;
  /** Device context index, 1 to 31. */
  readonly id: number;
  readonly #host: EndpointHost;
  readonly #plug: Plug;
  /** Its output context in the guest's memory. */
  readonly #context: number;
  readonly #type: number;
  readonly #depth: number;
  readonly #interval: number;
  #state = EP_STATE_RUNNING;
  /** The first TD that is not done: what the guest is told. */
  readonly #dequeue: RingCursor;
  /** Bytes of that TD that were moved before it was interrupted. */
  #moved = 0;
  /** The first TD that was not handed to the backend. */
  readonly #fetch = new RingCursor();
  /** Transfers with the backend, in order. */
  readonly #queue: Transfer[] = [];
  readonly #pool: Transfer[] = [];
  /** Stop Endpoint waits until everything is answered. */
  #stopping: ((code: number) => void) | undefined;
  /** Transfers given up whose answers are still to come. */
  readonly #abandoned: Transfer[] = [];

  constructor(host: EndpointHost, plug: Plug, slotId: number, id: number, context: number, fields: EndpointContext) {
    this.#host = host;
    this.#plug = plug;
    this.slotId = slotId;
    this.id = id;
    this.#context = context;
    this.#type = urbType(fields.type) ?? TYPE_BULK;
    this.#depth = this.#type === TYPE_CONTROL ? DEPTH_CONTROL : this.#type === TYPE_BULK ? DEPTH_BULK : DEPTH_INTERRUPT;
    this.#interval = this.#type === TYPE_INTERRUPT ? 125 * 2 ** Math.min(fields.interval, FIELD_LIMIT_INTERVAL) : 0;
    this.#dequeue = new RingCursor({ ring: "transfer", slotId, endpointId: id, taps: host.taps });
    this.#dequeue.set(fields.dequeue, fields.dequeueCycle);
    this.#fetch.moveTo(this.#dequeue);
    this.#setState(EP_STATE_RUNNING);
  }

  get state(): number {
    return this.#state;
  }

  /** bEndpointAddress (xHCI 1.2 §4.5.1): device context index 2n + direction is endpoint n; 1 is the control endpoint. */
  get address(): number {
    return this.id === 1 ? 0 : (this.id >> 1) | (this.id & 1 ? 0x80 : 0);
  }

  /** The guest rang: there may be TDs. Rings for a halted or faulty endpoint are ignored (§4.7). */
  ring(): void {
    if (this.#stopping) return;
    if (this.#state === EP_STATE_STOPPED) this.#setState(EP_STATE_RUNNING);
    this.advance();
  }

  /** Hands over as many TDs as may be with the backend at once. */
  advance(): void {
    const host = this.#host;
    while (this.#state === EP_STATE_RUNNING && !this.#stopping && this.#queue.length < this.#depth) {
      if (!host.ready) {
        host.postpone(this);
        return;
      }
      const transfer = this.#pool.pop() ?? new Transfer();
      const parsed = transfer.parse(host.memory, this.#fetch, this.id === 1, (this.id & 1) === 1);
      host.charge(1 + transfer.count + (transfer.length >>> WORK_SHIFT));
      if (parsed === "incomplete") {
        this.#pool.push(transfer);
        return;
      }
      if (parsed === "trb-error") {
        // TDs before it are still on their way: this one is looked at again when they are done.
        this.#pool.push(transfer);
        if (this.#queue.length === 0) this.#fail(transfer, transfer.length, CC_TRB_ERROR, EP_STATE_ERROR);
        return;
      }
      if (transfer.isNoOp) {
        if (this.#queue.length > 0) {
          this.#pool.push(transfer);
          return;
        }
        this.#fetch.moveTo(transfer.next);
        this.#finish(transfer, 0);
        this.#pool.push(transfer);
        continue;
      }
      if (!this.#submit(transfer)) return;
    }
  }

  urbCompleted(urb: Urb): void {
    for (const transfer of this.#queue) {
      if (transfer.urb !== urb) continue;
      transfer.state = "answered";
      this.#settle();
      return;
    }
    const index = this.#abandoned.findIndex((transfer) => transfer.urb === urb);
    for (const transfer of this.#abandoned.splice(index, index < 0 ? 0 : 1)) this.#recycle(transfer);
  }

  /**
   * Stop Endpoint (§4.6.9): ends every transfer, then answers with the command's completion code, at once if there are
   * none. A transfer that fails meanwhile halts the endpoint, and the command is too late.
   */
  stop(done: (code: number) => void): void {
    this.#stopping = done;
    // The newest first, so that the device does not begin the next one when one is cancelled.
    for (const transfer of this.#queue.toReversed()) if (transfer.urb) this.#host.link.cancel(transfer.urb);
    this.#settle();
  }

  /** The xHC halts (§5.4.1.1): gives up everything on its way. The TDs are read again when it goes on. */
  halt(): void {
    this.#takeBack();
    this.#settle();
  }

  /** Gives up everything on its way, without a word to the guest. The TDs are read again at the next doorbell. */
  abandon(): void {
    this.#stopping = undefined;
    this.#takeBack();
  }

  /** Disabled: as above, and it never touches the guest's memory again. */
  close(): void {
    this.#state = EP_STATE_DISABLED;
    this.abandon();
  }

  /** Reset Endpoint (§4.6.8): Halted becomes Stopped. */
  reset(): void {
    this.#setState(EP_STATE_STOPPED);
  }

  /** Set TR Dequeue Pointer (§4.6.10). */
  setDequeue(dequeue: number, cycle: number): void {
    this.#dequeue.set(dequeue, cycle);
    this.#fetch.moveTo(this.#dequeue);
    this.#moved = 0;
    writeEndpointDequeue(this.#host.memory, this.#context, dequeue, cycle);
    if (this.#state === EP_STATE_ERROR) this.#setState(EP_STATE_STOPPED);
  }

  /** Plain numbers, for a saved state. Transfers on their way are forgotten: their TDs will be read again. */
  save(): { state: number; dequeue: number; cycle: number } {
    return { state: this.#state, dequeue: this.#dequeue.dequeue, cycle: this.#dequeue.cycle };
  }

  restore(saved: { state: number; dequeue: number; cycle: number }): void {
    this.#dequeue.set(saved.dequeue, saved.cycle);
    this.#fetch.moveTo(this.#dequeue);
    this.#setState(saved.state);
  }

  /** False when no URB is free. */
  #submit(transfer: Transfer): boolean {
    const { link, memory } = this.#host;
    const { exports } = link.core;
    if (this.#queue.length === 0 && transfer.isIn && !transfer.isControl) {
      transfer.skip = Math.min(this.#moved, transfer.length);
    }
    const urb = link.reserve(transfer.length - transfer.skip);
    if (!urb) {
      this.#pool.push(transfer);
      this.#host.postpone(this);
      return false;
    }
    const { slot } = urb;
    if (!transfer.isIn && !transfer.gather(memory, link.core, slot)) {
      link.release(urb);
      this.#pool.push(transfer);
      if (this.#queue.length === 0) this.#fail(transfer, 0, CC_DATA_BUFFER_ERROR, EP_STATE_HALTED);
      return false;
    }
    exports.address(slot, this.#plug.port, this.#plug.plug, this.address);
    exports.route(slot, this.#plug.route);
    exports.describe(slot, OPERATION_TRANSFER, this.#type, 0);
    exports.schedule(slot, this.#interval, 0, 0);
    if (transfer.isControl) exports.setup(slot, transfer.setupLow, transfer.setupHigh);
    transfer.urb = urb;
    transfer.state = "in-flight";
    this.#fetch.moveTo(transfer.next);
    this.#queue.push(transfer);
    this.#plug.counters.inFlight++;
    link.submit(urb, this);
    return true;
  }

  /** Retires what was answered, in order. */
  #settle(): void {
    for (let head = this.#queue[0]; head?.state === "answered"; head = this.#queue[0]) {
      this.#queue.shift();
      this.#retire(head);
    }
    const stopping = this.#stopping;
    if (stopping && this.#queue.length === 0) {
      this.#stopping = undefined;
      const running = this.#state === EP_STATE_RUNNING;
      if (running) this.#setState(EP_STATE_STOPPED);
      stopping(running ? CC_SUCCESS : CC_CONTEXT_STATE_ERROR);
      return;
    }
    this.advance();
  }

  #retire(transfer: Transfer): void {
    const urb = transfer.urb as Urb;
    const { status } = urb;
    const moved = !transfer.isIn || transfer.scatter(this.#host.memory, this.#host.link.core, urb.slot, urb.actual);
    const actual = transfer.skip + urb.actual;
    const isWhole = !transfer.isControl && urb.length > 0 && urb.actual === urb.length;
    this.#count(transfer, urb);
    if (!moved) this.#fail(transfer, 0, CC_DATA_BUFFER_ERROR, EP_STATE_HALTED);
    else if (status === STATUS_OK) this.#finish(transfer, actual);
    else if (status === STATUS_CANCELLED && isWhole) this.#finish(transfer, actual);
    else if (status === STATUS_CANCELLED && this.#stopping) this.#interrupted(transfer, actual);
    else if (status === STATUS_STALL) this.#fail(transfer, actual, CC_STALL, EP_STATE_HALTED);
    else if (status === STATUS_BABBLE) this.#fail(transfer, actual, CC_BABBLE, EP_STATE_HALTED);
    else this.#fail(transfer, actual, CC_USB_TRANSACTION_ERROR, EP_STATE_HALTED);
    this.#recycle(transfer);
  }

  #finish(transfer: Transfer, actual: number): void {
    this.#dequeue.moveTo(transfer.next);
    this.#moved = 0;
    postCompleted(this.#host.events, transfer, actual, this.slotId, this.id);
  }

  /** Stopped in the middle: the guest hears where; the TD stays the ring's first, and goes on there (§4.6.9). */
  #interrupted(transfer: Transfer, actual: number): void {
    this.#takeBack();
    this.#moved = actual;
    postFailed(this.#host.events, transfer, actual, CC_STOPPED, this.slotId, this.id);
  }

  /** An error: the endpoint halts at this TD; what was handed over after it is taken back (§4.10.2). */
  #fail(transfer: Transfer, actual: number, code: number, state: number): void {
    this.#takeBack();
    this.#moved = 0;
    this.#setState(state);
    postFailed(this.#host.events, transfer, actual, code, this.slotId, this.id);
  }

  /** Takes every queued transfer back from the backend: the ring goes on at the first TD that is not done. */
  #takeBack(): void {
    for (const transfer of this.#queue.toReversed()) {
      if (transfer.state === "answered") {
        this.#recycle(transfer);
      } else if (transfer.urb) {
        transfer.state = "abandoned";
        this.#abandoned.push(transfer);
        this.#host.link.cancel(transfer.urb);
      }
    }
    this.#queue.length = 0;
    this.#fetch.moveTo(this.#dequeue);
  }

  /** Frees the URB and pools the transfer; its TRBs stay readable until the next parse. */
  #recycle(transfer: Transfer): void {
    if (transfer.urb) {
      this.#host.link.release(transfer.urb);
      this.#plug.counters.inFlight--;
    }
    transfer.urb = undefined;
    transfer.state = "idle";
    this.#pool.push(transfer);
  }

  #count(transfer: Transfer, urb: Urb): void {
    const { counters } = this.#plug;
    counters.transfers++;
    if (transfer.isIn) counters.bytesIn += urb.actual;
    else counters.bytesOut += urb.actual;
    if (urb.status !== STATUS_OK && urb.status !== STATUS_CANCELLED) counters.errors++;
  }

  /** The guest is told the state, and where the ring stands whenever it is not running (§4.8.3). */
  #setState(state: number): void {
    this.#state = state;
    writeEndpointState(this.#host.memory, this.#context, state);
    if (state !== EP_STATE_RUNNING) {
      writeEndpointDequeue(this.#host.memory, this.#context, this.#dequeue.dequeue, this.#dequeue.cycle);
    }
  }
}
