/** A USB-MIDI adapter as a host sees it: USB-MIDI 1.0. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { STATUS_BABBLE, STATUS_CANCELLED, STATUS_OK, STATUS_STALL } from "../../../asm/layout.ts";
import { createMidi } from "../../../worker/device/midi/midi.ts";
import type { MidiOutput } from "../../../worker/protocol.ts";
import { bytes, Host, hex, now, pattern, type Transfer } from "./harness.ts";
import { again } from "./saved.ts";

const IN = 0x81;
const OUT = 0x01;

let told = 0;

async function plug(name?: string): Promise<Host> {
  told = 0;
  const quiet = { gone: () => undefined, wake: () => undefined, hasOutput: () => told++ };
  const host = await Host.plug(createMidi({ name }, quiet));
  host.configure();
  return host;
}

const output = (host: Host) => host.device.output?.() as MidiOutput;
const golden = (text: string) => hex(bytes(text));
async function play(host: Host, midi: string | Uint8Array): Promise<void> {
  host.device.input?.({ type: "midi", bytes: typeof midi === "string" ? bytes(midi) : midi });
  await host.settle(1);
}
/** The packets that these bytes become. */
async function packets(midi: string): Promise<string> {
  const host = await plug();
  const transfer = host.in(IN, 64);
  await play(host, midi);
  return transfer.answer ? hex(transfer.answer.bytes) : "";
}
/** The bytes that these packets become. */
async function midi(given: string): Promise<string> {
  const host = await plug();
  expect(now(host.out(OUT, bytes(given))).status).toBe(STATUS_OK);
  return hex(output(host).bytes);
}

test("descriptors: a streaming interface with two jacks each way, under a control interface without units", async () => {
  const host = await plug("Test Piano");
  const descriptor = (wValue: number) =>
    hex(host.control({ bmRequestType: 0x80, bRequest: 6, wValue, wLength: 255 }).bytes);
  expect(descriptor(0x0100)).toBe(golden("12 01 1001 00 00 00 40 0912 0e00 0001 01 02 00 01"));
  expect(descriptor(0x0200)).toBe(
    golden(`09 02 6500 02 01 00 80 32
      09 04 00 00 00 01 01 00 00
        09 24 01 0001 0900 01 01
      09 04 01 00 02 01 03 00 00
        07 24 01 0001 2500
        06 24 02 01 01 00  06 24 02 02 02 00
        09 24 03 01 03 01 02 01 00  09 24 03 02 04 01 01 01 00
        09 05 01 02 4000 00 00 00  05 25 01 01 01
        09 05 81 02 4000 00 00 00  05 25 01 01 03`),
  );
  expect(descriptor(0x0302)).toBe(golden("16 03 5400 6500 7300 7400 2000 5000 6900 6100 6e00 6f00"));
  expect(host.control({ bmRequestType: 0xa1, bRequest: 0x81, wLength: 2 }).status).toBe(STATUS_STALL);
});

// USB-MIDI 1.0 table 4-1.
test.each([
  ["two notes, the second with running status", "90 3c 64 3e 65", "09903c64 09903e65"],
  [
    "each kind of channel message",
    "83 01 02 a4 03 04 b5 05 06 c6 07 d7 08 e8 09 0a",
    "08830102 0aa40304 0bb50506 0cc60700 0dd70800 0ee8090a",
  ],
  ["system common", "f1 11 f2 22 33 f3 44 f6", "02f11100 03f22233 02f34400 05f60000"],
  ["real time in the middle of a message", "90 f8 3c fa 64", "0ff80000 0ffa0000 09903c64"],
  ["SysEx of three", "f0 11 f7", "07f011f7"],
  ["SysEx of two", "f0 f7", "06f0f700"],
  ["SysEx of four", "f0 11 22 f7", "04f01122 05f70000"],
  ["SysEx of five, a clock in it", "f0 11 f8 22 33 f7", "0ff80000 04f01122 0633f700"],
  ["SysEx that another message ends", "f0 11 22 33 90 3c 64", "04f01122 0633f700 09903c64"],
  ["SysEx after SysEx", "f0 11 f0 22 f7", "07f011f7 07f022f7"],
  ["running status, which system common ends", "90 3c 64 f6 3e 65", "09903c64 05f60000"],
  ["what belongs to nothing", "11 22 f7 f4 33 f5 44", ""],
])("bytes become packets: %s", async (_, given, expected) => {
  expect(await packets(given)).toBe(golden(expected));
});

test.each([
  [
    "channel messages",
    "08830102 09903c64 0aa40304 0bb50506 0cc607ff 0dd708ff 0ee8090a",
    "830102 903c64 a40304 b50506 c607 d708 e8090a",
  ],
  ["system common and single bytes", "02f111ff 03f22233 05f60000 0ff8ffff", "f111 f22233 f6 f8"],
  ["SysEx", "04f01122 04334455 0566ffff", "f01122 334455 66"],
  ["SysEx that ends with two, with three", "06f0f7ff 07f011f7", "f0f7 f011f7"],
  ["another cable's and reserved ones, which are nothing", "19903c64 00112233 01112233 f9903c64", ""],
  ["a piece of one at the end", "09903c64 0990", "903c64"],
])("packets become bytes: %s", async (_, given, expected) => {
  expect(await midi(given)).toBe(golden(expected));
});

describe("what the guest plays", () => {
  test("waits for who has asked once, and is lost where nobody ever did", async () => {
    const host = await plug();
    const notes = new Uint8Array(40_000).map((_, at) => [0x09, 0x90, at / 4, 0x40][at % 4] ?? 0);
    now(host.out(OUT, notes));
    expect(told).toBeGreaterThan(0);
    now(host.out(OUT, notes));
    now(host.out(OUT, notes));
    expect(output(host)).toMatchObject({ lost: 90_000 - 65_536, bytes: { length: 65_536 } });
    const waiting = [host.out(OUT, notes), host.out(OUT, notes), host.out(OUT, notes)];
    expect(waiting.map(({ answer }) => answer?.status)).toEqual([STATUS_OK, STATUS_OK, undefined]);
    const got = [output(host), output(host)];
    await host.settle(1);
    expect(now(waiting[2] as Transfer).actual).toBe(40_000);
    expect(got.map(({ lost }) => lost)).toEqual([0, 0]);
    expect(got.reduce((sum, each) => sum + each.bytes.length, 0)).toBe(90_000);
  });
});

describe("what is played to the guest", () => {
  test("comes whole messages at a time, as many as fit; without room for one it is babble", async () => {
    const host = await plug();
    const waiting = host.in(IN, 6);
    await play(host, "90 3c 64 3d 65");
    expect(hex(now(waiting).bytes)).toBe("09903c64");
    expect(now(host.in(IN, 3))).toMatchObject({ status: STATUS_BABBLE, actual: 0 });
    expect(hex(now(host.in(IN, 64)).bytes)).toBe("09903d65");
    const next = host.in(IN, 64);
    await play(host, "90 3c");
    expect(next.answer).toBeUndefined();
    await play(host, "40");
    expect(hex(now(next).bytes)).toBe("09903c40");
  });

  test("is forgotten while no program listens, and none of it comes later", async () => {
    const host = await plug();
    await play(host, "90 3c 64");
    const first = host.in(IN, 64);
    expect(first.answer).toBeUndefined();
    await play(host, "90 3d 64");
    now(first);
    await play(host, "90 3e 64"); // between two transfers it does listen
    expect(hex(now(host.in(IN, 64)).bytes)).toBe("09903e64");
    const last = [host.in(IN, 64), host.in(IN, 64)];
    for (const each of last) host.cancel(each);
    expect(now(last[0] as Transfer).status).toBe(STATUS_CANCELLED);
    await play(host, "90 3f 64");
    const later = host.in(IN, 64);
    await play(host, "64 80"); // no running status of then
    expect(later.answer).toBeUndefined();
  });

  test("is taken when there is room, and so 100 KiB of SysEx go through whole", async () => {
    const host = await plug();
    const dump = Uint8Array.from([0xf0, ...pattern(100_000).map((byte) => byte & 0x7f), 0xf7]);
    const back: number[] = [];
    let listening = host.in(IN, 64);
    let over = false;
    const taken = host.device.input?.({ type: "midi", bytes: dump })?.then(() => {
      over = true;
    });
    await host.settle(1);
    for (; listening.answer && back.length < dump.length; listening = host.in(IN, 64)) {
      for (const [at, byte] of listening.answer.bytes.entries()) if (at % 4 > 0) back.push(byte);
      if (back.length === 48) {
        await host.settle(1);
        expect(over).toBe(false);
      }
    }
    await taken;
    expect(Buffer.compare(Uint8Array.from(back.slice(0, dump.length)), dump)).toBe(0);
    const forgotten = host.device.input?.({ type: "midi", bytes: dump });
    host.configure();
    await forgotten;
  });
});

test("goes on from a saved state in the middle of a message each way", async () => {
  const host = await plug("Test Piano");
  const first = host.in(IN, 64);
  await play(host, "90 3c 64 f0 11");
  now(first);
  host.out(OUT, bytes("09903c64 04f01122"));
  const other = await again(host, { kind: "midi" });
  expect(other.device.identity.product).toBe("Test Piano");
  expect(hex(output(other).bytes)).toBe("903c64f01122");
  const next = other.in(IN, 64);
  await play(other, "22 f7");
  expect(hex(now(next).bytes)).toBe(golden("04f01122 05f70000"));
});

test("stands any request, any transfer and any message, and says only what was said", () => {
  const message = fc.oneof(
    fc.record({ type: fc.constant("midi"), bytes: fc.oneof(fc.uint8Array({ maxLength: 9000 }), fc.anything()) }),
    fc.anything(),
  );
  return fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(5), fc.oneof(fc.nat(70), fc.nat(70_000)), message, fc.nat(255)), { maxLength: 40 }),
      async (steps) => {
        const host = await plug();
        const sent: Transfer[] = [];
        for (const [what, length, each, byte] of steps) {
          if (host.owned > 100) break;
          if (what === 0) sent.push(host.in(IN, length));
          else if (what === 1) sent.push(host.out(OUT, pattern(length, byte)));
          else if (what === 2) host.device.input?.(each);
          else if (what === 3) {
            expect(output(host).bytes.length).toBeLessThanOrEqual(65_536);
          } else if (what === 4) {
            sent.push(host.submit(0, 0, length & 0xff, { bmRequestType: byte, bRequest: length & 0xff }));
          } else {
            const given = sent[length % (sent.length || 1)];
            if (given && !given.answer) host.cancel(given);
          }
        }
        await host.device.close();
        await host.settle(2);
        for (const each of sent) expect(now(each).actual).toBeLessThanOrEqual(each.length);
        expect(host.clean).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
