/** The requests of a CDC-ACM adapter: codes, and what their values say (PSTN 1.2 §6.3). */
import type { SerialSettings } from "../../protocol.ts";
import { put16 } from "../descriptor.ts";

/** bmRequestType << 8 | bRequest. All are class requests to the Communications interface. */
export const SET_LINE_CODING = 0x2120;
export const GET_LINE_CODING = 0xa121;
export const SET_CONTROL_LINE_STATE = 0x2122;
export const SEND_BREAK = 0x2123;

/** wValue of SET_CONTROL_LINE_STATE (PSTN 1.2 table 18). */
export const CONTROL_DTR = 0x01;
export const CONTROL_RTS = 0x02;

/** wValue of SEND_BREAK: until it is 0; anything else is ms. */
export const BREAK_ON = 0xffff;

/** SERIAL_STATE (PSTN 1.2 table 31). The first three last; a break is a moment. */
export const STATE_DCD = 0x01;
export const STATE_DSR = 0x02;
export const STATE_RING = 0x08;
export const STATE_BREAK = 0x04;

/** PSTN 1.2 table 17: dwDTERate, bCharFormat, bParityType, bDataBits. */
export const LINE_CODING_LENGTH = 7;
const STOP_BITS = [1, 1.5, 2] as const;
const PARITIES = ["none", "odd", "even", "mark", "space"] as const;

export function putLineCoding(into: Uint8Array, { baudRate, dataBits, parity, stopBits }: SerialSettings): void {
  put16(into, 0, baudRate);
  put16(into, 2, baudRate >>> 16);
  into[4] = STOP_BITS.indexOf(stopBits);
  into[5] = PARITIES.indexOf(parity);
  into[6] = dataBits;
}

/** Undefined for what there is not. */
export function lineCodingOf(bytes: Uint8Array): SerialSettings | undefined {
  const baudRate = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const stopBits = STOP_BITS[bytes[4] ?? 0];
  const parity = PARITIES[bytes[5] ?? 0];
  const dataBits = bytes[6];
  if (baudRate === 0 || !stopBits || !parity || (dataBits !== 7 && dataBits !== 8)) return undefined;
  return { baudRate, dataBits, parity, stopBits };
}
