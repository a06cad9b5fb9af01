/** Which Transfer Events a finished transfer makes: per TRB, by IOC, ISP, shortness and error (xHCI 1.2 §4.10.1, §4.11.5.2). */
import type { Transfer } from "./transfer.ts";
import {
  CC_SHORT_PACKET,
  CC_STOPPED,
  CC_STOPPED_LENGTH_INVALID,
  CC_SUCCESS,
  eventControl,
  eventStatus,
  TRB_BEI,
  TRB_EVENT_DATA,
  TRB_EVENT_IS_DATA,
  TRB_IOC,
  TRB_ISP,
  TRB_LINK,
  TRB_NO_OP,
  TRB_STATUS_STAGE,
  TRB_TRANSFER_EVENT,
} from "./trb.ts";

/** Where the events go. */
export interface EventSink {
  post(parameter: number, status: number, control: number, blocked?: boolean, parameterHigh?: number): void;
}

/** Events of a transfer of which `actual` bytes were moved without an error. */
export function postCompleted(
  sink: EventSink,
  transfer: Transfer,
  actual: number,
  slotId: number,
  endpointId: number,
): void {
  let left = actual;
  /** Event Data Transfer Length Accumulator. */
  let edtla = 0;
  let short = false;
  /** The short packet was reported by a TRB; the stage's other TRBs keep quiet. */
  let reported = false;
  for (let index = 0; index < transfer.count; index++) {
    const control = transfer.control(index);
    const type = transfer.type(index);
    if (type === TRB_STATUS_STAGE) {
      short = false;
      reported = false;
      edtla = 0;
    }
    if (type === TRB_EVENT_DATA) {
      if (control & TRB_IOC) {
        postEventData(sink, transfer, index, short ? CC_SHORT_PACKET : CC_SUCCESS, edtla, slotId, endpointId);
      }
      edtla = 0;
      continue;
    }
    const room = transfer.bufferLength(index);
    const moved = Math.min(room, left);
    left -= moved;
    edtla += moved;
    if (moved < room) short = true;
    if (reported) continue;
    if (control & TRB_IOC || (short && control & TRB_ISP)) {
      const code = short ? CC_SHORT_PACKET : CC_SUCCESS;
      postFor(sink, transfer, index, code, room - moved, slotId, endpointId, isBlocked(control));
      reported = short;
    }
  }
}

/**
 * The event of a transfer that failed (or was stopped) after `actual` bytes: it points to the TRB it failed in, whose index
 * is the answer.
 */
export function postFailed(
  sink: EventSink,
  transfer: Transfer,
  actual: number,
  code: number,
  slotId: number,
  endpointId: number,
): number {
  if (transfer.count === 0) {
    // A ring of nothing but Link TRBs: there is no TRB to blame.
    sink.post(0, eventStatus(code, 0), eventControl(TRB_TRANSFER_EVENT, slotId, endpointId));
    return 0;
  }
  // A control transfer without data fails in its status stage, never in the setup stage that carried the request; and
  // never does a TRB that moves nothing.
  let last = transfer.count - 1;
  while (last > 0 && isIdle(transfer.type(last))) last--;
  let left = actual;
  let index = 0;
  for (; index < last; index++) {
    const room = transfer.bufferLength(index);
    if (left < room) break;
    left -= room;
  }
  const residual = Math.max(0, transfer.bufferLength(index) - left);
  // Where it was stopped there may be no length to speak of (table 6-90).
  const stopped = code === CC_STOPPED && !transfer.carriesData(index) ? CC_STOPPED_LENGTH_INVALID : code;
  postFor(sink, transfer, index, stopped, residual, slotId, endpointId, false);
  return index;
}

/**
 * The events of an isochronous TD that failed in its TRB `failed`, after that one's: the xHC goes on to the next TD, and on
 * its way every TRB that wants an event has one, with the same code (§4.9.1).
 */
export function postPassed(
  sink: EventSink,
  transfer: Transfer,
  failed: number,
  actual: number,
  code: number,
  slotId: number,
  endpointId: number,
): void {
  for (let index = failed + 1; index < transfer.count; index++) {
    const control = transfer.control(index);
    if (!(control & TRB_IOC)) continue;
    if (transfer.type(index) === TRB_EVENT_DATA) postEventData(sink, transfer, index, code, actual, slotId, endpointId);
    else postFor(sink, transfer, index, code, transfer.bufferLength(index), slotId, endpointId, isBlocked(control));
  }
}

function isIdle(type: number): boolean {
  return type === TRB_EVENT_DATA || type === TRB_NO_OP || type === TRB_LINK;
}

/** BEI is about the event that IOC asks for (§6.4.1.1). */
function isBlocked(control: number): boolean {
  return (control & TRB_IOC) !== 0 && (control & TRB_BEI) !== 0;
}

function postEventData(
  sink: EventSink,
  transfer: Transfer,
  index: number,
  code: number,
  length: number,
  slotId: number,
  endpointId: number,
): void {
  const flags = eventControl(TRB_TRANSFER_EVENT, slotId, endpointId, TRB_EVENT_IS_DATA);
  const blocked = isBlocked(transfer.control(index));
  sink.post(transfer.parameter(index), eventStatus(code, length), flags, blocked, transfer.parameterHigh(index));
}

function postFor(
  sink: EventSink,
  transfer: Transfer,
  index: number,
  code: number,
  residual: number,
  slotId: number,
  endpointId: number,
  blocked: boolean,
): void {
  const control = eventControl(TRB_TRANSFER_EVENT, slotId, endpointId);
  sink.post(transfer.address(index), eventStatus(code, residual), control, blocked);
}
