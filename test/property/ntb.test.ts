/** NTBs of a hostile host: what is read lies inside, apart, and is the whole of a right one or nothing of a wrong one. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { STATUS_OK, TYPE_INTERRUPT } from "../../asm/layout.ts";
import { Cables } from "../../worker/device/ethernet/cable.ts";
import { NtbReader, NtbWriter } from "../../worker/device/ethernet/ntb.ts";
import {
  BULK_IN,
  BULK_OUT,
  frame,
  listener,
  NOTIFICATION_IN,
  plugEthernet,
  select,
} from "../unit/device/ethernet-host.ts";
import { now, pattern, type Transfer } from "../unit/device/harness.ts";
import { runs } from "./runs.ts";

const reader = new NtbReader();
const writer = new NtbWriter();

const lengths = fc.array(fc.integer({ min: 1, max: 1514 }), { minLength: 1, maxLength: 45 });
const datagrams = fc
  .tuple(lengths, fc.nat())
  .map(([all, seed]) => all.map((each, index) => pattern(each, seed + index)));

/** An NTB of as many of these as it has room for. */
function written(all: readonly Uint8Array[], limit = 16384): { ntb: Uint8Array; count: number } {
  writer.begin(limit);
  for (const each of all) {
    const at = writer.place(each.length);
    if (at < 0) break;
    writer.bytes.set(each, at);
  }
  const { count } = writer;
  return { ntb: writer.bytes.slice(0, writer.finish()), count };
}

/** What is read, copied out. */
function read(bytes: Uint8Array, length = bytes.length): Uint8Array[] | undefined {
  if (!reader.read(bytes, length)) {
    expect(reader.count).toBe(0);
    return undefined;
  }
  return Array.from({ length: reader.count }, (_, index) => bytes.slice(reader.start(index), reader.end(index)));
}

/** All that was read is inside, behind the header, and nothing is there twice. */
function lieApart(length: number): void {
  const taken = new Uint8Array(length);
  taken.fill(1, 0, 12);
  for (let index = 0; index < reader.count; index++) {
    const [start, end] = [reader.start(index), reader.end(index)];
    expect(end).toBeLessThanOrEqual(length);
    expect(start).toBeLessThan(end);
    expect(taken.subarray(start, end).every((each) => each === 0)).toBe(true);
    taken.fill(1, start, end);
  }
}

/** Bytes of a block header, of pointers, and of what may lie between: not far from right. */
const field = fc.oneof(fc.constantFrom(0, 8, 12, 16, 20, 24, 28, 32, 0xffff), fc.nat(0xffff), fc.nat(300));
const forged = fc
  .record({
    length: fc.integer({ min: 0, max: 300 }),
    blockLength: fc.oneof(fc.constant(0), fc.nat(300), field),
    first: fc.integer({ min: 0, max: 75 }).map((word) => 4 * word),
    tables: fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: 75 }).map((word) => 4 * word),
        length: fc.oneof(fc.constantFrom(16, 20, 24), field),
        next: fc.integer({ min: 0, max: 75 }).map((word) => 4 * word),
        pointers: fc.array(fc.tuple(fc.oneof(fc.nat(300), field), fc.oneof(fc.nat(60), field)), { maxLength: 4 }),
      }),
      { maxLength: 4 },
    ),
  })
  .map(({ length, blockLength, first, tables }) => {
    const room = new Uint8Array(1024);
    const view = new DataView(room.buffer);
    room.set([0x4e, 0x43, 0x4d, 0x48, 12, 0]);
    view.setUint16(8, blockLength, true);
    view.setUint16(10, first, true);
    for (const table of tables) {
      room.set([0x4e, 0x43, 0x4d, 0x30], table.at);
      view.setUint16(table.at + 4, table.length, true);
      view.setUint16(table.at + 6, table.next, true);
      table.pointers.forEach(([start, count], index) => {
        view.setUint16(table.at + 8 + 4 * index, start, true);
        view.setUint16(table.at + 10 + 4 * index, count, true);
      });
    }
    return room.slice(0, length);
  });

describe("an NTB", () => {
  test("that was written is read back, whatever its datagrams and its limit", () => {
    fc.assert(
      fc.property(datagrams, fc.integer({ min: 2048, max: 20_000 }), (all, limit) => {
        const { ntb, count } = written(all, limit);
        expect(ntb.length).toBeLessThanOrEqual(Math.min(limit, 16384));
        expect(read(ntb)).toEqual(all.slice(0, count));
        if (count < Math.min(all.length, 40)) {
          // The next one would not have fitted.
          const next = all[count] as Uint8Array;
          expect(ntb.length + next.length + 4 + 6).toBeGreaterThan(Math.min(limit, 16384));
        }
      }),
      runs(300),
    );
  });

  test("that is damaged anywhere is read within its bounds, or not at all", () => {
    const damage = fc.array(fc.tuple(fc.nat(0xffff), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(datagrams, damage, fc.nat(0xffff), (all, changes, cut) => {
        const { ntb } = written(all);
        for (const [at, value] of changes) ntb[at % ntb.length] = value;
        const length = cut % 3 === 0 ? cut % (ntb.length + 1) : ntb.length;
        if (read(ntb, length)) lieApart(length);
      }),
      runs(1000),
    );
  });

  test("that is forged, with loops, overlaps and lengths that lie, is read within its bounds, or not at all", () => {
    let right = 0;
    fc.assert(
      fc.property(forged, (ntb) => {
        if (!read(ntb)) return;
        right++;
        lieApart(ntb.length);
      }),
      runs(5000),
    );
    expect(right).toBeGreaterThan(10);
  });
});

test("an NCM adapter answers whatever it is sent, once, and its cable hears frames only", async () => {
  const cables = new Cables();
  const other = listener(cables);
  const host = await plugEthernet({}, cables);
  const step = fc.oneof(
    forged.map((ntb) => ({ ntb })),
    datagrams.map((all) => ({ ntb: written(all).ntb })),
    fc.uint8Array({ maxLength: 3000 }).map((ntb) => ({ ntb })),
    fc.constantFrom(0, 512, 1024, 16384, 40_000).map((length) => ({ ntb: pattern(length) })),
    fc.constant({ anew: true }),
    fc.integer({ min: 0, max: 20_000 }).map((room) => ({ room })),
    fc.nat(20).map((notification) => ({ notification })),
    fc.nat(1000).map((cancel) => ({ cancel })),
    fc
      .record({
        bmRequestType: fc.constantFrom(0x21, 0xa1),
        bRequest: fc.integer({ min: 0x40, max: 0x8a }),
        wValue: fc.oneof(fc.nat(20), fc.nat(0xffff)),
        wIndex: fc.nat(1),
        wLength: fc.oneof(fc.constantFrom(0, 4, 6, 28, 96), fc.nat(300)),
      })
      .map((setup) => ({ setup })),
    fc.nat(3).map((said) => ({ said })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const sent: Transfer[] = [];
      for (const each of steps) {
        if ("ntb" in each) expect(now(host.out(BULK_OUT, each.ntb)).status).toBe(STATUS_OK);
        else if ("anew" in each) select(host, 1);
        else if ("setup" in each) host.control(each.setup);
        else if ("said" in each) for (let seed = 0; seed < each.said; seed++) other.say(frame(1514, seed));
        else if ("cancel" in each) for (const one of sent.splice(each.cancel % (sent.length + 1), 1)) host.cancel(one);
        else if ("room" in each) sent.push(host.in(BULK_IN, each.room));
        else sent.push(host.in(NOTIFICATION_IN, each.notification, TYPE_INTERRUPT));
      }
      expect(other.frames.every(({ length }) => length >= 14 && length <= 1514)).toBe(true);
      other.frames.length = 0;
      host.configure(0);
      await host.settle(1);
      expect(host.clean).toBe(true);
      expect(sent.every(({ answer }) => answer)).toBe(true);
      host.configure();
      select(host, 1);
      // And the next right one is understood.
      const all = [pattern(60, 1), pattern(1514, 2)];
      now(host.out(BULK_OUT, written(all).ntb));
      expect(other.frames.splice(0)).toEqual(all);
    }),
    runs(150),
  );
});
