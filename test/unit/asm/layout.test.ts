/** The memory map: regions in order, none over another, counters on cache lines of their own. */
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import * as layout from "../../../asm/layout.ts";

const CACHE_LINE = 64;
const { ARENA, BLOCK_COUNT, BLOCK_SIZE, BLOCKS_MAX, COMPLETION_RING, HEADER } = layout;
const { HEADER_SIZE, MEMORY_PAGES, MEMORY_SIZE, POOL_COUNT, RING_CAPACITY, RING_ENTRIES, RING_SIZE } = layout;
const { SLOT_COUNT, SUBMISSION_RING, URB_BLOCKS, URB_SIZE, URB_TABLE } = layout;

const regions = [
  { name: "header", from: HEADER, size: HEADER_SIZE },
  { name: "submission ring", from: SUBMISSION_RING, size: RING_SIZE },
  { name: "completion ring", from: COMPLETION_RING, size: RING_SIZE },
  { name: "URB table", from: URB_TABLE, size: SLOT_COUNT * URB_SIZE },
  { name: "arena", from: ARENA, size: BLOCK_COUNT * BLOCK_SIZE },
];

describe("the memory map", () => {
  it("lays its regions one after the other, up to the memory's end", () => {
    let end = 0;
    for (const { name, from, size } of regions) {
      expect(from, name).toBeGreaterThanOrEqual(end);
      end = from + size;
    }
    expect(end).toBe(MEMORY_SIZE);
    expect(MEMORY_PAGES).toBe(MEMORY_SIZE / 0x10000);
    expect(Number.isInteger(MEMORY_PAGES)).toBe(true);
  });

  it("keeps each ring's counters on lines of their own", () => {
    const { RING_PRODUCER, RING_CONSUMER, RING_EVENT } = layout;
    for (const ring of [SUBMISSION_RING, COMPLETION_RING]) {
      const lines = [RING_PRODUCER, RING_CONSUMER, RING_EVENT, RING_ENTRIES].map((at) => (ring + at) / CACHE_LINE);
      expect(lines.every(Number.isInteger)).toBe(true);
      expect(new Set(lines).size).toBe(4);
    }
    expect(RING_SIZE).toBe(RING_ENTRIES + RING_CAPACITY * 4);
    expect(RING_SIZE % CACHE_LINE).toBe(0);
  });

  it("has as many slots and pool blocks as a bit set has members", () => {
    expect([SLOT_COUNT, POOL_COUNT]).toEqual([256, 256]);
  });

  it("aligns records to cache lines and blocks to their size", () => {
    expect(URB_TABLE % CACHE_LINE).toBe(0);
    expect(URB_SIZE % CACHE_LINE).toBe(0);
    expect(ARENA % BLOCK_SIZE).toBe(0);
    expect(BLOCK_SIZE).toBe(2 ** layout.BLOCK_SHIFT);
  });

  it("has powers of two where counters and numbers are masked", () => {
    const powers = [RING_CAPACITY, SLOT_COUNT, POOL_COUNT, BLOCK_COUNT, BLOCKS_MAX];
    for (const count of powers) expect(count & (count - 1), String(count)).toBe(0);
    expect(layout.RING_MASK).toBe(RING_CAPACITY - 1);
  });
});

describe("the URB record", () => {
  it("holds its fields apart, and the block table after them", () => {
    const { URB_ACTUAL, URB_ENDPOINT, URB_FLAGS, URB_INTERVAL, URB_LENGTH, URB_OPERATION, URB_PLUG } = layout;
    const { URB_FRAME, URB_PORT, URB_ROUTE, URB_SETUP, URB_STATUS, URB_STREAM, URB_TYPE } = layout;
    const words = [URB_OPERATION, URB_PORT, URB_PLUG, URB_ENDPOINT, URB_TYPE, URB_FLAGS, URB_SETUP, URB_SETUP + 4];
    words.push(URB_STREAM, URB_INTERVAL, URB_ROUTE, URB_FRAME, URB_LENGTH, URB_STATUS, URB_ACTUAL);
    expect(words.every((at) => at % 4 === 0 && at + 4 <= URB_BLOCKS)).toBe(true);
    expect(new Set(words).size).toBe(words.length);
    expect(layout.URB_LENGTH % 8).toBe(0); // reserve() clears what lies before it by u64
    expect(URB_BLOCKS + BLOCKS_MAX * 2).toBeLessThanOrEqual(URB_SIZE);
  });

  it("keeps what the front writes and what the back writes on different lines", () => {
    expect(Math.floor(layout.URB_LENGTH / CACHE_LINE)).toBeLessThan(Math.floor(layout.URB_STATUS / CACHE_LINE));
    expect(Math.floor(layout.URB_ACTUAL / CACHE_LINE)).toBeLessThan(Math.floor(URB_BLOCKS / CACHE_LINE));
  });
});

describe("entries", () => {
  it("keep a slot, a cancel and an event apart", () => {
    const { ENTRY_CANCEL, ENTRY_EVENT, EVENT_PLUG_MASK, EVENT_PLUG_SHIFT, EVENT_PORT_MASK } = layout;
    const { EVENT_SPEED_MASK, EVENT_SPEED_SHIFT, PORTS_MAX, SPEED_COUNT } = layout;
    expect(SLOT_COUNT).toBeLessThanOrEqual(ENTRY_CANCEL);
    const fields = [EVENT_PORT_MASK, EVENT_PLUG_MASK << EVENT_PLUG_SHIFT, EVENT_SPEED_MASK << EVENT_SPEED_SHIFT];
    fields.push(ENTRY_EVENT);
    let seen = 0;
    for (const field of fields) {
      expect(field & seen).toBe(0);
      seen |= field;
    }
    expect(seen >>> 0).toBe(0x7fffffff);
    expect(PORTS_MAX).toBeLessThanOrEqual(EVENT_PORT_MASK);
    expect(SPEED_COUNT - 1).toBeLessThan(layout.EVENT_WAKE);
    expect(layout.EVENT_WAKE).toBeLessThanOrEqual(EVENT_SPEED_MASK);
  });

  it("fit on the rings at the worst", () => {
    // A slot's late cancel, its next submission, and that one's cancel.
    expect(RING_CAPACITY).toBeGreaterThanOrEqual(3 * SLOT_COUNT);
    expect(RING_CAPACITY).toBeGreaterThanOrEqual(SLOT_COUNT + layout.EVENTS_MAX);
  });
});

describe("asm/README.md", async () => {
  const readme = await readFile(new URL("../../../asm/README.md", import.meta.url), "utf8");

  it("draws the map as it is", () => {
    const rows = [...readme.matchAll(/^\| (0x[0-9A-F]+) +\| (0x[0-9A-F]+) +\| ([A-Za-z ]+?) +\|/gm)];
    const hex = (value: number) => `0x${value.toString(16).toUpperCase()}`;
    expect(rows.map(([, from, size, name]) => ({ from, size, name }))).toEqual(
      regions.map(({ name, from, size }) => ({ from: hex(from), size: hex(size), name })),
    );
  });

  it("names only constants that exist", () => {
    const named = [...readme.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(10);
    for (const name of named) expect(Object.keys(layout)).toContain(name);
  });
});
