/** Waking by event index: once a burst when the consumer sleeps, not at all when it does not, and never missed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COMPLETION_RING, NONE, SUBMISSION_RING } from "../../asm/layout.ts";
import { createPair } from "./pair.ts";

const pair = await createPair();
const { front, back } = pair;

/** Either direction: what its producer writes and shows, what its consumer takes and arms. */
const directions = {
  submissions: {
    ring: SUBMISSION_RING,
    consumer: back,
    produce() {
      const slot = front.exports.reserve(0);
      front.exports.address(slot, 1, 1, 0);
      front.exports.submit(slot);
    },
    show: () => front.exports.flush(),
    showEarly: () => front.exports.flushEarly(),
    waits: () => back.exports.backLook(1),
    consume() {
      const entry = back.exports.take();
      if (entry === NONE) return false;
      back.exports.complete(entry, 0, 0);
      back.exports.show();
      front.exports.release(front.exports.reap(), 0);
      return true;
    },
    arm: () => back.exports.backArm(),
  },
  completions: {
    ring: COMPLETION_RING,
    consumer: front,
    produce: () => void back.exports.event(1, 1, 1),
    show: () => back.exports.show(),
    showEarly: () => back.exports.showEarly(),
    waits: () => front.exports.frontLook(1),
    consume: () => front.exports.reap() !== NONE,
    arm: () => front.exports.frontArm(),
  },
};

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant("burst" as const), entries: fc.integer({ min: 1, max: 40 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ does: "write" as const }) },
  { weight: 2, arbitrary: fc.constant({ does: "show" as const }) },
  { weight: 3, arbitrary: fc.constant({ does: "consume" as const }) },
  { weight: 3, arbitrary: fc.constant({ does: "arm" as const }) },
  { weight: 3, arbitrary: fc.constant({ does: "wait" as const }) },
);

describe.each(Object.keys(directions) as (keyof typeof directions)[])("%s", (name) => {
  const { ring, consumer, produce, show, showEarly, waits, consume, arm } = directions[name];

  it("wake a sleeper once a burst", async () => {
    pair.format(0xfffffff0);
    for (let burst = 1; burst <= 30; burst++) {
      const slept = consumer.sleep(ring, arm());
      for (let entry = 0; entry < burst; entry++) produce();
      expect(show()).toBe(1);
      expect(await slept).toBe(true);
      // Awake: more comes, and nobody is told.
      produce();
      expect(show()).toBe(0);
      while (consume());
    }
  });

  it("wake nobody who has not armed", async () => {
    pair.format(0xfffffff0);
    const slept = consumer.sleep(ring, arm());
    produce();
    expect(show()).toBe(1);
    await slept;
    while (consume());
    for (let burst = 0; burst < 20; burst++) {
      produce();
      expect(show()).toBe(0);
      expect(consume()).toBe(true);
    }
  });

  it("do not put to sleep who looked before the last entry", async () => {
    pair.format(0xffffffff);
    const seen = arm();
    produce();
    show();
    expect(await consumer.sleep(ring, seen)).toBe(false);
  });

  it("wake by rouse without an entry", async () => {
    pair.format();
    const slept = consumer.sleep(ring, arm());
    consumer.rouse(ring);
    expect(await slept).toBe(true);
    expect(consume()).toBe(false);
  });

  it("are shown early, in the middle of a burst, to who is awake, and not to who sleeps", async () => {
    pair.format(0xfffffff0);
    const slept = consumer.sleep(ring, arm());
    produce();
    showEarly();
    expect(waits()).toBe(0);
    expect(show()).toBe(1);
    expect(await slept).toBe(true);
    produce();
    expect(waits()).toBe(1);
    showEarly();
    expect(waits()).toBe(2);
    while (consume());
    expect(waits()).toBe(0);
  });

  it("never leave a sleeper asleep over a shown entry", async () => {
    const start = fc.integer({ min: 2 ** 32 - 60, max: 2 ** 32 - 1 });
    await fc.assert(
      fc.asyncProperty(start, fc.array(step, { maxLength: 80, size: "max" }), async (counter, steps) => {
        pair.format(counter);
        let written = 0;
        let shown = 0;
        let consumed = 0;
        let seen: number | undefined;
        let asleep = false;
        let sleeping: Promise<boolean> | undefined;
        const publish = () => {
          const woken = show();
          const due = asleep && written > shown;
          if (woken !== (due ? 1 : 0)) throw new Error(`${woken} woken of ${due}, ${shown} to ${written}`);
          if (due) asleep = false;
          shown = written;
        };
        for (const each of steps) {
          if (each.does === "burst" && written - consumed < 200) {
            for (let entry = 0; entry < each.entries; entry++) produce();
            written += each.entries;
            publish();
          } else if (each.does === "write" && written - consumed < 200) {
            produce();
            written++;
          } else if (each.does === "show") {
            publish();
          } else if (each.does === "consume") {
            // A guest's trap looks at the ring though the thread's own loop sleeps.
            if (consume() !== consumed < shown) throw new Error("what was shown is not what came");
            if (consumed < shown) consumed++;
          } else if (each.does === "arm" && !asleep) {
            seen = arm();
          } else if (each.does === "wait" && !asleep && seen !== undefined) {
            await sleeping;
            // What was shown between arming and waiting forbids to sleep; from then on the next show wakes.
            asleep = seen >>> 0 === (counter + shown) >>> 0;
            sleeping = consumer.sleep(ring, seen);
            seen = undefined;
          }
        }
        produce();
        written++;
        publish();
        await sleeping;
        while (consume());
      }),
      { numRuns: 300 },
    );
  });
});

describe("a front that looks by itself", () => {
  it("is woken by nobody until it arms again", async () => {
    pair.format(0xfffffffe);
    const slept = front.sleep(COMPLETION_RING, front.exports.frontArm());
    front.exports.frontDisarm();
    for (let plug = 1; plug <= 5; plug++) {
      back.exports.event(1, plug, 1);
      expect(back.exports.show()).toBe(0);
      expect(front.exports.frontLook(3)).toBe(1);
      expect(front.exports.reap()).not.toBe(NONE);
    }
    expect(front.exports.frontLook(3)).toBe(0);
    front.exports.frontArm();
    back.exports.event(1, 6, 1);
    expect(back.exports.show()).toBe(1);
    expect(await slept).toBe(true);
  });
});
