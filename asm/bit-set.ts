/**
 * Four sets of 256 members, in this instance's own globals, where the other side cannot reach them. Which set is which is
 * its user's affair: an instance plays one side only.
 */
import { SLOT_COUNT } from "./layout";

let w0: u64 = 0;
let w1: u64 = 0;
let w2: u64 = 0;
let w3: u64 = 0;
let w4: u64 = 0;
let w5: u64 = 0;
let w6: u64 = 0;
let w7: u64 = 0;
let w8: u64 = 0;
let w9: u64 = 0;
let w10: u64 = 0;
let w11: u64 = 0;
let w12: u64 = 0;
let w13: u64 = 0;
let w14: u64 = 0;
let w15: u64 = 0;

function word(index: u32): u64 {
  switch (index) {
    case 0:
      return w0;
    case 1:
      return w1;
    case 2:
      return w2;
    case 3:
      return w3;
    case 4:
      return w4;
    case 5:
      return w5;
    case 6:
      return w6;
    case 7:
      return w7;
    case 8:
      return w8;
    case 9:
      return w9;
    case 10:
      return w10;
    case 11:
      return w11;
    case 12:
      return w12;
    case 13:
      return w13;
    case 14:
      return w14;
    default:
      return w15;
  }
}

function setWord(index: u32, value: u64): void {
  switch (index) {
    case 0:
      w0 = value;
      break;
    case 1:
      w1 = value;
      break;
    case 2:
      w2 = value;
      break;
    case 3:
      w3 = value;
      break;
    case 4:
      w4 = value;
      break;
    case 5:
      w5 = value;
      break;
    case 6:
      w6 = value;
      break;
    case 7:
      w7 = value;
      break;
    case 8:
      w8 = value;
      break;
    case 9:
      w9 = value;
      break;
    case 10:
      w10 = value;
      break;
    case 11:
      w11 = value;
      break;
    case 12:
      w12 = value;
      break;
    case 13:
      w13 = value;
      break;
    case 14:
      w14 = value;
      break;
    default:
      w15 = value;
  }
}

function at(set: u32, member: u32): u32 {
  return (set << 2) + (member >> 6);
}

export function has(set: u32, member: u32): bool {
  return member < SLOT_COUNT && ((word(at(set, member)) >> (member & 63)) & 1) != 0;
}

export function add(set: u32, member: u32): void {
  setWord(at(set, member), word(at(set, member)) | ((<u64>1) << (member & 63)));
}

export function remove(set: u32, member: u32): void {
  setWord(at(set, member), word(at(set, member)) & ~((<u64>1) << (member & 63)));
}

/** Removes and answers the lowest member, or -1 when there is none. */
export function take(set: u32): i32 {
  for (let member: u32 = 0; member < SLOT_COUNT; member += 64) {
    const members = word(at(set, member));
    if (members == 0) continue;
    setWord(at(set, member), members & (members - 1));
    return member + <u32>ctz(members);
  }
  return -1;
}

export function size(set: u32): u32 {
  let members: u32 = 0;
  for (let member: u32 = 0; member < SLOT_COUNT; member += 64) members += <u32>popcnt(word(at(set, member)));
  return members;
}

export function clear(set: u32): void {
  for (let member: u32 = 0; member < SLOT_COUNT; member += 64) setWord(at(set, member), 0);
}

export function fill(set: u32): void {
  for (let member: u32 = 0; member < SLOT_COUNT; member += 64) setWord(at(set, member), ~(<u64>0));
}
