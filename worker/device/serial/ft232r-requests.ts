/** The requests of an FT232R: codes, and what their values say. */
import type { SerialSettings } from "../../protocol.ts";
import type { Handshake } from "./serial-line.ts";

/** bmRequestType << 8 | bRequest. All are vendor requests to the device. */
export const RESET = 0x4000;
export const SET_MODEM_CONTROL = 0x4001;
export const SET_FLOW_CONTROL = 0x4002;
export const SET_BAUD_RATE = 0x4003;
export const SET_DATA = 0x4004;
export const GET_MODEM_STATUS = 0xc005;
export const SET_EVENT_CHARACTER = 0x4006;
export const SET_ERROR_CHARACTER = 0x4007;
export const SET_LATENCY_TIMER = 0x4009;
export const GET_LATENCY_TIMER = 0xc00a;
export const SET_BIT_MODE = 0x400b;
export const READ_EEPROM = 0xc090;

/** wValue of RESET. What is purged has the host's names: output is what the host has sent. */
export const RESET_ALL = 0;
export const RESET_OUTPUT = 1;
export const RESET_INPUT = 2;

/** wValue of SET_MODEM_CONTROL: the lines, and which of them change. */
export const CONTROL_DTR = 0x0001;
export const CONTROL_RTS = 0x0002;
export const CONTROL_DTR_CHANGES = 0x0100;
export const CONTROL_RTS_CHANGES = 0x0200;

/** wValue of the characters. */
export const CHARACTER_ENABLED = 0x0100;

/** wValue of SET_DATA. */
export const DATA_BREAK = 0x4000;

/**
 * The status in front of every packet, and the answer to GET_MODEM_STATUS.
 *
 *   byte 0   DCD RI DSR CTS 0 0 0 1         byte 1   error TEMT THRE BI FE PE OE DR
 */
export const STATUS_SIZE = 2;
export const STATUS_ALWAYS = 0x01;
export const LINE_OVERRUN = 0x02;
export const LINE_BREAK = 0x10;
/** Both registers of the transmitter. */
export const LINE_EMPTY = 0x60;

const HANDSHAKES: Readonly<Record<number, Handshake>> = { 0: "none", 1: "rts-cts", 2: "dtr-dsr", 4: "xon-xoff" };
const PARITIES = ["none", "odd", "even", "mark", "space"] as const;
const STOP_BITS = [1, 1.5, 2] as const;

/** Eighths, by the three bits of a divisor that are its fraction. */
const FRACTIONS = [0, 4, 2, 1, 3, 5, 6, 7] as const;
/** An eighth of 3 MHz's period: 24 MHz. */
const EIGHTHS_RATE = 24_000_000;

/**
 * Bits a second. The divisor of 3 MHz has 14 bits before its point and a coded fraction; two bits of that are in wValue, the third is
 * bit 0 of wIndex. 0 stands for 1, and 1 for 1.5 (FTDI AN232B-05).
 */
export function baudRateOf(wValue: number, wIndex: number): number {
  const whole = wValue & 0x3fff;
  const fraction = FRACTIONS[(wValue >> 14) | ((wIndex & 1) << 2)] ?? 0;
  if (whole === 0) return 3_000_000;
  if (whole === 1) return 2_000_000;
  return Math.round(EIGHTHS_RATE / (whole * 8 + fraction));
}

/** Undefined for what there is not. */
export function dataOf(wValue: number): Omit<SerialSettings, "baudRate"> | undefined {
  const dataBits = wValue & 0xff;
  const parity = PARITIES[(wValue >> 8) & 7];
  const stopBits = STOP_BITS[(wValue >> 11) & 7];
  if ((dataBits !== 7 && dataBits !== 8) || !parity || !stopBits) return undefined;
  return { dataBits, parity, stopBits };
}

/** By wIndex of SET_FLOW_CONTROL. Undefined for what there is not. */
export function handshakeOf(wIndex: number): Handshake | undefined {
  return HANDSHAKES[wIndex >> 8];
}
