/** Each way to break the protocol, done on purpose to each side, and the name it is given. */
import { beforeEach, describe, expect, it } from "vitest";
import * as layout from "../../asm/layout.ts";
import { createPair } from "./pair.ts";

const pair = await createPair();
const { front, back, words } = pair;
const { ARENA, BLOCK_COUNT, BLOCK_SIZE, COMPLETION_RING, ENTRY_CANCEL, ENTRY_EVENT, NONE, SUBMISSION_RING } = layout;
const { RING_CAPACITY, RING_ENTRIES, RING_PRODUCER, SLOT_COUNT, URB_BLOCKS, URB_SIZE, URB_TABLE, VIOLATION } = layout;

function poke(address: number, value: number): void {
  words[address >> 2] = value;
}

function peek(address: number): number {
  return words[address >> 2] as number;
}

/** A URB in flight, seen by the back only at its next take. */
function submitted(length = 0): number {
  const slot = front.exports.reserve(length);
  front.exports.address(slot, 1, 1, 0x81);
  front.exports.describe(slot, 0, layout.TYPE_BULK, 0);
  front.exports.submit(slot);
  front.exports.flush();
  return slot;
}

function record(slot: number): number {
  return URB_TABLE + slot * URB_SIZE;
}

/** Puts an entry on a ring as its producer would. */
function push(ring: number, entry: number): void {
  const producer = peek(ring + RING_PRODUCER);
  poke(ring + RING_ENTRIES + (producer & layout.RING_MASK) * 4, entry);
  poke(ring + RING_PRODUCER, producer + 1);
}

function expectBackDead(code: number): void {
  expect(back.exports.take()).toBe(VIOLATION);
  expect(back.exports.violation()).toBe(code);
  pair.words.fill(0, 0, ARENA >> 2);
  expect(back.exports.take()).toBe(VIOLATION); // for good
  expect(back.exports.violation()).toBe(code);
}

function expectFrontDead(code: number): void {
  expect(front.exports.violation()).toBe(code);
  pair.words.fill(0, 0, ARENA >> 2);
  expect(front.exports.reap()).toBe(VIOLATION);
  expect(front.exports.violation()).toBe(code);
}

beforeEach(() => pair.format(0xfffffffe));

describe("a front that breaks the protocol", () => {
  it.each([RING_CAPACITY + 1, 0x7fffffff, 0x80000000, 0xffffffff])(
    "by a counter %i ahead: VIOLATION_COUNTER",
    (far) => {
      poke(SUBMISSION_RING + RING_PRODUCER, 0xfffffffe + far);
      expectBackDead(layout.VIOLATION_COUNTER);
    },
  );

  it.each([SLOT_COUNT, 0x3fffffff, 0x80000000, 0xffffffff, ENTRY_CANCEL | SLOT_COUNT])(
    "by the slot %i: VIOLATION_SLOT",
    (entry) => {
      push(SUBMISSION_RING, entry);
      expectBackDead(layout.VIOLATION_SLOT);
    },
  );

  it("by a slot submitted twice: VIOLATION_SLOT", () => {
    const slot = submitted();
    expect(back.exports.take()).toBe(slot);
    push(SUBMISSION_RING, slot);
    expectBackDead(layout.VIOLATION_SLOT);
  });

  it.each([0, SLOT_COUNT - 1, BLOCK_COUNT, 0xffff])("by the block %i: VIOLATION_EXTENT", (block) => {
    const slot = submitted(2 * BLOCK_SIZE);
    poke(record(slot) + URB_BLOCKS, block);
    expectBackDead(layout.VIOLATION_EXTENT);
  });

  it.each([
    ["operation", layout.URB_OPERATION, layout.OPERATION_COUNT],
    ["port 0", layout.URB_PORT, 0],
    ["port", layout.URB_PORT, layout.PORTS_MAX + 1],
    ["plug", layout.URB_PLUG, layout.EVENT_PLUG_MASK + 1],
    ["route", layout.URB_ROUTE, layout.ROUTE_MASK + 1],
    ["endpoint", layout.URB_ENDPOINT, 0x10],
    ["type", layout.URB_TYPE, layout.TYPE_COUNT],
    ["flags", layout.URB_FLAGS, layout.FLAGS_ALL + 1],
  ])("by the field %s: VIOLATION_FIELD", (_, field, value) => {
    for (const bad of value === 0 ? [0] : [value, 0x80000000 | value, 0xffffffff]) {
      pair.format();
      const slot = submitted();
      poke(record(slot) + field, bad);
      expectBackDead(layout.VIOLATION_FIELD);
    }
  });

  it.each([layout.LENGTH_MAX + 1, 0x80000000, 0xffffffff])("by the length %i: VIOLATION_LENGTH", (length) => {
    const slot = submitted();
    poke(record(slot) + layout.URB_LENGTH, length);
    expectBackDead(layout.VIOLATION_LENGTH);
  });

  it("is refused at the start when magic, version or generation are others", () => {
    for (const field of [layout.HEADER_MAGIC, layout.HEADER_VERSION, layout.HEADER_GENERATION]) {
      front.exports.frontFormat(9, 0);
      poke(layout.HEADER + field, peek(layout.HEADER + field) ^ 1);
      expect(Boolean(back.exports.backAttach(9))).toBe(false);
    }
    front.exports.frontFormat(9, 0);
    expect(Boolean(back.exports.backAttach(8))).toBe(false);
    expect(Boolean(back.exports.backAttach(9))).toBe(true);
  });

  it("does not keep the back busy with cancels of what is not in flight", () => {
    for (let look = 0; look < 10; look++) {
      for (let entry = 0; entry < RING_CAPACITY; entry++) push(SUBMISSION_RING, ENTRY_CANCEL);
      expect(back.exports.take()).toBe(NONE);
    }
    expect(back.exports.violation()).toBe(layout.VIOLATION_NONE);
  });
});

describe("a back that breaks the protocol", () => {
  it.each([RING_CAPACITY + 1, 0x80000000, 0xffffffff])("by a counter %i ahead: VIOLATION_COUNTER", (far) => {
    poke(COMPLETION_RING + RING_PRODUCER, 0xfffffffe + far);
    expect(front.exports.reap()).toBe(VIOLATION);
    expectFrontDead(layout.VIOLATION_COUNTER);
  });

  it.each([0, SLOT_COUNT, 0x3fffffff, 0x80000000])("by answering %i, not in flight: VIOLATION_SLOT", (slot) => {
    push(COMPLETION_RING, slot);
    expect(front.exports.reap()).toBe(VIOLATION);
    expectFrontDead(layout.VIOLATION_SLOT);
  });

  it("by answering twice: VIOLATION_SLOT", () => {
    const slot = submitted();
    push(COMPLETION_RING, slot);
    push(COMPLETION_RING, slot);
    expect(front.exports.reap()).toBe(slot);
    expect(front.exports.reap()).toBe(VIOLATION);
    expectFrontDead(layout.VIOLATION_SLOT);
  });

  it.each([layout.STATUS_COUNT, 0x80000000, 0xffffffff])("by the status %i: VIOLATION_FIELD", (status) => {
    const slot = submitted(16);
    poke(record(slot) + layout.URB_STATUS, status);
    push(COMPLETION_RING, slot);
    expect(front.exports.reap()).toBe(slot);
    expect(front.exports.settle(slot, 16)).toBe(VIOLATION);
    expectFrontDead(layout.VIOLATION_FIELD);
  });

  it.each([17, 0x80000000, 0xffffffff])("by %i bytes of 16: VIOLATION_LENGTH", (actual) => {
    const slot = submitted(16);
    poke(record(slot) + layout.URB_LENGTH, 0xffff); // what the record says of the length is not asked
    poke(record(slot) + layout.URB_ACTUAL, actual);
    push(COMPLETION_RING, slot);
    expect(front.exports.reap()).toBe(slot);
    expect(front.exports.settle(slot, 16)).toBe(VIOLATION);
    expectFrontDead(layout.VIOLATION_LENGTH);
  });

  it.each([
    ["port 0", ENTRY_EVENT],
    ["port 32", ENTRY_EVENT | (layout.PORTS_MAX + 1)],
    ["speed 5", ENTRY_EVENT | 1 | (layout.SPEED_COUNT << layout.EVENT_SPEED_SHIFT)],
    ["speed 14", ENTRY_EVENT | 1 | ((layout.EVENT_WAKE - 1) << layout.EVENT_SPEED_SHIFT)],
    ["bit 31", ENTRY_EVENT | 1 | 0x80000000],
  ])("by an event of %s: VIOLATION_EVENT", (_, entry) => {
    push(COMPLETION_RING, entry);
    expect(front.exports.reap()).toBe(VIOLATION);
    expectFrontDead(layout.VIOLATION_EVENT);
  });
});
