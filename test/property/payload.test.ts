/** A payload's bytes, through windows, reads and writes, at every length that meets a block's edge. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ARENA, BLOCK_SIZE, LENGTH_MAX, MEMORY_SIZE, NONE, POOL_COUNT, SLOT_COUNT } from "../../asm/layout.ts";
import { createPair, pattern } from "./pair.ts";

const pair = await createPair();
const { front, back } = pair;

const edges = [0, 1, 2, 63, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, 2 * BLOCK_SIZE, 3 * BLOCK_SIZE - 1, LENGTH_MAX];

/** Equal bytes, without a diff of four million lines when they are not. */
function sameBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}

/** What the memory holds outside the arena. */
function outside(): Buffer {
  return Buffer.from(pair.bytes.slice(0, ARENA));
}

describe("a payload", () => {
  it.each(edges)("of %i bytes crosses both ways", (length) => {
    pair.format();
    const slot = front.exports.reserve(length);
    const before = outside();
    const out = pattern(length, 0x11);
    front.write(slot, 0, out);
    const taken = new Uint8Array(length + 8).fill(0xa5);
    back.read(slot, 0, taken.subarray(0, length));
    sameBytes(taken, Buffer.concat([out, Buffer.alloc(8, 0xa5)]));
    back.write(slot, 0, pattern(length, 0x99));
    const answer = new Uint8Array(length);
    front.read(slot, 0, answer);
    sameBytes(answer, pattern(length, 0x99));
    expect(outside().equals(before)).toBe(true);
  });

  it("is the same bytes in pieces as in one", () => {
    const cut = fc.record({
      length: fc.integer({ min: 0, max: 5 * BLOCK_SIZE }),
      cuts: fc.array(fc.nat({ max: 5 * BLOCK_SIZE }), { maxLength: 6 }),
    });
    fc.assert(
      fc.property(cut, ({ length, cuts }) => {
        pair.format();
        front.exports.reserve(BLOCK_SIZE + 1); // so that the pool's first blocks are another's
        const slot = front.exports.reserve(length);
        const bytes = pattern(length, 0x42);
        const ends = [...cuts.filter((end) => end < length), length].sort((a, b) => a - b);
        let from = 0;
        for (const end of ends) {
          front.write(slot, from, bytes.subarray(from, end));
          from = end;
        }
        const whole = new Uint8Array(length);
        back.read(slot, 0, whole);
        sameBytes(whole, bytes);
        for (let at = 0; at < length; ) {
          const window = back.window(slot, at, length - at);
          expect(window.length).toBe(Math.min(length - at, BLOCK_SIZE - (at % BLOCK_SIZE)));
          sameBytes(window, bytes.subarray(at, at + window.length));
          at += window.length;
        }
      }),
      { numRuns: 60 },
    );
  });

  it("shares no byte with another's", () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 4 * BLOCK_SIZE }), { minLength: 2, maxLength: 24 });
    fc.assert(
      fc.property(lengths, fc.infiniteStream(fc.boolean()), (all, stays) => {
        pair.format();
        const held = all.map((length) => ({ length, slot: front.exports.reserve(length) }));
        // Some go and others come in their place, so that blocks are no longer in order.
        for (const each of held) {
          if (stays.next().value) continue;
          front.exports.release(each.slot, each.length);
          each.length = (each.length * 7) % (4 * BLOCK_SIZE);
          each.slot = front.exports.reserve(each.length);
        }
        for (const { slot, length } of held) front.write(slot, 0, pattern(length, slot));
        for (const { slot, length } of held) {
          const bytes = new Uint8Array(length);
          back.read(slot, 0, bytes);
          sameBytes(bytes, pattern(length, slot));
        }
      }),
      { numRuns: 30 },
    );
  });

  it("may fill all slots, or the whole pool", () => {
    pair.format();
    const small = Array.from({ length: SLOT_COUNT }, () => front.exports.reserve(BLOCK_SIZE));
    expect(new Set(small).size).toBe(SLOT_COUNT);
    expect([front.exports.reserve(0), front.exports.freeBlocks()]).toEqual([NONE, POOL_COUNT]);
    for (const slot of small) front.exports.release(slot, BLOCK_SIZE);
    const long = Array.from({ length: 4 }, () => front.exports.reserve(LENGTH_MAX));
    expect(new Set(long).size).toBe(4);
    expect(front.exports.freeBlocks()).toBe(4);
    expect(front.exports.reserve(LENGTH_MAX)).toBe(NONE);
    expect(front.exports.reserve(BLOCK_SIZE * 6)).toBe(NONE);
    expect(front.exports.reserve(BLOCK_SIZE * 5)).not.toBe(NONE);
    expect(front.exports.reserve(BLOCK_SIZE)).not.toBe(NONE);
  });

  it("longer than LENGTH_MAX is refused", () => {
    pair.format();
    for (const length of [LENGTH_MAX + 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
      expect(front.exports.reserve(length)).toBe(NONE);
    }
  });

  it("ends where the memory ends, in the last block of the pool", () => {
    pair.format();
    const slots = Array.from({ length: 5 }, (_, index) =>
      front.exports.reserve(index < 4 ? LENGTH_MAX : 5 * BLOCK_SIZE),
    );
    const last = slots[4] as number;
    front.write(last, 0, pattern(5 * BLOCK_SIZE, 1));
    expect(front.exports.block(last, 4) + BLOCK_SIZE).toBe(MEMORY_SIZE);
    const tail = new Uint8Array(4);
    back.read(last, 5 * BLOCK_SIZE - 4, tail);
    sameBytes(tail, pattern(5 * BLOCK_SIZE, 1).subarray(-4));
  });
});
