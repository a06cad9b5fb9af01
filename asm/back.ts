/** The back's side of a link: take a submission, read it once into globals, check it, do it, complete it. */
import * as bits from "./bit-set";
import {
  BLOCK_COUNT,
  COMPLETION_RING,
  ENTRY_CANCEL,
  ENTRY_EVENT,
  EVENT_PLUG_MASK,
  EVENT_PLUG_SHIFT,
  EVENT_SPEED_SHIFT,
  EVENTS_MAX,
  FLAGS_ALL,
  HEADER,
  HEADER_GENERATION,
  HEADER_MAGIC,
  HEADER_VERSION,
  LENGTH_MAX,
  MAGIC,
  NONE,
  OPERATION_COUNT,
  PORTS_MAX,
  RING_CAPACITY,
  RING_CONSUMER,
  RING_PRODUCER,
  ROUTE_MASK,
  SLOT_COUNT,
  SUBMISSION_RING,
  TAKEN_ENDPOINT_SHIFT,
  TAKEN_FLAGS_SHIFT,
  TAKEN_MORE,
  TAKEN_PORT_SHIFT,
  TAKEN_TYPE_SHIFT,
  TYPE_COUNT,
  URB_ACTUAL,
  URB_ENDPOINT,
  URB_FLAGS,
  URB_FRAME,
  URB_INTERVAL,
  URB_LENGTH,
  URB_OPERATION,
  URB_PLUG,
  URB_PORT,
  URB_ROUTE,
  URB_SETUP,
  URB_STATUS,
  URB_STREAM,
  URB_TYPE,
  VERSION,
  VIOLATION,
  VIOLATION_COUNTER,
  VIOLATION_EXTENT,
  VIOLATION_FIELD,
  VIOLATION_LENGTH,
  VIOLATION_SLOT,
} from "./layout";
import * as ring from "./ring";
import { blockEntry, blocksOf, recordAddress } from "./urb";
import { pardon, violate, violation } from "./violation";

/** The set of slots taken and not yet answered. */
const OWNED: u32 = 0;

let consumed: u32 = 0;
let produced: u32 = 0;
let shown: u32 = 0;

// The submission taken last, copied once and checked.
let operation: u32 = 0;
let port: u32 = 0;
let plug: u32 = 0;
let endpoint: u32 = 0;
let type: u32 = 0;
let flags: u32 = 0;
let setupLow: u32 = 0;
let setupHigh: u32 = 0;
let stream: u32 = 0;
let interval: u32 = 0;
let route: u32 = 0;
let frame: u32 = 0;
let length: u32 = 0;

/** Takes up a memory that a front has laid out. Answers false when it is not a link of this version and generation. */
export function backAttach(generation: u32): bool {
  if (atomic.load<u32>(HEADER + HEADER_MAGIC) != MAGIC) return false;
  if (load<u32>(HEADER + HEADER_VERSION) != VERSION) return false;
  if (load<u32>(HEADER + HEADER_GENERATION) != generation) return false;
  // The front has laid out both rings with one counter; what it submitted since lies between consumer and producer.
  consumed = atomic.load<u32>(SUBMISSION_RING + RING_CONSUMER);
  produced = atomic.load<u32>(COMPLETION_RING + RING_PRODUCER);
  shown = produced;
  bits.clear(OWNED);
  pardon();
  return true;
}

/**
 * The next submission: a slot (read it with the `taken…` functions), a slot with ENTRY_CANCEL, NONE, or VIOLATION.
 * A cancel for a slot that was answered meanwhile is swallowed: the answer is on its way.
 */
export function take(): i32 {
  if (violation()) return VIOLATION;
  // A front that cancels and cancels must not keep this thread here: the rest is for the next look.
  for (let look: u32 = 0; look < RING_CAPACITY; look++) {
    const waiting = ring.waiting(SUBMISSION_RING, consumed);
    if (waiting == 0) return NONE;
    if (ring.overrun(waiting)) return violate(VIOLATION_COUNTER);
    const entry = load<u32>(ring.entryAddress(SUBMISSION_RING, consumed));
    consumed++;
    ring.consume(SUBMISSION_RING, consumed);
    const slot = entry & ~ENTRY_CANCEL;
    if (slot >= SLOT_COUNT) return violate(VIOLATION_SLOT);
    if (entry & ENTRY_CANCEL) {
      if (bits.has(OWNED, slot)) return entry;
      continue;
    }
    if (bits.has(OWNED, slot)) return violate(VIOLATION_SLOT);
    const refused = copy(slot);
    if (refused) return violate(refused);
    bits.add(OWNED, slot);
    return slot;
  }
  return NONE;
}

/** Copies the record into globals, then checks the copy. */
function copy(slot: u32): i32 {
  const record = recordAddress(slot);
  operation = load<u32>(record + URB_OPERATION);
  port = load<u32>(record + URB_PORT);
  plug = load<u32>(record + URB_PLUG);
  endpoint = load<u32>(record + URB_ENDPOINT);
  type = load<u32>(record + URB_TYPE);
  flags = load<u32>(record + URB_FLAGS);
  setupLow = load<u32>(record + URB_SETUP);
  setupHigh = load<u32>(record + URB_SETUP + 4);
  stream = load<u32>(record + URB_STREAM);
  interval = load<u32>(record + URB_INTERVAL);
  route = load<u32>(record + URB_ROUTE);
  frame = load<u32>(record + URB_FRAME);
  length = load<u32>(record + URB_LENGTH);
  if (operation >= OPERATION_COUNT || type >= TYPE_COUNT) return VIOLATION_FIELD;
  if (port == 0 || port > PORTS_MAX || plug > EVENT_PLUG_MASK) return VIOLATION_FIELD;
  if ((endpoint & ~0x8f) != 0 || (flags & ~FLAGS_ALL) != 0 || (route & ~ROUTE_MASK) != 0) return VIOLATION_FIELD;
  if (length > LENGTH_MAX) return VIOLATION_LENGTH;
  const blocks = blocksOf(length);
  for (let index: u32 = 1; index < blocks; index++) {
    const number = <u32>load<u16>(blockEntry(slot, index));
    if (number < SLOT_COUNT || number >= BLOCK_COUNT) return VIOLATION_EXTENT;
  }
  return 0;
}

/** TAKEN_… */
export function takenWhat(): u32 {
  return (
    operation |
    (type << TAKEN_TYPE_SHIFT) |
    (flags << TAKEN_FLAGS_SHIFT) |
    (port << TAKEN_PORT_SHIFT) |
    (endpoint << TAKEN_ENDPOINT_SHIFT) |
    ((stream | interval | route | frame) != 0 ? TAKEN_MORE : 0)
  );
}
export function takenPlug(): u32 {
  return plug;
}
export function takenSetupLow(): u32 {
  return setupLow;
}
export function takenSetupHigh(): u32 {
  return setupHigh;
}
export function takenStream(): u32 {
  return stream;
}
export function takenInterval(): u32 {
  return interval;
}
export function takenRoute(): u32 {
  return route;
}
export function takenFrame(): u32 {
  return frame;
}
export function takenLength(): u32 {
  return length;
}

/** Answers a slot, once: `actual` bytes and a status. The front sees it at the next `show`. False if it is not owned. */
export function complete(slot: u32, status: u32, actual: u32): bool {
  if (!bits.has(OWNED, slot)) return false;
  bits.remove(OWNED, slot);
  const record = recordAddress(slot);
  store<u32>(record + URB_STATUS, status);
  store<u32>(record + URB_ACTUAL, actual);
  store<u32>(ring.entryAddress(COMPLETION_RING, produced), slot);
  produced++;
  return true;
}

/** Puts a port event on the ring, or answers false when too many are unread: try again after the front has read some. */
export function event(eventPort: u32, eventPlug: u32, speed: u32): bool {
  const unread = produced - atomic.load<u32>(COMPLETION_RING + RING_CONSUMER);
  if (unread >= EVENTS_MAX) return false;
  const entry = eventPort | ((eventPlug & EVENT_PLUG_MASK) << EVENT_PLUG_SHIFT) | (speed << EVENT_SPEED_SHIFT);
  store<u32>(ring.entryAddress(COMPLETION_RING, produced), entry | ENTRY_EVENT);
  produced++;
  return true;
}

/** Shows the front all that was completed since, and wakes it at most once. */
export function show(): i32 {
  const woken = ring.publish(COMPLETION_RING, shown, produced);
  shown = produced;
  return woken;
}

/** In the middle of a burst: shows a front that is awake what was completed so far, so that both sides work at once. */
export function showEarly(): void {
  if (ring.awake(COMPLETION_RING, shown)) show();
}

/** Asks for a wake-up at the next submission. Answers the producer's counter to wait on. */
export function backArm(): u32 {
  ring.arm(SUBMISSION_RING, consumed);
  return consumed;
}

/** Looks up to `times` times whether something was submitted. Answers how much, 0 for nothing. */
export function backLook(times: u32): u32 {
  return ring.look(SUBMISSION_RING, consumed, times);
}

export function backOwned(): u32 {
  return bits.size(OWNED);
}
