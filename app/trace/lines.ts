/** Traces as lines for a person. */
import {
  STATUS_BABBLE,
  STATUS_CANCELLED,
  STATUS_INVALID,
  STATUS_NO_DEVICE,
  STATUS_OK,
  STATUS_STALL,
  STATUS_TRANSACTION_ERROR,
  TYPE_BULK,
  TYPE_CONTROL,
  TYPE_INTERRUPT,
  TYPE_ISOCHRONOUS,
} from "../../asm/layout.ts";
import type { RegisterTrace, TrbTrace } from "./trace.ts";
import type { UrbTrace } from "./urb-trace.ts";

const TYPE_WORDS: Readonly<Record<number, string>> = {
  [TYPE_CONTROL]: "control",
  [TYPE_ISOCHRONOUS]: "isochronous",
  [TYPE_BULK]: "bulk",
  [TYPE_INTERRUPT]: "interrupt",
};

const STATUS_WORDS: Readonly<Record<number, string>> = {
  [STATUS_OK]: "ok",
  [STATUS_STALL]: "stall",
  [STATUS_BABBLE]: "babble",
  [STATUS_TRANSACTION_ERROR]: "error",
  [STATUS_NO_DEVICE]: "no device",
  [STATUS_CANCELLED]: "cancelled",
  [STATUS_INVALID]: "invalid",
};

const BYTES_SHOWN = 16;
const HUBS_MAX = 5;

/** `3.141593 port 1 #7 S bulk 0x81 512`, `3.141771 port 1 #7 C bulk 0x81 ok 13/512 5553…`; behind hubs, `port 1.4.2`. */
export function urbLine(trace: UrbTrace, since: number): string {
  const { frame, stream, type } = trace;
  const head = `${seconds(trace.time, since)} ${portName(trace.port, trace.route)} #${trace.id}`;
  const place = stream ? ` stream ${stream}` : type === TYPE_ISOCHRONOUS ? ` frame ${frame}` : "";
  const what = `${TYPE_WORDS[type]} 0x${hexNumber(trace.endpoint, 2)}${place}`;
  const setup = trace.setup ? `[${hex(trace.setup)}]` : "";
  const shown = hex(trace.data.subarray(0, BYTES_SHOWN)) + (trace.data.length > BYTES_SHOWN ? "…" : "");
  const parts =
    trace.phase === "submit"
      ? [head, "S", what, setup, trace.length, shown]
      : [head, "C", what, STATUS_WORDS[trace.status], `${trace.actual}/${trace.length}`, shown];
  return parts.filter((part) => part !== "").join(" ");
}

/** `0.002718 W USBCMD 0x00000005 RS INTE`; of a part of a register, `0.002718 R CAPLENGTH_HCIVERSION+2 0x0110`. */
export function registerLine(trace: RegisterTrace, since: number): string {
  const within = trace.offset & 3;
  const name = `${trace.name}${within ? `+${within}` : ""}`;
  const value = `0x${hexNumber(trace.value, trace.width * 2)}`;
  const line = `${seconds(trace.time, since)} ${trace.access === "read" ? "R" : "W"} ${name} ${value}`;
  return trace.fields ? `${line} ${trace.fields}` : line;
}

/** `0.002718 command ring 0x00123450 Address Device: slot 1, …`, `0.002718 slot 1 endpoint 3 0x00123450 Normal: …`. */
export function trbLine(trace: TrbTrace, since: number): string {
  const ring = trace.ring === "transfer" ? `slot ${trace.slot} endpoint ${trace.endpoint}` : `${trace.ring} ring`;
  const line = `${seconds(trace.time, since)} ${ring} 0x${hexNumber(trace.address, 8)} ${trace.name}`;
  return trace.fields ? `${line}: ${trace.fields}` : line;
}

function seconds(time: number, since: number): string {
  return ((time - since) / 1e6).toFixed(6);
}

/** `port 1`, and behind hubs `port 1.4.2`. */
export function portName(port: number, route: number): string {
  let words = `port ${port}`;
  for (let hub = 0; hub < HUBS_MAX; hub++) {
    const hubPort = (route >>> (4 * hub)) & 0xf;
    if (hubPort === 0) break;
    words += `.${hubPort}`;
  }
  return words;
}

function hexNumber(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => hexNumber(byte, 2)).join("");
}
