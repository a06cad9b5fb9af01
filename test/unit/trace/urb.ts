import type { UrbTrace } from "../../../app/trace/urb-trace.ts";
import { SPEED_HIGH } from "../../../asm/layout.ts";

export const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ""), "hex"));
export const hex = (array: Uint8Array) => Buffer.from(array).toString("hex");
/** Golden bytes, written with spaces. */
export const golden = (text: string) => text.replace(/\s/g, "");

/** 2023-11-14 22:13:21.234567 UTC: seconds 0x6553F101, µs 0x00039447. */
export const TIME = 1_700_000_001_234_567;

/** GET_DESCRIPTOR(DEVICE) as it leaves. */
export const GET_DESCRIPTOR: UrbTrace = {
  phase: "submit",
  id: 0x11,
  time: TIME,
  port: 3,
  plug: 1,
  route: 0,
  address: 5,
  speed: SPEED_HIGH,
  endpoint: 0x80,
  type: 0,
  flags: 0,
  setup: bytes("8006000100001200"),
  stream: 0,
  interval: 0,
  frame: 0,
  length: 18,
  actual: 0,
  status: 0,
  data: new Uint8Array(0),
};
