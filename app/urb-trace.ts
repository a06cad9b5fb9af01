/** A look at every URB of a link, as it leaves and as it comes back: for captures and for the curious. Allocates. */
import {
  OPERATION_TRANSFER,
  TYPE_CONTROL,
  URB_ENDPOINT,
  URB_OPERATION,
  URB_PLUG,
  URB_PORT,
  URB_SETUP,
  URB_SIZE,
  URB_TABLE,
  URB_TYPE,
} from "../asm/layout.ts";
import type { Link, Urb } from "./link.ts";

export interface UrbTrace {
  readonly phase: "submit" | "complete";
  /** The same for a URB's submission and its completion, and for no other URB of the link. */
  readonly id: number;
  /** µs since 1970. */
  readonly time: number;
  readonly port: number;
  /** Which plug of the port. */
  readonly plug: number;
  /** bEndpointAddress; the direction bit of a control transfer is its request's. */
  readonly endpoint: number;
  /** TYPE_CONTROL … TYPE_INTERRUPT of asm/layout.ts. */
  readonly type: number;
  /** The setup packet, 8 bytes, of a control transfer. */
  readonly setup: Uint8Array | undefined;
  /** Bytes asked for, and (complete) moved. */
  readonly length: number;
  readonly actual: number;
  /** STATUS_… of asm/layout.ts, once complete. */
  readonly status: number;
  /** The payload: an OUT's when it is submitted, an IN's when it is complete, and empty otherwise. */
  readonly data: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** Calls `listener` for every transfer of the link from now on, until the function it answers is called. */
export function traceUrbs(link: Link, listener: (trace: UrbTrace) => void): () => void {
  const ids = new Map<Urb, number>();
  let last = 0;
  const tap = (phase: "submit" | "complete", urb: Urb) => {
    const record = new DataView(link.core.memory.buffer, URB_TABLE + urb.slot * URB_SIZE, URB_SIZE);
    if (record.getUint32(URB_OPERATION, true) !== OPERATION_TRANSFER) return;
    const id = phase === "submit" ? ++last : ids.get(urb);
    if (id === undefined) return; // submitted before the trace began
    if (phase === "submit") ids.set(urb, id);
    else ids.delete(urb);
    const type = record.getUint32(URB_TYPE, true);
    const setup =
      type === TYPE_CONTROL ? new Uint8Array(record.buffer, record.byteOffset + URB_SETUP, 8).slice() : undefined;
    const isIn = ((setup?.[0] ?? record.getUint32(URB_ENDPOINT, true)) & 0x80) !== 0;
    const carries = isIn === (phase === "complete");
    const data = carries ? new Uint8Array(phase === "complete" ? urb.actual : urb.length) : NOTHING;
    link.core.read(urb.slot, 0, data);
    listener({
      phase,
      id,
      time: Math.round((performance.timeOrigin + performance.now()) * 1000),
      port: record.getUint32(URB_PORT, true),
      plug: record.getUint32(URB_PLUG, true),
      endpoint: record.getUint32(URB_ENDPOINT, true) | (setup && isIn ? 0x80 : 0),
      type,
      setup,
      length: urb.length,
      actual: phase === "complete" ? urb.actual : 0,
      status: phase === "complete" ? urb.status : 0,
      data,
    });
  };
  link.taps.add(tap);
  return () => link.taps.delete(tap);
}
