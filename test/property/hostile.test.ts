/** Either side writes garbage over everything but payloads, at any moment: the other survives, and says what was wrong. */
import fc from "fast-check";
import { describe, it } from "vitest";
import { Link as FrontLink, type Urb } from "../../app/link.ts";
import { Core, compileCore, createMemory } from "../../asm/core.ts";
import * as layout from "../../asm/layout.ts";
import { Link as BackLink } from "../../worker/link.ts";
import type { Request } from "../../worker/request.ts";

const { ARENA, BLOCK_SIZE, BLOCKS_MAX, COMPLETION_RING, MEMORY_SIZE, RING_ENTRIES, SLOT_COUNT } = layout;
const { SUBMISSION_RING, URB_BLOCKS, URB_SIZE, URB_TABLE, VIOLATION_EVENT, VIOLATION_NONE } = layout;

const module = await compileCore();
const memory = createMemory();
const words = new Uint32Array(memory.buffer);
const cores = { front: await Core.instantiate(module, memory), back: await Core.instantiate(module, memory) };

function check(truth: boolean, what: string): void {
  if (!truth) throw new Error(what);
}

const value = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.integer({ min: 0, max: SLOT_COUNT + 4 }),
  fc.integer({ min: 0, max: SLOT_COUNT }).map((slot) => (slot | layout.ENTRY_CANCEL) >>> 0),
  fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff),
);

/** Where it hurts: counters, the next entries, the first records, their block tables, the header; or anywhere. */
const address = fc.oneof(
  fc.constantFrom(
    ...[SUBMISSION_RING, COMPLETION_RING].flatMap((ring) => [
      ring + layout.RING_PRODUCER,
      ring + layout.RING_CONSUMER,
      ring + layout.RING_EVENT,
    ]),
  ),
  fc.integer({ min: 0, max: 12 }).map((entry) => SUBMISSION_RING + RING_ENTRIES + entry * 4),
  fc.integer({ min: 0, max: 12 }).map((entry) => COMPLETION_RING + RING_ENTRIES + entry * 4),
  fc.integer({ min: 0, max: 8 * URB_SIZE }).map((at) => URB_TABLE + at),
  fc
    .record({ slot: fc.nat({ max: 8 }), at: fc.nat({ max: BLOCKS_MAX * 2 - 4 }) })
    .map(({ slot, at }) => URB_TABLE + slot * URB_SIZE + URB_BLOCKS + at),
  fc.nat({ max: ARENA - 4 }),
);

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ does: fc.constant("scribble" as const), address, value }) },
  // A counter moved on by a little, so that what lies on the ring is taken.
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant("advance" as const),
      ring: fc.constantFrom(SUBMISSION_RING, COMPLETION_RING),
      by: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ does: fc.constant("submit" as const), length: fc.nat({ max: 5 * BLOCK_SIZE }) }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("cancel" as const), which: fc.nat() }) },
  { weight: 4, arbitrary: fc.constant({ does: "pump" as const }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant("answer" as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("event" as const), port: fc.integer({ min: 1, max: 31 }) }) },
  { weight: 4, arbitrary: fc.constant({ does: "poll" as const }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("payload" as const), slot: fc.nat({ max: 8 }) }) },
);

/** Everything written into payloads is 0xA5, so that none of it can be mistaken for what lies outside. */
const payload = new Uint8Array(5 * BLOCK_SIZE).fill(0xa5);
const canary = new Uint8Array(3 * BLOCK_SIZE).fill(0x5a);

class Arena {
  readonly front: FrontLink;
  readonly back: BackLink;
  readonly requests: Request[] = [];
  readonly #flying = new Set<Urb>();
  #frontViolated = 0;
  #backViolated = 0;

  constructor(counter: number) {
    words.fill(0, 0, ARENA >> 2);
    this.front = new FrontLink(cores.front, 1, counter);
    this.back = new BackLink(cores.back, 1, {
      submit: (request) => {
        check(request.port >= 1 && request.port <= layout.PORTS_MAX, "a port out of range");
        check(request.length <= layout.LENGTH_MAX, "a length out of range");
        this.requests.push(request);
      },
      cancel: (request) => request.complete(layout.STATUS_CANCELLED, 0),
      violated: (reason) => {
        check(reason > VIOLATION_NONE && reason <= VIOLATION_EVENT, "a violation without a name");
        this.#backViolated++;
      },
    });
    this.front.connect({
      portEvent: (port, _plug, speed) => {
        check(port >= 1 && port <= layout.PORTS_MAX && speed < layout.SPEED_COUNT, "a port event out of range");
      },
      settled() {},
      violated: (reason) => {
        check(reason > VIOLATION_NONE && reason <= VIOLATION_EVENT, "a violation without a name");
        this.#frontViolated++;
      },
    });
  }

  submit(length: number): void {
    const urb = this.front.reserve(length);
    if (!urb) return;
    check(!this.#flying.has(urb), "a URB in flight was handed out");
    const { exports } = this.front.core;
    exports.address(urb.slot, 1, 1, 0x81);
    exports.describe(urb.slot, 0, layout.TYPE_BULK, 0);
    this.#untouchedBy(() => this.front.core.write(urb.slot, 0, payload.subarray(0, length)));
    this.#flying.add(urb);
    this.front.submit(urb, this);
    this.front.flush();
  }

  urbCompleted(urb: Urb): void {
    check(this.#flying.delete(urb), "a URB was answered that was not in flight");
    check(urb.actual <= urb.length && urb.status < layout.STATUS_COUNT, "an answer out of range");
    this.#untouchedBy(() => this.front.core.read(urb.slot, 0, new Uint8Array(urb.actual)));
    this.front.release(urb);
  }

  cancel(which: number): void {
    const urb = [...this.#flying][which % this.#flying.size];
    if (!urb) return;
    this.front.cancel(urb);
    this.front.flush();
  }

  answer(which: number): void {
    const [request] = this.requests.splice(which % this.requests.length, 1);
    if (!request?.pending) return;
    this.#untouchedBy(() => request.write(payload));
    // Between two canaries, the bytes of the URB and not one more.
    const count = Math.min(request.length, BLOCK_SIZE);
    canary.fill(0x5a);
    request.read(canary.subarray(BLOCK_SIZE, BLOCK_SIZE + count));
    check(canary[BLOCK_SIZE - 1] === 0x5a && canary[BLOCK_SIZE + count] === 0x5a, "a canary was written over");
    request.complete(layout.STATUS_OK, request.length);
  }

  /** Whatever the block tables say, a payload is in the arena. */
  payload(slot: number): void {
    for (const core of [cores.front, cores.back]) {
      for (let index = 0; index < BLOCKS_MAX; index++) {
        const at = core.exports.block(slot, index);
        check(at >= ARENA && at <= MEMORY_SIZE - BLOCK_SIZE && at % BLOCK_SIZE === 0, "a block outside the arena");
        const window = core.window(slot, index * BLOCK_SIZE + 17, layout.LENGTH_MAX);
        check(window.byteOffset === at + 17 && window.length === BLOCK_SIZE - 17, "a window beyond its block");
      }
    }
  }

  /** In the end each URB has had its answer, once, and a dead link is dead. */
  finish(): void {
    this.front.poll();
    this.back.pump();
    check(this.#frontViolated <= 1 && this.#backViolated <= 1, "a violation told twice");
    check((cores.front.exports.violation() !== 0) === (this.#frontViolated === 1), "a violation of the front untold");
    if (this.#frontViolated) {
      check(this.#flying.size === 0, "a URB unanswered after a violation");
      check(this.front.reserve(0) === undefined, "a dead link that gives out URBs");
      check(cores.front.exports.reap() === layout.VIOLATION, "a dead front that reaps");
    }
    if (this.#backViolated) check(cores.back.exports.take() === layout.VIOLATION, "a dead back that takes");
    this.front.close();
    check(this.#flying.size === 0, "a URB unanswered after the close");
  }

  /** Runs a copy of payload bytes, and looks that nothing before the arena has changed. */
  #untouchedBy(copy: () => void): void {
    const before = words.slice(0, ARENA >> 2);
    copy();
    check(Buffer.compare(view(before), view(words.subarray(0, ARENA >> 2))) === 0, "a copy wrote before the arena");
  }
}

function view(array: Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

describe("a hostile peer", () => {
  it("can spoil its own link, and nothing else", () => {
    const counter = fc.integer({ min: 2 ** 32 - 8, max: 2 ** 32 - 1 });
    let frontDeaths = 0;
    let backDeaths = 0;
    fc.assert(
      fc.property(counter, fc.array(step, { maxLength: 60, size: "max" }), (start, steps) => {
        const arena = new Arena(start);
        for (const each of steps) {
          if (each.does === "scribble") words[each.address >> 2] = each.value;
          else if (each.does === "advance") {
            const at = (each.ring + layout.RING_PRODUCER) >> 2;
            words[at] = (words[at] as number) + each.by;
          } else if (each.does === "submit") arena.submit(each.length);
          else if (each.does === "cancel") arena.cancel(each.which);
          else if (each.does === "pump") arena.back.pump();
          else if (each.does === "answer") arena.answer(each.which);
          else if (each.does === "event") arena.back.event(each.port, 1, 1);
          else if (each.does === "poll") arena.front.poll();
          else arena.payload(each.slot);
        }
        arena.finish();
        frontDeaths += Number(cores.front.exports.violation() !== 0);
        backDeaths += Number(cores.back.exports.violation() !== 0);
      }),
      { numRuns: 1500 },
    );
    // The garbage was of the kind that is noticed, and of the kind that is not.
    check(frontDeaths > 100 && backDeaths > 100, "the garbage hardly ever hurt");
  }, 60_000);
});
