/** Captures of random traffic, read back by a reader that shares nothing with the writer. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Capture, type Captured } from "../../app/trace/capture.ts";
import type { UrbTrace } from "../../app/trace/urb-trace.ts";
import {
  FLAG_ZERO_PACKET,
  ROUTE_MASK,
  SPEED_COUNT,
  SPEED_FULL,
  SPEED_LOW,
  STATUS_COUNT,
  TYPE_CONTROL,
  TYPE_COUNT,
  TYPE_INTERRUPT,
  TYPE_ISOCHRONOUS,
} from "../../asm/layout.ts";
import { readPcapng } from "../fakes/pcapng-reader.ts";

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const anyUrb: fc.Arbitrary<UrbTrace> = fc
  .record({
    phase: fc.constantFrom("submit", "complete"),
    id: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    time: fc.integer({ min: 0, max: 2 ** 52 }),
    port: fc.integer({ min: 1, max: 15 }),
    plug: fc.integer({ min: 1, max: 0x3ffff }),
    route: fc.integer({ min: 0, max: ROUTE_MASK }),
    address: fc.integer({ min: 0, max: 127 }),
    speed: fc.integer({ min: 0, max: SPEED_COUNT - 1 }),
    endpoint: fc.integer({ min: 0, max: 15 }),
    isIn: fc.boolean(),
    type: fc.integer({ min: 0, max: TYPE_COUNT - 1 }),
    flags: fc.constantFrom(0, FLAG_ZERO_PACKET),
    setup: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    stream: fc.integer({ min: 0, max: 0xffff }),
    interval: fc.integer({ min: 0, max: 15 }).map((exponent) => 125 * 2 ** exponent),
    frame: u32,
    length: fc.nat({ max: 1 << 22 }),
    status: fc.integer({ min: 0, max: STATUS_COUNT - 1 }),
    data: fc.uint8Array({ maxLength: 100 }),
  })
  .map(({ isIn, endpoint, setup, data, ...urb }) => ({
    ...urb,
    endpoint: endpoint | (isIn ? 0x80 : 0),
    setup: urb.type === TYPE_CONTROL ? setup : undefined,
    actual: urb.phase === "complete" ? data.length : 0,
    data: isIn === (urb.phase === "complete") ? data : new Uint8Array(0),
  })) as fc.Arbitrary<UrbTrace>;

/** A controller that says what it is told to. */
class Speaker implements Captured {
  readonly ports = { length: 8 };
  readonly id: number;
  say: ((urb: UrbTrace) => void) | undefined;
  constructor(id: number) {
    this.id = id;
  }
  trace({ urbs }: { urbs?: ((urb: UrbTrace) => void) | undefined }): () => void {
    this.say = urbs;
    return () => {
      this.say = undefined;
    };
  }
}

function captured(urbs: readonly (readonly [speaker: number, urb: UrbTrace])[], speakers = 2) {
  const blocks: Uint8Array[] = [];
  const all = Array.from({ length: speakers }, (_, index) => new Speaker(index + 1));
  const capture = new Capture((block) => blocks.push(block));
  for (const speaker of all) capture.add(speaker);
  for (const [speaker, urb] of urbs) all[speaker]?.say?.(urb);
  capture.stop();
  expect(all.every(({ say }) => say === undefined)).toBe(true);
  return readPcapng(Buffer.concat(blocks));
}

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

describe("a capture", () => {
  it("begins with a section and an interface for each controller", () => {
    const { section, interfaces } = captured([]);
    expect(text(section.get(4))).toBe("pvusb");
    expect(interfaces.map(({ linkType }) => linkType)).toEqual([220, 220]);
    expect(interfaces.map(({ options }) => text(options.get(2)))).toEqual(["pvusb1", "pvusb2"]);
    expect(interfaces.map(({ options }) => options.get(9))).toEqual([Uint8Array.of(6), Uint8Array.of(6)]);
  });

  it("holds what was said, field by field", () => {
    const traffic = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), anyUrb), { maxLength: 12 });
    fc.assert(
      fc.property(traffic, (said) => {
        const { packets } = captured(said);
        expect(packets.length).toBe(said.length);
        said.forEach(([speaker, urb], index) => {
          const packet = packets[index];
          if (!packet) throw new Error("no packet");
          expect(packet.interface).toBe(speaker);
          expect(packet.timestamp).toBe(BigInt(urb.time));
          const view = new DataView(packet.bytes.buffer);
          const isochronous = urb.type === TYPE_ISOCHRONOUS;
          const headers = isochronous ? 80 : 64;
          expect(packet.originalLength).toBe(headers + urb.data.length);
          expect(view.getBigUint64(0, true)).toBe(BigInt(urb.id));
          expect(String.fromCharCode(view.getUint8(8))).toBe(urb.phase === "submit" ? "S" : "C");
          expect(view.getUint8(9)).toBe({ 0: 2, 1: 0, 2: 3, 3: 1 }[urb.type]);
          expect([view.getUint8(10), view.getUint8(11), view.getUint16(12, true)]).toEqual([
            urb.endpoint,
            urb.address,
            speaker + 1,
          ]);
          expect(view.getBigInt64(16, true) * 1_000_000n + BigInt(view.getInt32(24, true))).toBe(BigInt(urb.time));
          expect(view.getUint32(32, true)).toBe(urb.phase === "submit" ? urb.length : urb.actual);
          expect(view.getUint32(36, true)).toBe(headers - 64 + urb.data.length);
          const hasSetup = view.getUint8(14) === 0;
          expect(hasSetup).toBe(urb.type === TYPE_CONTROL && urb.phase === "submit");
          if (hasSetup) expect(packet.bytes.slice(40, 48)).toEqual(urb.setup);
          const unit = urb.speed === SPEED_LOW || urb.speed === SPEED_FULL ? 1000 : 125;
          const periodic = isochronous || urb.type === TYPE_INTERRUPT;
          expect(view.getInt32(48, true)).toBe(periodic ? Math.floor(urb.interval / unit) : 0);
          expect(view.getUint32(60, true)).toBe(isochronous ? 1 : 0);
          if (isochronous) expect(view.getUint32(72, true)).toBe(view.getUint32(32, true));
          expect(Buffer.compare(packet.bytes.subarray(headers), urb.data)).toBe(0);
        });
      }),
      { numRuns: 60 },
    );
  });

  it("says where a device is when its address is first heard, and when it is another's", () => {
    const urb = fc.sample(anyUrb, { numRuns: 1, seed: 1 })[0];
    if (!urb) throw new Error("no sample");
    const at = (address: number, plug: number) =>
      [0, { ...urb, port: 2, route: 0x31, address, plug, speed: 3 }] as const;
    const { packets } = captured([at(0, 1), at(5, 1), at(5, 1), at(0, 2), at(5, 2), at(5, 1)], 1);
    expect(packets.map(({ options }) => text(options.get(1)))).toEqual([
      "Device 1.0 is in port 2.1.3, plug 1, high speed",
      "Device 1.5 is in port 2.1.3, plug 1, high speed",
      undefined,
      "Device 1.0 is in port 2.1.3, plug 2, high speed",
      "Device 1.5 is in port 2.1.3, plug 2, high speed",
      "Device 1.5 is in port 2.1.3, plug 1, high speed",
    ]);
  });
});
