import { expect, test } from "vitest";
import { pcapHeader, pcapPacket, traceLine } from "../../../app/pcap.ts";
import type { UrbTrace } from "../../../app/urb-trace.ts";

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ""), "hex"));
const hex = (array: Uint8Array) => Buffer.from(array).toString("hex");

// Written by hand from the layout of link type 220: https://www.tcpdump.org/linktypes/LINKTYPE_USB_LINUX_MMAPPED.html
const GET_DESCRIPTOR: UrbTrace = {
  phase: "submit",
  id: 0x11,
  time: 1_700_000_001_234_567,
  port: 3,
  plug: 1,
  endpoint: 0x80,
  type: 0,
  setup: bytes("8006000100001200"),
  length: 18,
  actual: 0,
  status: 0,
  data: new Uint8Array(0),
};

const SUBMIT = `
  01f15365 47940300 40000000 40000000
  1100000000000000 53 02 80 03 0100 00 3c
  01f1536500000000 47940300 8dffffff 12000000 00000000
  8006000100001200 00000000 00000000 00000000 00000000`;

const BULK_OUT: UrbTrace = {
  ...GET_DESCRIPTOR,
  id: 0x22,
  plug: 3,
  endpoint: 0x02,
  type: 2,
  setup: undefined,
  length: 4,
  data: bytes("11223344"),
};

const BULK_SUBMIT = `
  01f15365 47940300 44000000 44000000
  2200000000000000 53 03 02 23 0100 2d 00
  01f1536500000000 47940300 8dffffff 04000000 04000000
  0000000000000000 00000000 00000000 00000000 00000000
  11223344`;

const BULK_STALLED = `
  01f15365 47940300 40000000 40000000
  2200000000000000 43 03 02 23 0100 2d 3e
  01f1536500000000 47940300 e0ffffff 02000000 00000000
  0000000000000000 00000000 00000000 00000000 00000000`;

test("a capture begins with the magic, the version and the link type", () => {
  expect(hex(pcapHeader())).toBe("d4c3b2a1 02000400 00000000 00000000 00000400 dc000000".replace(/ /g, ""));
});

test("a control submission carries its setup packet", () => {
  expect(hex(pcapPacket(GET_DESCRIPTOR))).toBe(hex(bytes(SUBMIT)));
});

test("an OUT carries its data when submitted, and its error when complete", () => {
  expect(hex(pcapPacket(BULK_OUT))).toBe(hex(bytes(BULK_SUBMIT)));
  const stalled: UrbTrace = { ...BULK_OUT, phase: "complete", actual: 2, status: 1, data: new Uint8Array(0) };
  expect(hex(pcapPacket(stalled))).toBe(hex(bytes(BULK_STALLED)));
});

test("a long payload is cut to what readers take, and its length is told", () => {
  const packet = pcapPacket({ ...BULK_OUT, length: 2 ** 20, data: new Uint8Array(2 ** 20) });
  const view = new DataView(packet.buffer);
  expect([packet.length, view.getUint32(8, true), view.getUint32(12, true)]).toEqual([
    16 + 262_144,
    262_144,
    64 + 2 ** 20,
  ]);
  expect([view.getUint32(16 + 0x20, true), view.getUint32(16 + 0x24, true)]).toEqual([2 ** 20, 262_144 - 64]);
});

test("lines for a person", () => {
  const since = GET_DESCRIPTOR.time - 3_141_593;
  expect(traceLine(GET_DESCRIPTOR, since)).toBe("3.141593 port 3 #17 S control 0x80 [8006000100001200] 18");
  const done: UrbTrace = { ...GET_DESCRIPTOR, phase: "complete", actual: 18, data: new Uint8Array(18).fill(0xa5) };
  expect(traceLine(done, since)).toBe(`3.141593 port 3 #17 C control 0x80 ok 18/18 ${"a5".repeat(16)}…`);
});
