/** NTBs as bytes that are written by hand (NCM 1.0 §3). */
import { describe, expect, test } from "vitest";
import { NtbReader, NtbWriter } from "../../../worker/device/ethernet/ntb.ts";
import { bytes, hex, pattern } from "./harness.ts";

const reader = new NtbReader();

/** The datagrams as [start, end], or false when the NTB is none. */
function read(ntb: Uint8Array): [number, number][] | false {
  if (!reader.read(ntb, ntb.length)) {
    expect(reader.count).toBe(0);
    return false;
  }
  return Array.from({ length: reader.count }, (_, index) => [reader.start(index), reader.end(index)]);
}

/** Two frames of 16 bytes, NDP last. */
const TWO = `4e434d48 0c00 0700 4400 3000  0000
  112233445566 112233445566 0800 aabb
  112233445567 112233445566 0800 ccdd 0000
  4e434d30 1400 0000  0e00 1000  1e00 1000  00000000`;

describe("an NTB is read", () => {
  test("with its pointers last, or first", () => {
    expect(read(bytes(TWO))).toEqual([
      [14, 30],
      [30, 46],
    ]);
    const first = `4e434d48 0c00 0000 2c00 0c00  4e434d30 1000 0000 1c00 1000 00000000
      112233445566 112233445566 0800 aabb`;
    expect(read(bytes(first))).toEqual([[28, 44]]);
  });

  test("with pointers in two places, which are in order as they are linked", () => {
    const linked = `4e434d48 0c00 0000 3c00 1c00  4e434d30 1000 0000 2c00 0800 00000000
      4e434d30 1000 0c00 3400 0800 00000000  1122334455667788 99aabbccddeeff00`;
    expect(read(bytes(linked))).toEqual([
      [52, 60],
      [44, 52],
    ]);
  });

  test("without pointers, without a block length, and with what a host puts behind it", () => {
    expect(read(bytes("4e434d48 0c00 0000 0c00 0000"))).toEqual([]);
    const unsaid = bytes(TWO);
    unsaid.set([0, 0], 8);
    expect(read(unsaid)).toHaveLength(2);
    expect(read(Uint8Array.of(...bytes(TWO), 0, 0, 0))).toHaveLength(2);
  });

  test("up to a pointer that is zero", () => {
    const early = bytes(TWO);
    early.set([0, 0, 0, 0], 60);
    expect(read(early)).toEqual([[14, 30]]);
  });

  test("from a buffer with a longer one's rest behind it", () => {
    const buffer = new Uint8Array(200).fill(0xa5);
    buffer.set(bytes(TWO));
    expect(reader.read(buffer, 68)).toBe(true);
    expect(reader.count).toBe(2);
    expect(reader.read(buffer, 67)).toBe(false);
  });
});

/** Where, what is written there, and why that is no NTB. */
const DAMAGES: [number, number[], string][] = [
  [0, [0x6e], "another signature"],
  [4, [16, 0], "a header of another length"],
  [8, [0x45, 0], "a block longer than the transfer"],
  [8, [0x43, 0], "a block that ends within the pointers"],
  [10, [0x2f, 0], "pointers that are not aligned"],
  [10, [0x40, 0], "pointers without room"],
  [10, [0x00, 0x40], "pointers outside"],
  [10, [0x08, 0], "pointers in the header"],
  [51, [0x31], "pointers with check sequences, which nobody asked for"],
  [52, [0x0c, 0], "pointers too short"],
  [52, [0x13, 0], "pointers of no whole number"],
  [52, [0x18, 0], "pointers that go on beyond the block"],
  [52, [0x10, 0], "pointers without a zero at the end"],
  [54, [0x30, 0], "pointers whose next are themselves"],
  [54, [0x34, 0], "pointers whose next begin within"],
  [56, [0x0b, 0], "a datagram in the header"],
  [56, [0x24, 0], "a datagram in the pointers"],
  [56, [0x0f, 0], "datagrams that overlap"],
  [56, [0xf8, 0xff], "a datagram outside"],
  [58, [0xff, 0xff], "a datagram longer than the block"],
  [62, [0x37, 0], "a last datagram longer than the block"],
];

test.each(DAMAGES)("at %i %j: %s is refused whole", (at, damage) => {
  const ntb = bytes(TWO);
  ntb.set(damage, at);
  expect(read(ntb)).toBe(false);
});

test("no transfer is too short or too long to be looked at", () => {
  for (let length = 0; length < 68; length++) expect(read(bytes(TWO).subarray(0, length))).toBe(false);
  const long = new Uint8Array(70_000);
  long.set(bytes(TWO));
  expect(read(long)).toHaveLength(2);
});

test("41 datagrams are one more than GetNtbParameters allows", () => {
  const ntb = (count: number) => {
    const all = new Uint8Array(12 + 8 + 4 * (count + 1) + count);
    const view = new DataView(all.buffer);
    all.set(bytes("4e434d48 0c00 0000"));
    view.setUint16(8, all.length, true);
    view.setUint16(10, 12, true);
    all.set(bytes("4e434d30"), 12);
    view.setUint16(16, 8 + 4 * (count + 1), true);
    for (let index = 0; index < count; index++) {
      view.setUint16(20 + 4 * index, all.length - count + index, true);
      view.setUint16(22 + 4 * index, 1, true);
    }
    return all;
  };
  expect(read(ntb(40))).toHaveLength(40);
  expect(read(ntb(41))).toBe(false);
});

describe("an NTB is written", () => {
  /** Over a field of a5. */
  function written(writer: NtbWriter, limit: number, ...datagrams: Uint8Array[]): Uint8Array {
    writer.bytes.fill(0xa5);
    writer.begin(limit);
    for (const each of datagrams) {
      const at = writer.place(each.length);
      if (at >= 0) writer.bytes.set(each, at);
    }
    const length = writer.finish();
    expect(writer.bytes.subarray(length).every((byte) => byte === 0xa5)).toBe(true);
    return writer.bytes.slice(0, length);
  }

  test("with what is behind each Ethernet header aligned, and the pointers last", () => {
    const writer = new NtbWriter();
    const [one, two] = [bytes("112233445566 112233445566 0800 aabbcc"), bytes("112233445567 112233445566 0800 dd")];
    const ntb = `4e434d48 0c00 0000 4800 3400  a5a5
      112233445566 112233445566 0800 aabbcc  a5a5a5
      112233445567 112233445566 0800 dd  a5a5a5
      4e434d30 1400 0000  0e00 1100  2200 0f00  00000000`;
    expect(hex(written(writer, 2048, one, two))).toBe(hex(bytes(ntb)));
    expect(read(bytes(ntb))).toEqual([
      [14, 31],
      [34, 49],
    ]);
  });

  test("with numbers that count up until they are reset", () => {
    const writer = new NtbWriter();
    const number = () => written(writer, 2048, pattern(14)).subarray(6, 8);
    expect([hex(number()), hex(number())]).toEqual(["0000", "0100"]);
    for (let count = 2; count < 0xffff; count++) writer.finish();
    expect([hex(number()), hex(number())]).toEqual(["ffff", "0000"]);
    writer.reset();
    expect(hex(number())).toBe("0000");
  });

  test("with no more than the host has room for, and 40 datagrams", () => {
    const writer = new NtbWriter();
    const count = (limit: number, length: number) => {
      writer.begin(limit);
      while (writer.place(length) >= 0);
      return { count: writer.count, fits: writer.finish() <= limit };
    };
    expect(count(2048, 1514)).toEqual({ count: 1, fits: true });
    expect(count(16384, 1514)).toEqual({ count: 10, fits: true });
    expect(count(1_000_000, 1514)).toEqual({ count: 10, fits: true });
    expect(count(16384, 42)).toEqual({ count: 40, fits: true });
    expect(count(1024, 1514).count).toBe(0);
    // 14 and 34 bytes, 8 and 8 of pointers: 64 in all
    expect(count(64, 34)).toEqual({ count: 1, fits: true });
    expect(count(63, 34).count).toBe(0);
  });
});
