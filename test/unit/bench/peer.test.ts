import { afterEach, describe, expect, test, vi } from "vitest";
import { FrameReader, FrameWriter, TCP_ACK, TCP_FIN, TCP_SYN } from "../../../app/bench/network/frame.ts";
import { Card, someFile } from "../../../app/bench/network/guest-network.ts";
import { hex } from "../device/harness.ts";

const GUEST = { mac: Uint8Array.of(2, 0, 0, 0, 0, 9), address: Uint8Array.of(10, 0, 1, 1) };
const PEER = { mac: Uint8Array.of(2, 0, 0, 0, 1, 1), address: Uint8Array.of(10, 0, 1, 2) };
const NOTHING = new Uint8Array();
const ARP_REQUEST = `ffffffffffff020000000009${"0806"}0001080006040001020000000009${"0a000101"}000000000000${"0a000102"}`;

const sum = (bytes: Uint8Array) => {
  let total = 0;
  for (let at = 0; at < bytes.length; at += 2) total += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
};

/** Of a datagram's own header and data, with the pseudo header (RFC 9293 §3.1). 0xffff when it is right. */
function checksum(frame: Uint8Array): number {
  const segment = frame.subarray(34);
  const pseudo = Uint8Array.of(...frame.subarray(26, 34), 0, frame[23] ?? 0, segment.length >> 8, segment.length);
  return sum(Uint8Array.of(...pseudo, ...segment));
}

describe("frames", () => {
  test("UDP is written as it is told", () => {
    const frame = new FrameWriter().udp(PEER, GUEST, 0x1122, 0x3344, Uint8Array.of(0x55, 0x66, 0x77));
    expect(hex(frame)).toBe(
      "020000000009020000000101" + "0800" + "4500001f0000400040112" + "4cc0a0001020a000101" + "11223344000bd908556677",
    );
  });

  for (const length of [0, 1, 2, 1459, 1460]) {
    test(`both checksums of a segment of ${length} bytes are right`, () => {
      const header = { sourcePort: 1, destinationPort: 2, sequence: 0xfffffff0, acknowledgement: 7, flags: TCP_ACK };
      const frame = new FrameWriter().tcp(PEER, GUEST, { ...header, window: 9 }, someFile(length));
      expect(sum(frame.subarray(14, 34))).toBe(0xffff);
      expect(checksum(frame)).toBe(0xffff);
    });
  }
});

describe("the peer", () => {
  const sent: Uint8Array[] = [];
  const writer = new FrameWriter();
  const reader = new FrameReader();
  const file = someFile(10_000);
  const card = new Card(1, file, (frame) => void sent.push(frame.slice()));
  const say = (flags: number, sequence: number, acknowledgement: number, port: number, data = NOTHING) => {
    sent.length = 0;
    const header = { sourcePort: 40_000, destinationPort: port, sequence, acknowledgement, flags, window: 60_000 };
    card.peer.receive(writer.tcp(GUEST, PEER, header, data));
  };
  afterEach(() => card.peer.close());

  test("answers who it is", () => {
    card.peer.receive(Uint8Array.from(Buffer.from(ARP_REQUEST, "hex")));
    expect(hex(sent[0] ?? NOTHING)).toBe(
      "0200000000090200000001010806" + "0001080006040002" + "0200000001010a000102" + "0200000000090a000101",
    );
  });

  test("serves a file in segments, and again what is asked for three times", async () => {
    const served = card.peer.serve(7001, file);
    say(TCP_SYN, 99, 0, 7001);
    expect(reader.read(sent[0] ?? NOTHING) && reader.flags).toBe(TCP_SYN | TCP_ACK);
    expect(reader.acknowledgement).toBe(100);
    say(TCP_ACK, 100, 1, 7001);
    expect(sent.length).toBe(8); // seven of data, and the FIN
    for (let times = 0; times < 2; times++) say(TCP_ACK, 100, 1461, 7001);
    for (let times = 0; times < 2; times++) say(TCP_ACK, 100, 1461, 7001);
    expect(reader.read(sent[0] ?? NOTHING) && reader.sequence).toBe(1461);
    expect(hex(reader.data)).toBe(hex(file.subarray(1460, 2920)));
    say(TCP_ACK | TCP_FIN, 100, 10_002, 7001);
    expect((await served).bytes.length).toBe(10_000);
  });

  test("collects what comes in order, acknowledges every second segment, and asks again behind a gap", async () => {
    const collected = card.peer.collect(7002, 10_000);
    say(TCP_SYN, 0xffffffff, 0, 7002);
    say(TCP_ACK, 0, 1, 7002, file.subarray(0, 1000));
    expect(sent).toEqual([]);
    say(TCP_ACK, 1000, 1, 7002, file.subarray(1000, 2000));
    expect(reader.read(sent[0] ?? NOTHING) && reader.acknowledgement).toBe(2000);
    say(TCP_ACK, 3000, 1, 7002, file.subarray(3000, 4000));
    expect(reader.read(sent[0] ?? NOTHING) && reader.acknowledgement).toBe(2000);
    say(TCP_ACK | TCP_FIN, 2000, 1, 7002, file.subarray(2000, 3000));
    expect(hex((await collected).bytes)).toBe(hex(file.subarray(0, 3000)));
  });

  test("nothing that a guest sends throws", () => {
    vi.spyOn(console, "log").mockImplementation(() => {});
    const frame = writer.tcp(
      GUEST,
      PEER,
      { sourcePort: 1, destinationPort: 69, sequence: 0, acknowledgement: 0, flags: TCP_SYN, window: 0 },
      NOTHING,
    );
    for (let length = 0; length <= frame.length; length++) card.peer.receive(frame.slice(0, length));
    for (let at = 12; at < frame.length; at++)
      card.peer.receive(frame.map((byte, index) => (index === at ? 0xff : byte)));
    for (let length = 0; length < 6; length++)
      card.peer.receive(writer.udp(GUEST, PEER, 40_000, 69, new Uint8Array(length)));
  });
});
