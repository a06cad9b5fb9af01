/** usbmon's records, byte for byte: https://www.tcpdump.org/linktypes/LINKTYPE_USB_LINUX_MMAPPED.html */
import { describe, expect, test } from "vitest";
import type { UrbTrace } from "../../../app/trace/urb-trace.ts";
import { PACKET_MAX, usbmonPacket } from "../../../app/trace/usbmon.ts";
import {
  FLAG_ZERO_PACKET,
  SPEED_FULL,
  SPEED_HIGH,
  STATUS_BABBLE,
  STATUS_CANCELLED,
  STATUS_INVALID,
  STATUS_NO_DEVICE,
  STATUS_OK,
  STATUS_STALL,
  STATUS_TRANSACTION_ERROR,
  TYPE_BULK,
  TYPE_INTERRUPT,
  TYPE_ISOCHRONOUS,
} from "../../../asm/layout.ts";
import { bytes, GET_DESCRIPTOR, golden, hex } from "./urb.ts";

const BUS = 2;

//   id               type ep dev bus  flags  seconds          µs       status
//   length   captured  setup             interval frame    flags    descriptors
const CONTROL_SUBMIT = `
  1100000000000000 53 02 80 05 0200 00 3c 01f1536500000000 47940300 8dffffff
  12000000 00000000 8006000100001200 00000000 00000000 00020000 00000000`;
const CONTROL_COMPLETE = `
  1100000000000000 43 02 80 05 0200 2d 00 01f1536500000000 47940300 00000000
  08000000 08000000 0000000000000000 00000000 00000000 00020000 00000000
  1122334455667788`;

test("a control submission carries its setup packet, and its answer the data", () => {
  expect(hex(usbmonPacket(GET_DESCRIPTOR, BUS).bytes)).toBe(golden(CONTROL_SUBMIT));
  const answer: UrbTrace = { ...GET_DESCRIPTOR, phase: "complete", actual: 8, data: bytes("1122334455667788") };
  expect(hex(usbmonPacket(answer, BUS).bytes)).toBe(golden(CONTROL_COMPLETE));
});

test("a control request without data says neither that it came nor that it will", () => {
  // SET_CONFIGURATION(1)
  const request: UrbTrace = { ...GET_DESCRIPTOR, endpoint: 0, setup: bytes("0009010000000000"), length: 0 };
  expect(hex(usbmonPacket(request, BUS).bytes)).toBe(
    golden(`
      1100000000000000 53 02 00 05 0200 00 00 01f1536500000000 47940300 8dffffff
      00000000 00000000 0009010000000000 00000000 00000000 00000000 00000000`),
  );
});

const BULK_OUT: UrbTrace = {
  ...GET_DESCRIPTOR,
  id: 0x22,
  endpoint: 0x02,
  type: TYPE_BULK,
  setup: undefined,
  length: 4,
  data: bytes("11223344"),
};

test("a bulk OUT carries its data when submitted, and its error when complete", () => {
  expect(hex(usbmonPacket(BULK_OUT, BUS).bytes)).toBe(
    golden(`
      2200000000000000 53 03 02 05 0200 2d 00 01f1536500000000 47940300 8dffffff
      04000000 04000000 0000000000000000 00000000 00000000 00000000 00000000
      11223344`),
  );
  const stalled: UrbTrace = {
    ...BULK_OUT,
    phase: "complete",
    actual: 2,
    status: STATUS_STALL,
    data: new Uint8Array(0),
  };
  expect(hex(usbmonPacket(stalled, BUS).bytes)).toBe(
    golden(`
      2200000000000000 43 03 02 05 0200 2d 3e 01f1536500000000 47940300 e0ffffff
      02000000 00000000 0000000000000000 00000000 00000000 00000000 00000000`),
  );
});

test("a transfer that ends with a zero-length packet has Linux's flag for it", () => {
  const { bytes: packet } = usbmonPacket({ ...BULK_OUT, flags: FLAG_ZERO_PACKET }, BUS);
  expect(hex(packet.subarray(0x38, 0x3c))).toBe("40000000");
});

describe("an interrupt IN tells its interval", () => {
  const urb: UrbTrace = { ...BULK_OUT, endpoint: 0x81, type: TYPE_INTERRUPT, data: new Uint8Array(0), interval: 8000 };
  test.each([
    ["full speed, in frames", SPEED_FULL, "08000000"],
    ["high speed, in microframes", SPEED_HIGH, "40000000"],
  ])("of a device of %s", (_, speed, interval) => {
    expect(hex(usbmonPacket({ ...urb, speed }, BUS).bytes)).toBe(
      golden(`
        2200000000000000 53 01 81 05 0200 2d 3c 01f1536500000000 47940300 8dffffff
        04000000 00000000 0000000000000000 ${interval} 00000000 00020000 00000000`),
    );
  });
});

describe("an isochronous transfer has one packet's descriptor before its data", () => {
  const IN: UrbTrace = {
    ...GET_DESCRIPTOR,
    id: 0x33,
    endpoint: 0x81,
    type: TYPE_ISOCHRONOUS,
    setup: undefined,
    length: 1024,
    interval: 125,
    frame: 0x12345,
  };

  test("IN, as it leaves", () => {
    expect(hex(usbmonPacket(IN, BUS).bytes)).toBe(
      golden(`
        3300000000000000 53 00 81 05 0200 2d 3c 01f1536500000000 47940300 8dffffff
        00040000 10000000 00000000 01000000 01000000 45230100 00020000 01000000
        eeffffff 00000000 00040000 00000000`),
    );
  });

  test("IN, as it comes back", () => {
    const done: UrbTrace = { ...IN, phase: "complete", actual: 5, data: bytes("1122334455") };
    expect(hex(usbmonPacket(done, BUS).bytes)).toBe(
      golden(`
        3300000000000000 43 00 81 05 0200 2d 00 01f1536500000000 47940300 00000000
        05000000 15000000 00000000 01000000 01000000 45230100 00020000 01000000
        00000000 00000000 05000000 00000000
        1122334455`),
    );
  });

  test("OUT of a full speed device: the data leave with it, and frames count in milliseconds", () => {
    const out: UrbTrace = {
      ...IN,
      speed: SPEED_FULL,
      endpoint: 0x01,
      length: 3,
      interval: 1000,
      frame: 0x48,
      data: bytes("112233"),
    };
    expect(hex(usbmonPacket(out, BUS).bytes)).toBe(
      golden(`
        3300000000000000 53 00 01 05 0200 2d 00 01f1536500000000 47940300 8dffffff
        03000000 13000000 00000000 01000000 01000000 09000000 00000000 01000000
        eeffffff 00000000 03000000 00000000
        112233`),
    );
  });

  test("an error is its packet's, and the URB ends well", () => {
    const { bytes: packet } = usbmonPacket({ ...IN, phase: "complete", status: STATUS_TRANSACTION_ERROR }, BUS);
    const view = new DataView(packet.buffer);
    expect([view.getInt32(0x1c, true), view.getInt32(0x28, true), view.getInt32(0x40, true)]).toEqual([0, 1, -71]);
  });

  test("one that was given up says so as a whole", () => {
    const { bytes: packet } = usbmonPacket({ ...IN, phase: "complete", status: STATUS_CANCELLED }, BUS);
    const view = new DataView(packet.buffer);
    expect([view.getInt32(0x1c, true), view.getInt32(0x28, true), view.getInt32(0x40, true)]).toEqual([-104, 1, -104]);
  });
});

// The numbers of Linux's errno.h
test.each([
  [STATUS_OK, 0],
  [STATUS_STALL, -32],
  [STATUS_BABBLE, -75],
  [STATUS_TRANSACTION_ERROR, -71],
  [STATUS_NO_DEVICE, -19],
  [STATUS_CANCELLED, -104],
  [STATUS_INVALID, -22],
])("status %i is Linux's %i", (status, error) => {
  const { bytes: packet } = usbmonPacket({ ...BULK_OUT, phase: "complete", status, data: new Uint8Array(0) }, BUS);
  expect(new DataView(packet.buffer).getInt32(0x1c, true)).toBe(error);
});

test.each([
  ["bulk", TYPE_BULK, 64],
  ["isochronous", TYPE_ISOCHRONOUS, 80],
])("a long payload is cut to what readers take, and its length is told: %s", (_, type, headers) => {
  const packet = usbmonPacket({ ...BULK_OUT, type, length: 2 ** 20, data: new Uint8Array(2 ** 20) }, BUS);
  const view = new DataView(packet.bytes.buffer);
  expect([packet.bytes.length, packet.originalLength]).toEqual([PACKET_MAX, headers + 2 ** 20]);
  expect([view.getUint32(0x20, true), view.getUint32(0x24, true)]).toEqual([2 ** 20, PACKET_MAX - 64]);
});
