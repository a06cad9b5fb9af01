/**
 * A transfer ring of an endpoint, its only one or that of one stream, and the transfers of it that are with the device,
 * answered in order (xHCI 1.2 §4.9.2).
 *
 *   done │ handed over, answered in order │ not looked at yet
 *        ▲                                ▲
 *   #dequeue: what contexts say      #fetch: where the next TD is parsed
 *
 * Whatever goes wrong moves #fetch back to #dequeue: the TDs are read again when the guest says so.
 */
import { OPERATION_TRANSFER, STATUS_BABBLE, STATUS_CANCELLED, STATUS_OK, STATUS_STALL } from "../../asm/layout.ts";
import type { Urb, UrbOwner } from "../link.ts";
import { RingCursor } from "./consumer-ring.ts";
import { EP_STATE_ERROR, EP_STATE_HALTED } from "./context.ts";
import type { Sleeper } from "./frame-clock.ts";
import type { IsochSchedule } from "./isoch-schedule.ts";
import type { RingEndpoint, RingSaved } from "./ring-endpoint.ts";
import { Transfer } from "./transfer.ts";
import { postCompleted, postFailed, postPassed } from "./transfer-events.ts";
import {
  CC_BABBLE,
  CC_BANDWIDTH_OVERRUN,
  CC_DATA_BUFFER_ERROR,
  CC_ISOCH_BUFFER_OVERRUN,
  CC_MISSED_SERVICE,
  CC_STALL,
  CC_STOPPED,
  CC_TRB_ERROR,
  CC_USB_TRANSACTION_ERROR,
} from "./trb.ts";

/** log2 of the bytes that are as much work as a TRB. */
const WORK_SHIFT = 12;
/** No device is this plug: whatever is sent to it fails. */
const NOBODY = 0;

export class TransferRing implements UrbOwner, Sleeper {
  prompt = true;
  readonly #endpoint: RingEndpoint;
  /** 0 where the endpoint has no streams. */
  readonly #stream: number;
  /** The first TD that is not done: what the guest is told. */
  readonly #dequeue: RingCursor;
  /** Bytes of that TD that were moved before it was interrupted. */
  #moved = 0;
  /** The first TD that was not handed to the backend. */
  readonly #fetch = new RingCursor();
  /** There was no whole TD at #fetch: whoever puts one there rings (§4.7). */
  #dry = false;
  /** Transfers with the backend, in order. */
  readonly #queue: Transfer[] = [];
  readonly #pool: Transfer[] = [];
  /** Transfers given up whose answers are still to come. */
  readonly #abandoned: Transfer[] = [];

  constructor(endpoint: RingEndpoint, dequeue: number, cycle: number, stream = 0) {
    this.#endpoint = endpoint;
    this.#stream = stream;
    const { slotId, id, host } = endpoint;
    this.#dequeue = new RingCursor({ ring: "transfer", slotId, endpointId: id, taps: host.taps });
    this.set(dequeue, cycle);
  }

  /** TR Dequeue Pointer and Dequeue Cycle State. */
  get dequeue(): number {
    return this.#dequeue.dequeue;
  }
  get cycle(): number {
    return this.#dequeue.cycle;
  }

  /** Nothing is with the backend. */
  get idle(): boolean {
    return this.#queue.length === 0;
  }

  /** Goes on somewhere else: a TD that was interrupted is forgotten. */
  set(dequeue: number, cycle: number): void {
    this.#dequeue.set(dequeue, cycle);
    this.#fetch.moveTo(this.#dequeue);
    this.#moved = 0;
  }

  /** Plain numbers, for a saved state. Transfers on their way are forgotten: their TDs will be read again. */
  save(): RingSaved {
    return { stream: this.#stream, dequeue: this.dequeue, cycle: this.cycle, moved: this.#moved };
  }

  restore(saved: RingSaved): void {
    this.set(saved.dequeue, saved.cycle);
    this.#moved = saved.moved;
  }

  /** The interrupted TD begins anew, as after a reset of the endpoint that preserves nothing. */
  forgetMoved(): void {
    this.#moved = 0;
  }

  /** Hands over as many TDs as may be with the backend at once. */
  advance(): void {
    const endpoint = this.#endpoint;
    this.#dry = false;
    const { host } = endpoint;
    while (endpoint.runs && this.#queue.length < endpoint.depth) {
      if (!host.ready) {
        host.postpone(endpoint);
        return;
      }
      const transfer = this.#pool.pop() ?? new Transfer();
      const parsed = transfer.parse(host.memory, this.#fetch, endpoint.type, (endpoint.id & 1) === 1);
      host.charge(1 + transfer.count + (transfer.length >>> WORK_SHIFT));
      if (parsed === "incomplete") {
        this.#pool.push(transfer);
        this.#dry = true;
        if (endpoint.schedule) this.#starve(endpoint.schedule);
        return;
      }
      if (parsed === "trb-error") {
        // TDs before it are still on their way: this one is looked at again when they are done.
        this.#pool.push(transfer);
        if (this.idle) this.#fail(transfer, transfer.length, CC_TRB_ERROR, EP_STATE_ERROR);
        return;
      }
      if (transfer.isNoOp) {
        if (!this.idle) {
          this.#pool.push(transfer);
          return;
        }
        this.#fetch.moveTo(transfer.next);
        this.#finish(transfer, 0);
        this.#pool.push(transfer);
        continue;
      }
      if (endpoint.schedule && !this.#place(endpoint.schedule, transfer)) {
        this.#pool.push(transfer);
        return;
      }
      if (transfer.refusal !== 0) this.#refuse(transfer);
      else if (!this.#submit(transfer)) return;
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

  /** A moment of the schedule has come: a service interval is over, or a TD is near, or missing. */
  elapsed(): void {
    this.#settle();
  }

  /** Asks the backend to end everything, the newest first, so that the device does not begin the next one. */
  cancel(): void {
    for (const transfer of this.#queue.toReversed()) {
      if (transfer.urb) this.#endpoint.host.link.cancel(transfer.urb);
    }
    this.#settle();
  }

  /** Takes every queued transfer back from the backend: the ring goes on at the first TD that is not done. */
  takeBack(): void {
    for (const transfer of this.#queue.toReversed()) {
      if (transfer.state === "in-flight" && transfer.urb) {
        transfer.state = "abandoned";
        this.#abandoned.push(transfer);
        this.#endpoint.host.link.cancel(transfer.urb);
      } else {
        this.#recycle(transfer);
      }
    }
    this.#queue.length = 0;
    this.#fetch.moveTo(this.#dequeue);
    if (!this.#endpoint.schedule) return;
    this.#endpoint.schedule.stop();
    this.#endpoint.host.clock.forget(this);
  }

  /** Gives an isochronous TD its service interval. False when that is too far away yet. */
  #place(schedule: IsochSchedule, transfer: Transfer): boolean {
    const { clock } = this.#endpoint.host;
    const { now } = clock;
    const { frame } = transfer;
    const due = frame === undefined ? schedule.asap(now) : schedule.inFrame(frame, now);
    if (due === undefined) {
      transfer.refusal = CC_MISSED_SERVICE;
      return true;
    }
    if (!schedule.isNear(due, now)) {
      clock.wake(this, schedule.nearAt(due));
      return false;
    }
    transfer.due = due;
    if (!transfer.isIn && transfer.length > this.#endpoint.maxEsitPayload) transfer.refusal = CC_BANDWIDTH_OVERRUN;
    return true;
  }

  /** An isochronous TD that the device never sees: it is told of when those before it are done. */
  #refuse(transfer: Transfer): void {
    this.#fetch.moveTo(transfer.next);
    transfer.state = "answered";
    if (this.idle) this.#retire(transfer);
    else this.#queue.push(transfer);
  }

  /** There is no TD for the next service interval: the guest hears of it once that begins. */
  #starve(schedule: IsochSchedule): void {
    const { host } = this.#endpoint;
    const at = schedule.starvesAt;
    if (at === undefined || !this.idle) return;
    if (host.clock.now < at) {
      host.clock.wake(this, at);
      return;
    }
    schedule.stop();
    this.#endpoint.starved();
  }

  /** False when no URB is free, or the guest's buffers are none. */
  #submit(transfer: Transfer): boolean {
    const endpoint = this.#endpoint;
    const { host, plug } = endpoint;
    const { link, memory } = host;
    const { exports } = link.core;
    if (this.idle && !transfer.isControl) transfer.skip = Math.min(this.#moved, transfer.length);
    const urb = link.reserve(transfer.length - transfer.skip);
    if (!urb) {
      this.#pool.push(transfer);
      host.postpone(endpoint);
      return false;
    }
    const { slot } = urb;
    if (!transfer.isIn && !transfer.gather(memory, link.core, slot)) {
      link.release(urb);
      if (endpoint.schedule) {
        transfer.refusal = CC_DATA_BUFFER_ERROR;
        this.#refuse(transfer);
        return true;
      }
      this.#pool.push(transfer);
      if (this.idle) this.#fail(transfer, 0, CC_DATA_BUFFER_ERROR, EP_STATE_HALTED);
      return false;
    }
    exports.address(slot, plug.port, plug.connection.ended ? NOBODY : plug.plug, endpoint.address);
    exports.route(slot, plug.route);
    exports.describe(slot, OPERATION_TRANSFER, endpoint.type, 0);
    exports.schedule(slot, endpoint.interval, this.#stream, transfer.due);
    if (transfer.isControl) exports.setup(slot, transfer.setupLow, transfer.setupHigh);
    transfer.urb = urb;
    transfer.state = "in-flight";
    this.#fetch.moveTo(transfer.next);
    this.#queue.push(transfer);
    endpoint.schedule?.take(transfer.due);
    plug.counters.inFlight++;
    if (transfer.isDriven) plug.counters.driven++;
    link.submit(urb, this);
    return true;
  }

  /** Retires what was answered, in order. */
  #settle(): void {
    for (let head = this.#queue[0]; head?.state === "answered" && this.#isOver(head); head = this.#queue[0]) {
      this.#queue.shift();
      this.#retire(head);
    }
    this.#endpoint.settled();
    // An isochronous ring has to know when it has nothing left.
    if (!this.#dry || this.#endpoint.schedule) this.advance();
  }

  /** An isochronous TD is done when its service interval is over, however early the device has answered. */
  #isOver(transfer: Transfer): boolean {
    const { schedule, stopping, host } = this.#endpoint;
    if (!schedule || transfer.refusal !== 0 || stopping) return true;
    const end = transfer.due + schedule.interval;
    if (host.clock.now >= end) return true;
    host.clock.wake(this, end);
    return false;
  }

  #retire(transfer: Transfer): void {
    if (this.#endpoint.schedule) {
      this.#retireIsoch(this.#endpoint.schedule, transfer);
      return;
    }
    const urb = transfer.urb as Urb;
    const { status } = urb;
    const moved = !transfer.isIn || this.#scatter(transfer, urb);
    const actual = transfer.skip + urb.actual;
    const isWhole = !transfer.isControl && urb.length > 0 && urb.actual === urb.length;
    this.#count(transfer, urb);
    if (!moved) this.#fail(transfer, 0, CC_DATA_BUFFER_ERROR, EP_STATE_HALTED);
    else if (status === STATUS_OK) this.#finish(transfer, actual);
    else if (status === STATUS_CANCELLED && isWhole) this.#finish(transfer, actual);
    else if (status === STATUS_CANCELLED && this.#endpoint.stopping) this.#interrupted(transfer, actual);
    else if (status === STATUS_STALL) this.#fail(transfer, actual, CC_STALL, EP_STATE_HALTED);
    else if (status === STATUS_BABBLE) this.#fail(transfer, actual, CC_BABBLE, EP_STATE_HALTED);
    else this.#fail(transfer, actual, CC_USB_TRANSACTION_ERROR, EP_STATE_HALTED);
    this.#recycle(transfer);
  }

  /** An isochronous endpoint never halts: whatever happened to a packet is told, and the next one is due (§4.10.2.8). */
  #retireIsoch(schedule: IsochSchedule, transfer: Transfer): void {
    const { host, slotId, id, stopping, maxEsitPayload } = this.#endpoint;
    const { urb } = transfer;
    if (stopping && urb) {
      // The device was asked ahead of time, and the guest stops before the time has come.
      const isEarly = host.clock.now < transfer.due + schedule.interval;
      if (isEarly || urb.status === STATUS_CANCELLED) {
        this.#interrupted(transfer, 0);
        this.#recycle(transfer);
        return;
      }
    }
    this.#dequeue.moveTo(transfer.next);
    let code = transfer.refusal;
    if (urb) {
      this.#count(transfer, urb);
      if (transfer.isIn && !this.#scatter(transfer, urb)) code = CC_DATA_BUFFER_ERROR;
      else if (urb.status === STATUS_BABBLE) {
        code = transfer.length < maxEsitPayload ? CC_ISOCH_BUFFER_OVERRUN : CC_BABBLE;
      } else if (urb.status !== STATUS_OK) code = CC_USB_TRANSACTION_ERROR;
    }
    const actual = urb?.actual ?? 0;
    if (code === 0) {
      postCompleted(host.events, transfer, actual, slotId, id);
    } else {
      const failed = postFailed(host.events, transfer, actual, code, slotId, id);
      if (code !== CC_MISSED_SERVICE) postPassed(host.events, transfer, failed, actual, code, slotId, id);
    }
    this.#recycle(transfer);
  }

  #scatter(transfer: Transfer, urb: Urb): boolean {
    const { memory, link } = this.#endpoint.host;
    return transfer.scatter(memory, link.core, urb.slot, urb.actual);
  }

  #finish(transfer: Transfer, actual: number): void {
    const { host, slotId, id } = this.#endpoint;
    this.#dequeue.moveTo(transfer.next);
    this.#moved = 0;
    postCompleted(host.events, transfer, actual, slotId, id);
  }

  /** Stopped in the middle: the guest hears where; the TD stays the ring's first, and goes on there (§4.6.9). */
  #interrupted(transfer: Transfer, actual: number): void {
    const { host, slotId, id } = this.#endpoint;
    this.takeBack();
    this.#moved = actual;
    postFailed(host.events, transfer, actual, CC_STOPPED, slotId, id);
  }

  /** An error: the endpoint halts at this TD; what was handed over after it is taken back (§4.10.2). */
  #fail(transfer: Transfer, actual: number, code: number, state: number): void {
    const { host, slotId, id } = this.#endpoint;
    this.#endpoint.fail(state, this);
    // A driver may retry after a transaction error, and goes on where it happened (§4.6.8.1).
    this.#moved = code === CC_USB_TRANSACTION_ERROR && !transfer.isControl ? actual : 0;
    postFailed(host.events, transfer, actual, code, slotId, id);
  }

  /** Frees the URB and pools the transfer; its TRBs stay readable until the next parse. */
  #recycle(transfer: Transfer): void {
    if (transfer.urb) {
      this.#endpoint.host.link.release(transfer.urb);
      this.#endpoint.plug.counters.inFlight--;
    }
    transfer.urb = undefined;
    transfer.state = "idle";
    this.#pool.push(transfer);
  }

  #count(transfer: Transfer, urb: Urb): void {
    const { counters } = this.#endpoint.plug;
    counters.transfers++;
    if (transfer.isIn) counters.bytesIn += urb.actual;
    else counters.bytesOut += urb.actual;
    // A request that a device does not know it answers with a stall (USB 2.0 §8.5.3.4): that is no error of anybody's.
    const isAnswer = transfer.isControl && urb.status === STATUS_STALL;
    if (urb.status !== STATUS_OK && urb.status !== STATUS_CANCELLED && !isAnswer) counters.errors++;
  }
}
