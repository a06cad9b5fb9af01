/** Does one thing to the ring and to the model, and compares what they answer. */
import fc from "fast-check";
import {
  BLOCK_SIZE,
  ENTRY_CANCEL,
  ENTRY_EVENT,
  EVENT_PLUG_MASK,
  FLAGS_ALL,
  LENGTH_MAX,
  NONE,
  POOL_COUNT,
  PORTS_MAX,
  ROUTE_MASK,
  SLOT_COUNT,
  SPEED_COUNT,
  STATUS_CANCELLED,
  STATUS_COUNT,
  TYPE_COUNT,
} from "../../asm/layout.ts";
import type { Pair } from "./pair.ts";
import { type Description, RingModel } from "./ring-model.ts";

const u32 = fc.integer({ min: 0, max: 0xffffffff });

export const length = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 4096 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 8 * BLOCK_SIZE }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, 2 * BLOCK_SIZE) },
  { weight: 1, arbitrary: fc.constantFrom(LENGTH_MAX - 1, LENGTH_MAX, LENGTH_MAX + 1, 0xffffffff) },
);

const description: fc.Arbitrary<Description> = fc.record({
  port: fc.integer({ min: 1, max: PORTS_MAX }),
  plug: fc.integer({ min: 0, max: EVENT_PLUG_MASK }),
  endpoint: fc.integer({ min: 0, max: 15 }).chain((number) => fc.constantFrom(number, number | 0x80)),
  type: fc.integer({ min: 0, max: TYPE_COUNT - 1 }),
  flags: fc.integer({ min: 0, max: FLAGS_ALL }),
  setupLow: u32,
  setupHigh: u32,
  interval: u32,
  stream: u32,
  route: fc.integer({ min: 0, max: ROUTE_MASK }),
  frame: u32,
});

/** `which` picks among the slots that the step can be done to. */
export const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constant("reserve" as const), length }) },
  { weight: 6, arbitrary: fc.record({ does: fc.constant("submit" as const), which: fc.nat(), description }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant("cancel" as const), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant("flush" as const) }) },
  { weight: 8, arbitrary: fc.record({ does: fc.constant("take" as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant("complete" as const),
      which: fc.nat(),
      status: fc.integer({ min: 0, max: STATUS_COUNT - 1 }),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant("event" as const),
      times: fc.constantFrom(1, 1, 2, 300),
      port: fc.integer({ min: 1, max: PORTS_MAX }),
      plug: fc.integer({ min: 0, max: EVENT_PLUG_MASK }),
      speed: fc.integer({ min: 0, max: SPEED_COUNT - 1 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant("show" as const) }) },
  { weight: 8, arbitrary: fc.record({ does: fc.constant("reap" as const) }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant("release" as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("misuse" as const), slot: fc.nat({ max: SLOT_COUNT - 1 }) }) },
  // The same over and over, so that slots, blocks and rings fill up and run empty.
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constantFrom("fill" as const, "cancel all" as const, "drain back" as const, "drain front" as const),
      length: fc.integer({ min: 0, max: 2 * BLOCK_SIZE }),
      description,
    }),
  },
);

/** As same(, ), but cheap enough for a million comparisons. */
function same(actual: unknown, expected: unknown): void {
  if (!Object.is(actual, expected)) throw new Error(`expected ${String(expected)}, got ${String(actual)}`);
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

export class RingDriver {
  readonly model = new RingModel();
  readonly #pair: Pair;

  constructor(pair: Pair) {
    this.#pair = pair;
  }

  do(step: Step): void {
    switch (step.does) {
      case "reserve":
        this.#reserve(step.length);
        break;
      case "submit":
        this.#at(this.model.slots("reserved"), step.which, (slot) => this.#submit(slot, step.description));
        break;
      case "cancel":
        this.#at(this.model.slots("in flight"), step.which, (slot) => this.#cancel(slot));
        break;
      case "flush":
        this.#flush();
        break;
      case "take":
        this.#take();
        break;
      case "complete":
        this.#at([...this.model.owned], step.which, (slot) => this.#complete(slot, step.status, step.part));
        break;
      case "event":
        for (let time = 0; time < step.times; time++) this.#event(step.port, step.plug, step.speed);
        break;
      case "show":
        this.#show();
        break;
      case "reap":
        this.#reap();
        break;
      case "release":
        this.#at([...this.model.slots("answered"), ...this.model.slots("reserved")], step.which, (slot) =>
          this.#release(slot),
        );
        break;
      case "misuse":
        this.#misuse(step.slot);
        break;
      case "fill":
        while (this.model.hasRoom(step.length)) this.#reserve(step.length);
        for (const slot of this.model.slots("reserved")) this.#submit(slot, step.description);
        this.#flush();
        break;
      case "cancel all":
        for (const slot of this.model.slots("in flight")) this.#cancel(slot);
        this.#flush();
        break;
      case "drain back":
        while (this.#take() !== NONE);
        for (const slot of [...this.model.owned]) this.#complete(slot, STATUS_CANCELLED, 0);
        this.#show();
        break;
      case "drain front":
        while (this.#reap() !== NONE);
        for (const slot of this.model.slots("answered")) this.#release(slot);
        break;
      default:
        step satisfies never;
    }
  }

  /** Lets everything come back; then everything must be free. */
  finish(): void {
    const { front, back } = this.#pair;
    this.#flush();
    while (this.#take() !== NONE);
    for (const slot of [...this.model.owned]) this.#complete(slot, STATUS_CANCELLED, 0);
    this.#show();
    while (this.#reap() !== NONE);
    for (const slot of [...this.model.urbs.keys()]) this.#release(slot);
    same(front.exports.freeSlots(), SLOT_COUNT);
    same(front.exports.freeBlocks(), POOL_COUNT);
    same(front.exports.frontInFlight(), 0);
    same(back.exports.backOwned(), 0);
  }

  compareCounts(): void {
    const { front, back } = this.#pair;
    same(front.exports.freeSlots(), this.model.freeSlots);
    same(front.exports.freeBlocks(), this.model.freeBlocks);
    same(front.exports.frontInFlight(), this.model.slots("in flight").length);
    same(back.exports.backOwned(), this.model.owned.size);
    same(front.exports.violation(), 0);
    same(back.exports.violation(), 0);
  }

  /** No two URBs share a block. */
  compareBlocks(): void {
    const seen = new Set<number>();
    let count = 0;
    for (const [slot, { length }] of this.model.urbs) {
      for (let index = 0; index <= RingModel.extraBlocks(length); index++) {
        seen.add(this.#pair.front.exports.block(slot, index));
        count++;
      }
    }
    same(seen.size, count);
  }

  #at(slots: number[], which: number, act: (slot: number) => void): void {
    const slot = slots[which % slots.length];
    if (slot !== undefined) act(slot);
  }

  #reserve(length: number): void {
    const room = this.model.hasRoom(length);
    const slot = this.#pair.front.exports.reserve(length);
    if (!room) {
      same(slot, NONE);
      return;
    }
    same(slot >= 0 && slot < SLOT_COUNT, true);
    same(this.model.urbs.has(slot), false);
    this.model.reserve(slot, length);
  }

  #submit(slot: number, description: Description): void {
    const { exports } = this.#pair.front;
    exports.address(slot, description.port, description.plug, description.endpoint);
    exports.describe(slot, 0, description.type, description.flags);
    exports.setup(slot, description.setupLow, description.setupHigh);
    exports.route(slot, description.route);
    exports.schedule(slot, description.interval, description.stream, description.frame);
    exports.submit(slot);
    this.model.submit(slot, description);
  }

  #cancel(slot: number): void {
    this.#pair.front.exports.cancel(slot);
    this.model.cancel(slot);
  }

  #flush(): void {
    same(this.#pair.front.exports.flush(), 0); // nobody sleeps here
    this.model.flush();
  }

  #take(): number {
    const { exports } = this.#pair.back;
    const entry = exports.take();
    same(entry, this.model.take());
    if (entry === NONE || entry & ENTRY_CANCEL) return entry;
    const urb = this.model.urb(entry);
    same(exports.takenLength(), urb.length);
    const { description } = urb;
    const { port = 0, endpoint = 0, type = 0, flags = 0 } = description ?? {};
    const { stream = 0, interval = 0, route = 0, frame = 0 } = description ?? {};
    const more = stream || interval || route || frame ? 1 << 24 : 0;
    same(exports.takenWhat(), more | (endpoint << 16) | (port << 8) | (flags << 4) | (type << 2));
    same(exports.takenPlug(), description?.plug);
    same(exports.takenSetupLow() >>> 0, description?.setupLow);
    same(exports.takenSetupHigh() >>> 0, description?.setupHigh);
    same(exports.takenInterval() >>> 0, description?.interval);
    same(exports.takenStream() >>> 0, description?.stream);
    same(exports.takenRoute(), description?.route);
    same(exports.takenFrame() >>> 0, description?.frame);
    return entry;
  }

  #complete(slot: number, status: number, part: number): void {
    const actual = Math.floor(this.model.urb(slot).length * part);
    same(Boolean(this.#pair.back.exports.complete(slot, status, actual)), true);
    same(Boolean(this.#pair.back.exports.complete(slot, status, actual)), false); // once
    this.model.complete(slot, status, actual);
  }

  #event(port: number, plug: number, speed: number): void {
    const { exports } = this.#pair.back;
    same(Boolean(exports.event(port, plug, speed)), this.model.event(port, plug, speed));
  }

  #show(): void {
    same(this.#pair.back.exports.show(), 0);
    this.model.show();
  }

  #reap(): number {
    const { exports } = this.#pair.front;
    const entry = exports.reap();
    const expected = this.model.reap();
    same(entry, expected?.entry ?? NONE);
    if (entry === NONE || entry & ENTRY_EVENT) return entry;
    same(exports.settle(entry, this.model.urb(entry).length), 0);
    same(exports.settledStatus(), expected?.status);
    same(exports.settledActual(), expected?.actual);
    return entry;
  }

  #release(slot: number): void {
    const { length } = this.model.urb(slot);
    this.#pair.front.exports.release(slot, length);
    this.#pair.front.exports.release(slot, length); // a second one is refused
    this.model.release(slot);
  }

  /** What a slot's state forbids is without effect. */
  #misuse(slot: number): void {
    const { front, back } = this.#pair;
    const urb = this.model.urbs.get(slot);
    if (!urb || urb.state === "in flight") front.exports.release(slot, urb?.length ?? LENGTH_MAX);
    if (urb?.state !== "in flight") front.exports.cancel(slot);
    if (!this.model.owned.has(slot)) same(Boolean(back.exports.complete(slot, 0, 0)), false);
  }
}
