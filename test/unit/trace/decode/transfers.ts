/** Traces of transfers for tests, written short, and read from test/vectors/. */
import { readFileSync } from "node:fs";
import { describe } from "../../../../app/trace/decode/describe.ts";
import { TransferLog } from "../../../../app/trace/decode/transfer-log.ts";
import type { UrbTrace } from "../../../../app/trace/urb-trace.ts";
import { bytes, GET_DESCRIPTOR } from "../urb.ts";

const TYPES = ["control", "isochronous", "bulk", "interrupt"];
const SPEEDS = ["none", "full", "low", "high", "super"];
const STATUSES = ["ok", "stall", "babble", "error", "gone", "cancelled", "invalid"];

export interface Spoken {
  readonly line: number;
  readonly trace: UrbTrace;
  readonly says: string;
}

/** Each trace is a completion that has all bytes, whichever way they went. */
export function readTransfers(path: string): Spoken[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.flatMap((line, index) => {
    if (!/^\d/.test(line)) return [];
    return [{ line: index + 1, trace: readTrace(line), says: lines[index + 1]?.trim() ?? "" }];
  });
}

/** `3.2 1 super bulk 81 - ok 13/13 5553…`. */
export function readTrace(line: string): UrbTrace {
  const [place = "", plug, speed = "", type = "", endpoint = "", setup = "", status = "", lengths = "", data = ""] =
    line.split(" ");
  const [port, route = 0] = place.split(".").map(Number);
  const [actual, length] = lengths.split("/").map(Number);
  return {
    ...GET_DESCRIPTOR,
    phase: "complete",
    port: port ?? 0,
    route,
    plug: Number(plug),
    speed: SPEEDS.indexOf(speed),
    type: TYPES.indexOf(type),
    endpoint: Number.parseInt(endpoint, 16),
    setup: setup === "-" ? undefined : bytes(setup),
    status: STATUSES.indexOf(status),
    actual: actual ?? 0,
    length: length ?? 0,
    data: data === "-" ? new Uint8Array(0) : bytes(data),
  };
}

/** What is said of each transfer, one after another. */
export function say(...lines: string[]): string[] {
  const log = new TransferLog();
  return lines.map((line) => {
    log.hear(readTrace(line));
    const transfer = log.at(log.last);
    return transfer ? describe(transfer).text : "";
  });
}
