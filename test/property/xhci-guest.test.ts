/** A hostile guest: whatever it writes, the controller does not throw, does bounded work, and loses no URB. */
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  EP_TYPE_BULK_IN,
  EP_TYPE_BULK_OUT,
  EP_TYPE_INTERRUPT_IN,
  EP_TYPE_ISOCH_IN,
  EP_TYPE_ISOCH_OUT,
} from "../../app/xhci/context.ts";
import { TRB_CHAIN, TRB_IOC, TRB_ISP } from "../../app/xhci/trb.ts";
import { POOL_COUNT, SLOT_COUNT, SPEED_HIGH, SPEED_SUPER, STATUS_CANCELLED, STATUS_OK } from "../../asm/layout.ts";
import type { GuestDevice } from "../fakes/guest-driver/guest-device.ts";
import { ProducerRing } from "../fakes/guest-driver/producer-ring.ts";
import { type Placement, type Rig, rigFactory } from "../fakes/guest-driver/rig.ts";
import { command, link as linkTrb, noOp, normal, type TrbWords } from "../fakes/guest-driver/trbs.ts";
import { runs } from "./runs.ts";

const createRig = await rigFactory();

const RAM = 1 << 19;
/**
 * All that the guest ever names lies below, or outside RAM, or in its last bytes; nothing it names is longer than the gap to
 * the guard.
 */
const NAMED_END = 1 << 17;
const GUARD = 3 << 17;
const GUARD_END = RAM - 16;
const UNTOUCHED = new Uint8Array(GUARD_END - GUARD);
/** What one doorbell may set off at most. */
const TRANSFERS_PER_TURN = 1 << 16;
const PROGRAMS = runs(100_000);
/** For a machine that has other things to do. */
const TIMEOUT_MS = 1_200_000;

const HIGH = 1;
const SUPER = 2;
const ISOCH = { maxPacketSize: 1024, size: 16 };
const ENDPOINTS = [1, 3, 4, 7, 9, 10];

function named(value: number): number {
  return value < NAMED_END || value >= RAM ? value : value % NAMED_END;
}

function createDevice(placement: Placement): { rig: Rig; device: GuestDevice } {
  const rig = createRig({ placement, ramSize: 1 << 22 });
  return { rig, device: plugIn(rig) };
}

/** A high-speed device with an endpoint of every type, and a super-speed one with streams. */
function plugIn({ driver, back, controller }: Rig): GuestDevice {
  driver.start();
  back.plug(HIGH, SPEED_HIGH);
  back.plug(SUPER, SPEED_SUPER);
  const device = driver.enumerate(HIGH, SPEED_HIGH);
  device.mustConfigure(
    { id: 3, type: EP_TYPE_BULK_IN, size: 16, segments: 2 },
    { id: 4, type: EP_TYPE_BULK_OUT, size: 16, segments: 2 },
    { id: 7, type: EP_TYPE_INTERRUPT_IN, size: 16, maxPacketSize: 8 },
    { id: 9, type: EP_TYPE_ISOCH_IN, ...ISOCH },
    { id: 10, type: EP_TYPE_ISOCH_OUT, ...ISOCH },
  );
  const streamed = driver.enumerate(controller.portCount + SUPER, SPEED_SUPER);
  streamed.mustConfigure({ id: 3, type: EP_TYPE_BULK_IN, maxPrimaryStreams: 1 });
  return device;
}

/** A program of a guest that keeps to nothing: a list of numbers, so that it is quick to make and shrinks well. */
class HostileProgram {
  readonly #rig: Rig;
  readonly #device: GuestDevice;
  readonly #words: readonly number[];
  #at = 0;

  constructor(rig: Rig, words: readonly number[]) {
    this.#rig = rig;
    this.#words = words;
    rig.ram.bytes.fill(0);
    rig.ram.clear();
    rig.back.onTransfer = () => {};
    rig.back.onCancel = (request) => {
      if (request.slot % 3 > 0) rig.back.answer(request, STATUS_CANCELLED, 0);
    };
    this.#device = plugIn(rig);
  }

  run(): void {
    while (this.#at < this.#words.length) this.#step();
  }

  #next(): number {
    return this.#words[this.#at++] ?? 0;
  }

  #pick<T>(...choices: readonly T[]): T {
    return choices[this.#next() % choices.length] as T;
  }

  #dword(): number {
    const word = this.#next();
    switch (word % 5) {
      case 0:
        return this.#place();
      case 1:
        return this.#place() | 1;
      case 2:
        return word;
      case 3:
        return this.#pick(0, 1, 3, 0xffffffff, 0xfffffff0, RAM, RAM - 16, RAM - 8, 0x80000000);
      default:
        return named(((word << 16) | this.#next()) >>> 0);
    }
  }

  /** Where rings and contexts are, for writes that hit something. */
  #place(): number {
    return 0x1000 + (this.#next() % 0xa00) * 16;
  }

  #trb(): TrbWords {
    const word = this.#next();
    const type = word % 5 === 0 ? (word >> 3) & 63 : 1 + ((word >> 3) % 22);
    // A chained TRB in one of four: longer TDs would seldom end.
    const flags = this.#next() & 0x3fe;
    const control = (type << 10) | (flags & 0x100 ? flags & ~1 : flags & ~0x11) | ((word & 3) << 24);
    const endpoint = this.#pick(...ENDPOINTS, 0, 2, 31);
    return [this.#dword(), this.#dword(), this.#dword(), named((control | (endpoint << 16)) >>> 0)];
  }

  #step(): void {
    const { driver, back, ram } = this.#rig;
    const { doorbells, operational } = driver.capabilities;
    switch (this.#next() % 16) {
      case 0:
      case 1: {
        const at = this.#pick(0x40, 0x44, 0x58, 0x70, 0x78, 0x440, 0x450, 0x480, 0x1020, 0x1028, 0x1030, 0x1038, -1);
        const offset = at < 0 ? (this.#next() % 0x1000) * 4 : at;
        driver.bar.write(offset + (this.#next() & 3), this.#pick<1 | 2 | 4>(4, 4, 2, 1), this.#dword());
        driver.bar.read(offset, 4);
        return;
      }
      case 2:
      case 3: {
        const target = this.#pick(...ENDPOINTS, 0, 2, 31, 255) | (this.#next() << 16);
        driver.bar.write(doorbells + (this.#next() % 5) * 4, 4, target >>> 0);
        return;
      }
      case 4:
      case 5:
        ram.poke(this.#place(), ...this.#trb());
        return;
      case 6:
      case 7:
      case 8: {
        const endpoint = this.#pick(...ENDPOINTS);
        for (let count = 1 + (this.#next() % 5); count > 0; count--) this.#device.queue(endpoint, this.#trb());
        driver.bar.write(doorbells + this.#device.slotId * 4, 4, endpoint);
        return;
      }
      case 9:
      case 10:
        driver.commands.push(this.#trb());
        driver.bar.write(doorbells, 4, 0);
        return;
      case 11:
        driver.bar.write(operational, 4, this.#pick(0, 1, 5, 5, 5, 2, 0x200, 0x100, 0x405));
        return;
      case 12:
      case 13: {
        const request = back.held[this.#next() % Math.max(1, back.held.length)];
        // An IN brings no bytes here: what the guest's memory holds stays what the guest has named.
        const status = this.#next() % 7;
        const share = this.#next() % 101;
        if (request) back.answer(request, status, request.isIn ? 0 : Math.floor((request.length * share) / 100));
        back.link.pump();
        return;
      }
      case 14: {
        const port = 1 + (this.#next() % 4);
        const speed = this.#next() % 5;
        if (speed === 0) back.unplug(port);
        else back.plug(port, speed);
        return;
      }
      default:
        vi.advanceTimersByTime(this.#next() % 20);
        this.#rig.settle();
        driver.writeRuntime(0x38, driver.readRuntime(0x38) | 8);
    }
  }
}

/** Resets the controller, lets the device answer what it still holds, and looks whether everything came back. */
function expectNothingLost(rig: Rig): void {
  const { driver, back, link, controller } = rig;
  driver.bar.write(driver.capabilities.operational, 4, 2);
  rig.settle();
  for (const request of back.held.slice()) back.answer(request, STATUS_CANCELLED, 0);
  for (const request of back.resets.splice(0)) request.complete(STATUS_OK, 0);
  rig.settle();
  const { exports } = link.core;
  const left = [back.violation, link.inFlight, exports.freeSlots(), exports.freeBlocks()];
  for (let port = 1; port <= controller.portCount; port++) left.push(controller.port(port).counters.inFlight);
  expect(left).toEqual([undefined, 0, SLOT_COUNT, POOL_COUNT, ...new Array(controller.portCount).fill(0)]);
}

describe.each(["deferred", "thread"] as const)("a hostile guest, with its device in %s placement", (placement) => {
  it(
    "cannot make the controller throw, lose a URB, or write to memory that it never named; the next guest is served",
    () => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
      try {
        const rig = createRig({ placement, ramSize: RAM });
        fc.assert(
          fc.property(fc.array(fc.nat(0xffff), { minLength: 10, maxLength: 120, size: "max" }), (words) => {
            new HostileProgram(rig, words).run();
            expectNothingLost(rig);
            for (let port = 1; port <= 4; port++) rig.back.unplug(port);
            if (Buffer.compare(rig.ram.bytes.subarray(GUARD, GUARD_END), UNTOUCHED) !== 0)
              throw new Error("Foreign memory was written.");
          }),
          { ...PROGRAMS, numRuns: PROGRAMS.numRuns / 2 },
        );
      } finally {
        vi.useRealTimers();
      }
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
    const segment = 1 << 21;
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
    const rig = createRig({ ramSize: 1 << 22 });
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
    const rig = createRig({ ramSize: 1 << 22 });
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
