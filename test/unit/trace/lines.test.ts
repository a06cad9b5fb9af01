/** What `--trace` prints. */
import { expect, test } from "vitest";
import { registerLine, trbLine, urbLine } from "../../../app/trace/lines.ts";
import type { RegisterTrace, TrbTrace } from "../../../app/trace/trace.ts";
import { STATUS_NO_DEVICE, TYPE_BULK, TYPE_ISOCHRONOUS } from "../../../asm/layout.ts";
import { bytes, GET_DESCRIPTOR, TIME } from "./urb.ts";

const SINCE = TIME - 3_141_593;

test.each([
  [{}, "3.141593 port 3 #17 S control 0x80 [8006000100001200] 18"],
  [
    { phase: "complete", actual: 18, data: new Uint8Array(18).fill(0xa5) },
    `3.141593 port 3 #17 C control 0x80 ok 18/18 ${"a5".repeat(16)}…`,
  ],
  [
    { route: 0x241, type: TYPE_BULK, setup: undefined, endpoint: 2, stream: 7, length: 2, data: bytes("1122") },
    "3.141593 port 3.1.4.2 #17 S bulk 0x02 stream 7 2 1122",
  ],
  [
    {
      phase: "complete",
      type: TYPE_ISOCHRONOUS,
      setup: undefined,
      endpoint: 0x81,
      frame: 4096,
      status: STATUS_NO_DEVICE,
    },
    "3.141593 port 3 #17 C isochronous 0x81 frame 4096 no device 0/18",
  ],
] as const)("of a URB %#", (change, line) => {
  expect(urbLine({ ...GET_DESCRIPTOR, ...change }, SINCE)).toBe(line);
});

test.each([
  [{}, "3.141593 W USBCMD 0x00000005 RS INTE"],
  [{ access: "read", fields: "" }, "3.141593 R USBCMD 0x00000005"],
  [
    { access: "read", name: "CAPLENGTH_HCIVERSION", offset: 2, width: 2, value: 0x110, fields: "" },
    "3.141593 R CAPLENGTH_HCIVERSION+2 0x0110",
  ],
] as const)("of a register %#", (change, line) => {
  const access: RegisterTrace = {
    time: TIME,
    access: "write",
    name: "USBCMD",
    offset: 0x40,
    width: 4,
    value: 5,
    fields: "RS INTE",
  };
  expect(registerLine({ ...access, ...change }, SINCE)).toBe(line);
});

test.each([
  [{}, "3.141593 slot 2 endpoint 3 0x00123450 Normal: buffer 0x00001000, length 13"],
  [{ ring: "command", name: "No Op Command", fields: "" }, "3.141593 command ring 0x00123450 No Op Command"],
] as const)("of a TRB %#", (change, line) => {
  const trb: TrbTrace = {
    time: TIME,
    ring: "transfer",
    slot: 2,
    endpoint: 3,
    address: 0x123450,
    dwords: [0x1000, 0, 13, 0x400],
    name: "Normal",
    fields: "buffer 0x00001000, length 13",
  };
  expect(trbLine({ ...trb, ...change }, SINCE)).toBe(line);
});
