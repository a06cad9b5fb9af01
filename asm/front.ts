/** The front's side of a link: reserve a slot, describe the URB, submit, reap its completion, release. */
import * as bits from "./bit-set";
import {
  COMPLETION_RING,
  ENTRY_CANCEL,
  ENTRY_EVENT,
  EVENT_PORT_MASK,
  EVENT_SPEED_MASK,
  EVENT_SPEED_SHIFT,
  EVENT_WAKE,
  HEADER,
  HEADER_GENERATION,
  HEADER_MAGIC,
  HEADER_VERSION,
  LENGTH_MAX,
  MAGIC,
  NONE,
  POOL_COUNT,
  PORTS_MAX,
  RING_CONSUMER,
  RING_EVENT,
  RING_PRODUCER,
  SLOT_COUNT,
  SPEED_COUNT,
  STATUS_COUNT,
  SUBMISSION_RING,
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
  VIOLATION_EVENT,
  VIOLATION_FIELD,
  VIOLATION_LENGTH,
  VIOLATION_SLOT,
} from "./layout";
import * as ring from "./ring";
import { blockEntry, blocksOf, recordAddress } from "./urb";
import { pardon, violate, violation } from "./violation";

// Sets.
const FREE_SLOTS: u32 = 0;
const FREE_BLOCKS: u32 = 1;
const IN_FLIGHT: u32 = 2;
/** Of those in flight: asked to end early. */
const CANCELLED: u32 = 3;

/** Submission entries written, and of those the ones the back was shown. */
let produced: u32 = 0;
let shown: u32 = 0;
/** Completion entries taken. */
let consumed: u32 = 0;
/** What the last settled completion said. */
let status: u32 = 0;
let actual: u32 = 0;

/** Lays out a fresh link whose counters start at `counter`. Called once, before the back is told of the memory. */
export function frontFormat(generation: u32, counter: u32): void {
  produced = counter;
  shown = counter;
  consumed = counter;
  pardon();
  bits.fill(FREE_SLOTS);
  bits.fill(FREE_BLOCKS);
  bits.clear(IN_FLIGHT);
  bits.clear(CANCELLED);
  formatRing(SUBMISSION_RING, counter);
  formatRing(COMPLETION_RING, counter);
  store<u32>(HEADER + HEADER_VERSION, VERSION);
  store<u32>(HEADER + HEADER_GENERATION, generation);
  atomic.store<u32>(HEADER + HEADER_MAGIC, MAGIC);
}

function formatRing(address: usize, counter: u32): void {
  store<u32>(address + RING_PRODUCER, counter);
  store<u32>(address + RING_CONSUMER, counter);
  store<u32>(address + RING_EVENT, counter);
}

/** A slot with room for `length` bytes and a record of zeroes, or NONE when slots or memory are all in use. */
export function reserve(length: u32): i32 {
  if (length > LENGTH_MAX) return NONE;
  const extra = blocksOf(length) - 1;
  if (extra != 0 && bits.size(FREE_BLOCKS) < extra) return NONE;
  const slot = bits.take(FREE_SLOTS);
  if (slot < 0) return NONE;
  const record = recordAddress(slot);
  for (let at: u32 = 0; at < URB_LENGTH; at += 8) store<u64>(record + at, 0);
  store<u32>(record + URB_LENGTH, length);
  for (let index: u32 = 1; index <= extra; index++) {
    store<u16>(blockEntry(slot, index), <u16>(SLOT_COUNT + bits.take(FREE_BLOCKS)));
  }
  return slot;
}

/** Gives back a reserved slot that is not in flight, with the blocks that `reserve(length)` took for it. */
export function release(slot: u32, length: u32): void {
  if (slot >= SLOT_COUNT || bits.has(FREE_SLOTS, slot) || bits.has(IN_FLIGHT, slot)) return;
  const extra = blocksOf(min(length, LENGTH_MAX)) - 1;
  for (let index: u32 = 1; index <= extra; index++) {
    // Whatever the back wrote here meanwhile, the number is one of the pool's.
    bits.add(FREE_BLOCKS, (<u32>load<u16>(blockEntry(slot, index)) - SLOT_COUNT) & (POOL_COUNT - 1));
  }
  bits.add(FREE_SLOTS, slot);
}

/** Whom the URB is for: which plug of which port, and which of its endpoints. */
export function address(slot: u32, port: u32, plug: u32, endpoint: u32): void {
  const record = recordAddress(slot);
  store<u32>(record + URB_PORT, port);
  store<u32>(record + URB_PLUG, plug);
  store<u32>(record + URB_ENDPOINT, endpoint);
}

/** What is to be done. */
export function describe(slot: u32, operation: u32, type: u32, flags: u32): void {
  const record = recordAddress(slot);
  store<u32>(record + URB_OPERATION, operation);
  store<u32>(record + URB_TYPE, type);
  store<u32>(record + URB_FLAGS, flags);
}

/** The setup packet of a control transfer: its first and last four bytes, little-endian. */
export function setup(slot: u32, low: u32, high: u32): void {
  const record = recordAddress(slot);
  store<u32>(record + URB_SETUP, low);
  store<u32>(record + URB_SETUP + 4, high);
}

/** The hubs between the port and the device: a route string, 0 when there are none. */
export function route(slot: u32, hubs: u32): void {
  store<u32>(recordAddress(slot) + URB_ROUTE, hubs);
}

/** When and on which stream: the endpoint's interval in µs (0: none), the stream id (0: none), the microframe it is due in. */
export function schedule(slot: u32, interval: u32, stream: u32, frame: u32): void {
  const record = recordAddress(slot);
  store<u32>(record + URB_INTERVAL, interval);
  store<u32>(record + URB_STREAM, stream);
  store<u32>(record + URB_FRAME, frame);
}

/** Puts the described URB on the ring. The back sees it at the next `flush`. */
export function submit(slot: u32): void {
  bits.add(IN_FLIGHT, slot);
  bits.remove(CANCELLED, slot);
  store<u32>(ring.entryAddress(SUBMISSION_RING, produced), slot);
  produced++;
}

/** Asks, once, for an early end of a URB in flight; its own completion is the answer. */
export function cancel(slot: u32): void {
  if (!bits.has(IN_FLIGHT, slot) || bits.has(CANCELLED, slot)) return;
  bits.add(CANCELLED, slot);
  store<u32>(ring.entryAddress(SUBMISSION_RING, produced), slot | ENTRY_CANCEL);
  produced++;
}

/** Shows the back all that was submitted since, and wakes it at most once. Answers how many sleepers were woken. */
export function flush(): i32 {
  const woken = ring.publish(SUBMISSION_RING, shown, produced);
  shown = produced;
  return woken;
}

/** In the middle of a burst: shows a back that is awake what was submitted so far, so that both sides work at once. */
export function flushEarly(): void {
  if (ring.awake(SUBMISSION_RING, shown)) flush();
}

/**
 * The next completion: a slot whose completion `settle` then reads, a port event (ENTRY_EVENT set), NONE, or VIOLATION.
 */
export function reap(): i32 {
  if (violation()) return VIOLATION;
  const waiting = ring.waiting(COMPLETION_RING, consumed);
  if (waiting == 0) return NONE;
  if (ring.overrun(waiting)) return violate(VIOLATION_COUNTER);
  const entry = load<u32>(ring.entryAddress(COMPLETION_RING, consumed));
  consumed++;
  ring.consume(COMPLETION_RING, consumed);
  if (entry & ENTRY_EVENT) {
    const port = entry & EVENT_PORT_MASK;
    const speed = (entry >> EVENT_SPEED_SHIFT) & EVENT_SPEED_MASK;
    if (port == 0 || port > PORTS_MAX || entry >> 31) return violate(VIOLATION_EVENT);
    if (speed >= SPEED_COUNT && speed != EVENT_WAKE) return violate(VIOLATION_EVENT);
    return entry;
  }
  if (!bits.has(IN_FLIGHT, entry)) return violate(VIOLATION_SLOT);
  bits.remove(IN_FLIGHT, entry);
  return entry;
}

/** Copies and checks the completion of a reaped slot, of which `length` bytes were asked for. Answers 0 or VIOLATION. */
export function settle(slot: u32, length: u32): i32 {
  const record = recordAddress(slot);
  status = load<u32>(record + URB_STATUS);
  actual = load<u32>(record + URB_ACTUAL);
  if (status >= STATUS_COUNT) return violate(VIOLATION_FIELD);
  if (actual > length) return violate(VIOLATION_LENGTH);
  return 0;
}

export function settledStatus(): u32 {
  return status;
}

export function settledActual(): u32 {
  return actual;
}

/** Asks for a wake-up at the next completion. Answers the producer's counter to wait on. */
export function frontArm(): u32 {
  ring.arm(COMPLETION_RING, consumed);
  return consumed;
}

/** No wake-up until `frontArm`: the front looks by itself. */
export function frontDisarm(): void {
  ring.disarm(COMPLETION_RING, consumed);
}

/** Looks up to `times` times whether something came back. Answers how much, 0 for nothing. */
export function frontLook(times: u32): u32 {
  return ring.look(COMPLETION_RING, consumed, times);
}

export function frontInFlight(): u32 {
  return bits.size(IN_FLIGHT);
}

export function freeSlots(): u32 {
  return bits.size(FREE_SLOTS);
}

export function freeBlocks(): u32 {
  return bits.size(FREE_BLOCKS);
}
