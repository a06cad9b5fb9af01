/** Both sides of the ring against a plain model, at random, across the counters' wrap. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ENTRY_CANCEL, NONE, POOL_COUNT, PORTS_MAX, SLOT_COUNT } from "../../asm/layout.ts";
import { createPair } from "./pair.ts";
import { RingDriver, step } from "./ring-driver.ts";

const pair = await createPair();
const { front, back } = pair;

/** A little before the counters wrap, mostly. */
const counter = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 2 ** 32 - 600, max: 2 ** 32 - 1 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 ** 32 - 1 }) },
);

describe("the ring", () => {
  it("does what the model does", () => {
    fc.assert(
      fc.property(counter, fc.array(step, { maxLength: 300, size: "max" }), (start, steps) => {
        pair.format(start);
        const driver = new RingDriver(pair);
        for (const each of steps) {
          driver.do(each);
          driver.compareCounts();
        }
        driver.compareBlocks();
        driver.finish();
      }),
      { numRuns: 600 },
    );
  }, 30_000);

  it("never overruns: a late cancel, the next submission and its cancel of every slot fit", () => {
    pair.format(2 ** 32 - 300);
    const submitAll = () => {
      for (let slot = 0; slot < SLOT_COUNT; slot++) {
        expect(front.exports.reserve(0)).toBe(slot);
        front.exports.address(slot, PORTS_MAX, 1, 0);
        front.exports.describe(slot, 0, 0, 0);
        front.exports.submit(slot);
      }
    };
    const cancelAll = () => {
      for (let slot = 0; slot < SLOT_COUNT; slot++) {
        front.exports.cancel(slot);
        front.exports.cancel(slot); // asking twice is asking once
      }
    };
    submitAll();
    front.exports.flush();
    for (let slot = 0; slot < SLOT_COUNT; slot++) expect(back.exports.take()).toBe(slot);
    cancelAll();
    front.exports.flush();
    for (let slot = 0; slot < SLOT_COUNT; slot++) back.exports.complete(slot, 0, 0);
    back.exports.show();
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      expect(front.exports.reap()).toBe(slot);
      front.exports.release(slot, 0);
    }
    submitAll();
    cancelAll();
    front.exports.flush();
    for (let slot = 0; slot < SLOT_COUNT; slot++) expect(back.exports.take()).toBe(slot);
    for (let slot = 0; slot < SLOT_COUNT; slot++) expect(back.exports.take()).toBe(slot | ENTRY_CANCEL);
    expect(back.exports.take()).toBe(NONE);
  });

  it("reserves a slot without traces of its last URB", () => {
    pair.format();
    const slot = front.exports.reserve(0);
    front.exports.setup(slot, 0x01020304, 0x05060708);
    front.exports.route(slot, 0x12345);
    front.exports.schedule(slot, 125, 7, 9);
    front.exports.describe(slot, 1, 2, 1);
    front.exports.release(slot, 0);
    expect(front.exports.reserve(0)).toBe(slot);
    front.exports.address(slot, 1, 1, 0);
    front.exports.submit(slot);
    front.exports.flush();
    expect(back.exports.take()).toBe(slot);
    const { exports } = back;
    expect([exports.takenSetupLow(), exports.takenSetupHigh()]).toEqual([0, 0]);
    expect([exports.takenInterval(), exports.takenStream()]).toEqual([0, 0]);
    expect([exports.takenRoute(), exports.takenFrame()]).toEqual([0, 0]);
    expect(exports.takenWhat()).toBe(0x00_00_01_00);
  });

  it("refuses to release a slot in flight, a free slot, and what is no slot", () => {
    pair.format();
    const slot = front.exports.reserve(3 * 65536);
    front.exports.address(slot, 1, 1, 0);
    front.exports.submit(slot);
    front.exports.release(slot, 3 * 65536);
    expect([front.exports.freeSlots(), front.exports.freeBlocks()]).toEqual([SLOT_COUNT - 1, POOL_COUNT - 2]);
    front.exports.release(slot + 1, 0xffffffff);
    front.exports.release(SLOT_COUNT + slot, 0);
    front.exports.release(0xffffffff, 0xffffffff);
    expect([front.exports.freeSlots(), front.exports.freeBlocks()]).toEqual([SLOT_COUNT - 1, POOL_COUNT - 2]);
  });

  it("hands out a slot once though it was released twice", () => {
    pair.format();
    const slot = front.exports.reserve(65536 * 2);
    front.exports.release(slot, 65536 * 2);
    front.exports.release(slot, 65536 * 2);
    const slots = Array.from({ length: SLOT_COUNT }, () => front.exports.reserve(1));
    expect(new Set(slots).size).toBe(SLOT_COUNT);
    expect(front.exports.reserve(1)).toBe(NONE);
  });
});
