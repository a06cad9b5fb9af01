/** A set of slots, one bit each, in this instance's own globals, where the other side cannot reach it. */
import { SLOT_COUNT } from "./layout";

let set0: u64 = 0;
let set1: u64 = 0;
let set2: u64 = 0;
let set3: u64 = 0;

function word(index: u32): u64 {
  return index < 2 ? (index == 0 ? set0 : set1) : index == 2 ? set2 : set3;
}

function setWord(index: u32, value: u64): void {
  if (index == 0) set0 = value;
  else if (index == 1) set1 = value;
  else if (index == 2) set2 = value;
  else set3 = value;
}

export function has(slot: u32): bool {
  return slot < SLOT_COUNT && ((word(slot >> 6) >> (slot & 63)) & 1) != 0;
}

export function add(slot: u32): void {
  setWord(slot >> 6, word(slot >> 6) | ((<u64>1) << (slot & 63)));
}

export function remove(slot: u32): void {
  setWord(slot >> 6, word(slot >> 6) & ~((<u64>1) << (slot & 63)));
}

export function clear(): void {
  set0 = 0;
  set1 = 0;
  set2 = 0;
  set3 = 0;
}

export function size(): u32 {
  return <u32>(popcnt(set0) + popcnt(set1) + popcnt(set2) + popcnt(set3));
}
