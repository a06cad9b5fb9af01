/**
 * The front's free slots and free pool blocks: one bit each, set when free, in a part of the shared memory that only the
 * front uses. A back that scribbles on it can only spoil its own link's payloads: every number taken is in range.
 */

/** Takes the lowest free member of `bits` (a multiple of 64), or -1. */
export function take(set: usize, bits: u32): i32 {
  for (let at: u32 = 0; at < bits; at += 64) {
    const word = load<u64>(set + (at >> 3));
    if (word != 0) {
      store<u64>(set + (at >> 3), word & (word - 1));
      return at + <u32>ctz(word);
    }
  }
  return -1;
}

export function give(set: usize, member: u32): void {
  const address = set + ((member >> 6) << 3);
  store<u64>(address, load<u64>(address) | ((<u64>1) << (member & 63)));
}

export function count(set: usize, bits: u32): u32 {
  let free: u32 = 0;
  for (let at: u32 = 0; at < bits; at += 64) free += <u32>popcnt(load<u64>(set + (at >> 3)));
  return free;
}

export function fill(set: usize, bits: u32): void {
  for (let at: u32 = 0; at < bits; at += 64) store<u64>(set + (at >> 3), ~(<u64>0));
}
