/**
 * A single-producer single-consumer ring of u32 entries. This instance's own counters are globals, which the other side
 * cannot touch; the copies in shared memory are only what it tells the other side.
 */
import { RING_CAPACITY, RING_CONSUMER, RING_ENTRIES, RING_EVENT, RING_MASK, RING_PRODUCER } from "./layout";

export function entryAddress(ring: usize, counter: u32): usize {
  return ring + RING_ENTRIES + ((counter & RING_MASK) << 2);
}

/**
 * Shows the consumer everything up to `next`, of which it has seen up to `shown`, and wakes it if it asked for one of
 * these entries. One wake-up a burst, however long. Answers how many sleepers were woken.
 */
export function publish(ring: usize, shown: u32, next: u32): i32 {
  if (next == shown) return 0;
  atomic.store<u32>(ring + RING_PRODUCER, next);
  const event = atomic.load<u32>(ring + RING_EVENT);
  // Free-running arithmetic: true when event lies in [shown, next).
  if (event - shown < next - shown) return atomic.notify(ring + RING_PRODUCER, 1);
  return 0;
}

/** Does the consumer look by itself, and ask for no wake-up? */
export function awake(ring: usize, shown: u32): bool {
  return atomic.load<u32>(ring + RING_EVENT) - shown >= RING_CAPACITY;
}

/** How many entries wait behind `consumed`; more than RING_CAPACITY is the producer's violation. */
export function waiting(ring: usize, consumed: u32): u32 {
  return atomic.load<u32>(ring + RING_PRODUCER) - consumed;
}

/** Tells the producer how far the consumer is. */
export function consume(ring: usize, consumed: u32): void {
  atomic.store<u32>(ring + RING_CONSUMER, consumed);
}

/** Asks for a wake-up at the next entry; the caller looks once more afterwards (enable, then look again). */
export function arm(ring: usize, consumed: u32): void {
  atomic.store<u32>(ring + RING_EVENT, consumed);
}

/** Takes the wish for a wake-up back, while this side looks by itself. */
export function disarm(ring: usize, consumed: u32): void {
  // Half the counters' range away: no burst reaches it.
  atomic.store<u32>(ring + RING_EVENT, consumed ^ 0x80000000);
}

/** Looks up to `times` times. Answers how many entries wait behind `consumed`; 0 when none came. */
export function look(ring: usize, consumed: u32, times: u32): u32 {
  for (let count: u32 = 0; count < times; count++) {
    const waits = waiting(ring, consumed);
    if (waits != 0) return waits;
  }
  return 0;
}

/** True when a counter the other side wrote cannot be true. */
export function overrun(waiting: u32): bool {
  return waiting > RING_CAPACITY;
}
