/** Where a URB's record and payload are. */
import { ARENA, BLOCK_COUNT, BLOCK_SHIFT, BLOCKS_MAX, SLOT_COUNT, URB_BLOCKS, URB_SIZE, URB_TABLE } from "./layout";

export function recordAddress(slot: u32): usize {
  return URB_TABLE + (slot & (SLOT_COUNT - 1)) * URB_SIZE;
}

/** Blocks that a payload of `length` bytes takes: at least the slot's own. */
export function blocksOf(length: u32): u32 {
  return length == 0 ? 1 : ((length - 1) >> BLOCK_SHIFT) + 1;
}

export function blockEntry(slot: u32, index: u32): usize {
  return recordAddress(slot) + URB_BLOCKS + (((index - 1) & (BLOCKS_MAX - 1)) << 1);
}

/**
 * Byte offset, in the shared memory, of block `index` of the slot's payload. In the arena whatever the other side writes
 * into the block table meanwhile: the number is masked where it is used.
 */
export function block(slot: u32, index: u32): u32 {
  const number = index == 0 ? slot & (SLOT_COUNT - 1) : <u32>load<u16>(blockEntry(slot, index)) & (BLOCK_COUNT - 1);
  return ARENA + (number << BLOCK_SHIFT);
}
