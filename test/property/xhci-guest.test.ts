/** A hostile guest: whatever it writes, the controller does not throw, does bounded work, and loses no URB. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EP_TYPE_BULK_IN, EP_TYPE_BULK_OUT, EP_TYPE_INTERRUPT_IN } from "../../app/xhci/context.ts";
import { TRB_CHAIN, TRB_IOC, TRB_ISP } from "../../app/xhci/trb.ts";
import { POOL_COUNT, SLOT_COUNT, SPEED_HIGH, SPEED_SUPER, STATUS_CANCELLED, STATUS_OK } from "../../asm/layout.ts";
import type { GuestDevice } from "../fakes/guest-driver/guest-device.ts";
import { ProducerRing } from "../fakes/guest-driver/producer-ring.ts";
import { type Placement, type Rig, rigFactory } from "../fakes/guest-driver/rig.ts";
import { command, link as linkTrb, noOp, normal, type TrbWords } from "../fakes/guest-driver/trbs.ts";

const createRig = await rigFactory();

const MIB = 1 << 20;
const RAM = 4 * MIB;
/** All that the guest ever names lies below, or outside RAM; nothing it names is longer than the gap to the guard. */
const NAMED_END = MIB;
const GUARD = 3 * MIB;
const UNTOUCHED = new Uint8Array(RAM - GUARD);
/** For a machine that has other things to do. */
const TIMEOUT_MS = 60_000;
/** Where the driver's rings and contexts are, for writes that hit something. */
const BUSY_PLACE = { min: 0x1000 >> 4, max: 0x18000 >> 4 };
/** What one doorbell may set off at most. */
const TRANSFERS_PER_TURN = 1 << 16;
const ENDPOINTS = [1, 3, 4, 7];

function named(value: number): number {
  return value < NAMED_END || value >= RAM ? value : value % NAMED_END;
}

const place = fc.integer(BUSY_PLACE).map((index) => index << 4);
const dword = fc.oneof(
  place,
  place.map((at) => at | 1),
  fc.nat(0xffff),
  fc.constantFrom(0, 1, 3, 0xffffffff, 0xfffffff0, RAM, 0x80000000),
  fc.integer({ min: 0, max: 0xffffffff }).map(named),
);
const trb: fc.Arbitrary<TrbWords> = fc
  .record({
    low: dword,
    high: dword,
    status: fc.oneof(fc.nat(0x1ffff), dword),
    type: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 17 }) }, { weight: 1, arbitrary: fc.nat(63) }),
    flags: fc.nat(0x3fe),
    slot: fc.nat(3),
    endpoint: fc.constantFrom(...ENDPOINTS, 0, 2, 31),
  })
  // A chained TRB in one of four: longer TDs would seldom end.
  .map(({ low, high, status, type, flags, slot, endpoint }) => {
    const control = (type << 10) | (flags & 0x100 ? flags & ~1 : flags & ~0x11) | (slot << 24) | (endpoint << 16);
    return [low, high, status, named(control >>> 0)];
  });

type Step =
  | { readonly do: "register"; readonly at: number; readonly width: 1 | 2 | 4; readonly value: number }
  | { readonly do: "doorbell"; readonly slot: number; readonly target: number }
  | { readonly do: "poke"; readonly at: number; readonly trb: TrbWords }
  | { readonly do: "td"; readonly endpoint: number; readonly trbs: readonly TrbWords[] }
  | { readonly do: "command"; readonly trb: TrbWords }
  | { readonly do: "run"; readonly command: number }
  | { readonly do: "answer"; readonly which: number; readonly status: number; readonly share: number }
  | { readonly do: "plug"; readonly port: number; readonly speed: number }
  | { readonly do: "look" };

const registers = fc.oneof(
  fc.constantFrom(0x40, 0x44, 0x58, 0x70, 0x78, 0x440, 0x450, 0x480, 0x1020, 0x1028, 0x1030, 0x1038),
  fc.integer({ min: 0, max: 0xfff }).map((index) => index << 2),
);
const one = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const step: fc.Arbitrary<Step> = fc.oneof(
  one(
    3,
    fc.record({
      do: fc.constant("register"),
      at: registers,
      width: fc.constantFrom<(1 | 2 | 4)[]>(1, 2, 4),
      value: dword,
    }),
  ),
  one(
    3,
    fc.record({ do: fc.constant("doorbell"), slot: fc.nat(4), target: fc.constantFrom(...ENDPOINTS, 0, 2, 31, 255) }),
  ),
  one(3, fc.record({ do: fc.constant("poke"), at: place, trb })),
  one(
    6,
    fc.record({
      do: fc.constant("td"),
      endpoint: fc.constantFrom(...ENDPOINTS),
      trbs: fc.array(trb, { minLength: 1, maxLength: 6 }),
    }),
  ),
  one(4, fc.record({ do: fc.constant("command"), trb })),
  one(1, fc.record({ do: fc.constant("run"), command: fc.constantFrom(0, 1, 5, 5, 5, 2, 0x200) })),
  one(4, fc.record({ do: fc.constant("answer"), which: fc.nat(40), status: fc.nat(6), share: fc.nat(100) })),
  one(1, fc.record({ do: fc.constant("plug"), port: fc.integer({ min: 1, max: 4 }), speed: fc.nat(4) })),
  one(2, fc.record({ do: fc.constant("look") })),
) as fc.Arbitrary<Step>;

function createDevice(placement: Placement): { rig: Rig; device: GuestDevice } {
  const rig = createRig({ placement, ramSize: RAM });
  rig.driver.start();
  rig.back.plug(1, SPEED_HIGH);
  rig.back.plug(2, SPEED_SUPER);
  const device = rig.driver.enumerate(1, SPEED_HIGH);
  device.mustConfigure(
    { id: 3, type: EP_TYPE_BULK_IN, size: 16, segments: 2 },
    { id: 4, type: EP_TYPE_BULK_OUT, size: 16, segments: 2 },
    { id: 7, type: EP_TYPE_INTERRUPT_IN, size: 16, maxPacketSize: 8 },
  );
  return { rig, device };
}

function perform({ rig, device }: { rig: Rig; device: GuestDevice }, each: Step): void {
  const { driver, back, ram } = rig;
  switch (each.do) {
    case "register":
      driver.bar.write(each.at, each.width, each.value);
      driver.bar.read(each.at, each.width);
      return;
    case "doorbell":
      driver.bar.write(driver.capabilities.doorbells + each.slot * 4, 4, each.target);
      return;
    case "poke":
      ram.poke(each.at, ...each.trb);
      return;
    case "td":
      for (const words of each.trbs) device.queue(each.endpoint, words);
      driver.bar.write(driver.capabilities.doorbells + device.slotId * 4, 4, each.endpoint);
      return;
    case "command":
      driver.commands.push(each.trb);
      driver.bar.write(driver.capabilities.doorbells, 4, 0);
      return;
    case "run":
      driver.bar.write(driver.capabilities.operational, 4, each.command);
      return;
    case "answer": {
      const request = back.held[each.which % Math.max(1, back.held.length)];
      // An IN brings no bytes here: what the guest's memory holds stays what the guest has named.
      if (request)
        back.answer(request, each.status, request.isIn ? 0 : Math.floor((request.length * each.share) / 100));
      back.link.pump();
      return;
    }
    case "plug":
      if (each.speed === 0) back.unplug(each.port);
      else back.plug(each.port, each.speed);
      return;
    case "look":
      rig.settle();
      driver.writeRuntime(0x38, driver.readRuntime(0x38) | 8);
      return;
    default:
      each satisfies never;
  }
}

/** Resets the controller, lets the device answer what it still holds, and looks whether everything came back. */
function expectNothingLost(rig: Rig): void {
  const { driver, back, link, controller } = rig;
  driver.bar.write(driver.capabilities.operational, 4, 2);
  rig.settle();
  for (const request of back.held.slice()) back.answer(request, STATUS_CANCELLED, 0);
  rig.settle();
  expect(back.violation).toBeUndefined();
  expect(link.inFlight).toBe(0);
  expect(link.core.exports.freeSlots()).toBe(SLOT_COUNT);
  expect(link.core.exports.freeBlocks()).toBe(POOL_COUNT);
  for (let port = 1; port <= controller.portCount; port++) expect(controller.port(port).counters.inFlight).toBe(0);
}

describe.each(["deferred", "thread"] as const)("a hostile guest, with its device in %s placement", (placement) => {
  it(
    "cannot make the controller throw, lose a URB, or write to memory that it never named",
    () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 5, maxLength: 60, size: "max" }), (steps) => {
          const parts = createDevice(placement);
          parts.rig.back.onCancel = (request) => {
            if (request.slot % 3 > 0) parts.rig.back.answer(request, STATUS_CANCELLED, 0);
          };
          for (const each of steps) {
            perform(parts, each);
            expect(parts.rig.controller.port(1).counters.inFlight).toBeGreaterThanOrEqual(0);
          }
          expectNothingLost(parts.rig);
          expect(Buffer.compare(parts.rig.ram.bytes.subarray(GUARD), UNTOUCHED)).toBe(0);
        }),
        { numRuns: 150 },
      );
    },
    TIMEOUT_MS,
  );

  it("cannot keep the controller busy with a ring that loops", () => {
    const loops: [string, (buffer: number) => TrbWords[]][] = [
      ["transfers", (buffer) => [normal(buffer, 512)]],
      ["long transfers", (buffer) => Array.from({ length: 8 }, () => normal(buffer, 0x1ffff, 0))],
      ["No-Ops", () => [noOp()]],
      ["No-Ops with events", () => [noOp(TRB_IOC)]],
      ["empty transfers with events", (buffer) => [normal(buffer, 0, TRB_IOC | TRB_ISP)]],
      ["one TD without an end", (buffer) => [normal(buffer, 0, TRB_CHAIN)]],
    ];
    for (const [, trbs] of loops) {
      const { rig, device } = createDevice(placement);
      const { driver, back, ram } = rig;
      let transfers = 0;
      back.onTransfer = (request) => {
        transfers++;
        back.answer(request, STATUS_OK, request.length);
      };
      const ring = device.ringOf(4);
      const start = ring.enqueue;
      for (const words of trbs(ram.buffer(0x20000))) ring.push(words);
      const [low, high, status, control] = linkTrb(start, false);
      ram.poke(ring.enqueue, low, high, status, control | 1);
      driver.bar.write(driver.capabilities.doorbells + device.slotId * 4, 4, 4);
      expect(transfers).toBeLessThanOrEqual(TRANSFERS_PER_TURN);
      // The guest still gets through: the ring is stopped by a reset.
      expectNothingLost(rig);
    }
  });

  it("cannot keep the controller busy with a command ring that loops", () => {
    const { rig } = createDevice(placement);
    const { driver, ram } = rig;
    // Events find room for long: a segment of 65535.
    const at = driver.commands.enqueue;
    const segment = 2 * MIB;
    const table = ram.allocate(16);
    ram.poke(table, segment, 0, 0xffff, 0);
    driver.writeRuntime(0x38, segment);
    driver.writeRuntime(0x30, table);
    ram.poke(at, ...command.noOp().slice(0, 3), (23 << 10) | 1);
    const [low, high, status, control] = linkTrb(at, false);
    ram.poke(at + 16, low, high, status, control | 1);
    driver.bar.write(driver.capabilities.doorbells, 4, 0);
    expectNothingLost(rig);
  });
});

describe("a TD of thousands of TRBs", () => {
  it.each([
    ["that is legal is done", 4096, 1],
    ["that is too long is a TRB error", 4097, 5],
  ])("%s", (_, count, code) => {
    const rig = createRig({ ramSize: RAM });
    rig.driver.start();
    rig.back.plug(1, SPEED_HIGH);
    const device = rig.driver.enumerate(1, SPEED_HIGH);
    device.mustConfigure({ id: 4, type: EP_TYPE_BULK_OUT, size: 8192 });
    rig.back.onTransfer = (request) => rig.back.answer(request, STATUS_OK, request.length);
    const buffer = rig.ram.buffer(64);
    const trbs = Array.from({ length: count - 1 }, () => normal(buffer, 1, TRB_CHAIN));
    device.submit(4, ...trbs, normal(buffer, 1, TRB_IOC));
    expect(device.events()).toMatchObject([{ code }]);
  });

  it("on the control endpoint takes no more than its share of time", () => {
    const rig = createRig({ ramSize: RAM });
    rig.driver.start();
    rig.back.plug(1, SPEED_SUPER);
    rig.settle();
    const device = rig.driver.device(5, SPEED_SUPER);
    device.prepareAddress();
    const ring = new ProducerRing(rig.ram, { size: 8192 });
    rig.ram.poke(device.input + 64 + 8, ring.start | 1);
    expect(device.address()).toBe(1);
    rig.back.onTransfer = (request) => rig.back.answer(request, STATUS_OK, request.length);
    const data = 4000;
    const buffer = rig.ram.buffer(64);
    ring.push([0x40 | (0x5b << 8), (data << 16) >>> 0, 8, (2 << 10) | 0x40]);
    ring.push(
      [buffer, 0, 1, (3 << 10) | TRB_CHAIN],
      ...Array.from({ length: data - 2 }, () => normal(buffer, 1, TRB_CHAIN)),
      normal(buffer, 1),
    );
    ring.push([0, 0, 0, (4 << 10) | TRB_IOC]);
    device.doorbell(1);
    expect(device.events()).toMatchObject([{ code: 1 }]);
  });
});
