/** A look at every URB of a link, as it leaves and as it comes back: for captures and for the curious. Allocates. */
import {
  COMPANION_PORT,
  OPERATION_TRANSFER,
  SPEED_NONE,
  TYPE_CONTROL,
  URB_ENDPOINT,
  URB_FLAGS,
  URB_FRAME,
  URB_INTERVAL,
  URB_OPERATION,
  URB_PLUG,
  URB_PORT,
  URB_ROUTE,
  URB_SETUP,
  URB_SIZE,
  URB_STREAM,
  URB_TABLE,
  URB_TYPE,
} from "../../asm/layout.ts";
import type { Link, Urb } from "../link.ts";
import { now } from "./clock.ts";

/** Everything is a copy. */
export interface UrbTrace {
  readonly phase: "submit" | "complete";
  /** The same for a URB's submission and its completion, and for no other URB of the trace. */
  readonly id: number;
  /** µs since 1970. */
  readonly time: number;
  /** The controller's port that a person sees: the USB 2.0 half of a USB 3 hub is in the same one as the other. */
  readonly port: number;
  /** Which plug of the port. */
  readonly plug: number;
  /** Where behind the port: a route string, 4 bits a hub; 0 is the port's own device. */
  readonly route: number;
  /** The device's USB address when the URB was submitted; 0 before the guest gave it one. */
  readonly address: number;
  /** SPEED_… of asm/layout.ts. */
  readonly speed: number;
  /** bEndpointAddress; the direction bit of a control transfer is its request's. */
  readonly endpoint: number;
  /** TYPE_CONTROL … TYPE_INTERRUPT of asm/layout.ts. */
  readonly type: number;
  /** FLAG_… of asm/layout.ts. */
  readonly flags: number;
  /** The setup packet, 8 bytes, of a control transfer. */
  readonly setup: Uint8Array | undefined;
  /** The stream of a bulk endpoint that has streams; 0 otherwise. */
  readonly stream: number;
  /** µs from one packet to the next of a periodic endpoint; 0 for others. */
  readonly interval: number;
  /** Isochronous: the microframe (125 µs, u32) in which the packet is due. */
  readonly frame: number;
  /** Bytes asked for, and (complete) moved. */
  readonly length: number;
  readonly actual: number;
  /** STATUS_… of asm/layout.ts, once complete. */
  readonly status: number;
  /** The payload or its first part: an OUT's when it is submitted, an IN's when it is complete, and empty otherwise. */
  readonly data: Uint8Array;
}

/** What the guest's controller knows of a device. */
export interface TracedDevice {
  readonly address: number;
  readonly speed: number;
}

const NOTHING = new Uint8Array(0);
const UNKNOWN: TracedDevice = { address: 0, speed: SPEED_NONE };

/**
 * Calls `listener` for every transfer of the link from now on, until the function it answers is called. Of a payload that is no
 * control transfer's it copies up to `most` bytes.
 */
export function traceUrbs(
  link: Link,
  device: (linkPort: number, route: number, plug: number) => TracedDevice | undefined,
  listener: (trace: UrbTrace) => void,
  most = Number.POSITIVE_INFINITY,
): () => void {
  const submitted = new Map<Urb, UrbTrace>();
  let last = 0;

  const submit = (urb: Urb): UrbTrace | undefined => {
    const record = new DataView(link.core.memory.buffer, URB_TABLE + urb.slot * URB_SIZE, URB_SIZE);
    const field = (offset: number) => record.getUint32(offset, true);
    if (field(URB_OPERATION) !== OPERATION_TRANSFER) return undefined;
    const type = field(URB_TYPE);
    const setup =
      type === TYPE_CONTROL ? new Uint8Array(record.buffer, record.byteOffset + URB_SETUP, 8).slice() : undefined;
    const linkPort = field(URB_PORT);
    const plug = field(URB_PLUG);
    const route = field(URB_ROUTE);
    const { address, speed } = device(linkPort, route, plug) ?? UNKNOWN;
    const endpoint = field(URB_ENDPOINT) | ((setup?.[0] ?? 0) & 0x80);
    return {
      phase: "submit",
      id: ++last,
      time: now(),
      port: linkPort % COMPANION_PORT,
      plug,
      route,
      address,
      speed,
      endpoint,
      type,
      flags: field(URB_FLAGS),
      setup,
      stream: field(URB_STREAM),
      interval: field(URB_INTERVAL),
      frame: field(URB_FRAME),
      length: urb.length,
      actual: 0,
      status: 0,
      data: endpoint & 0x80 ? NOTHING : payload(urb, type, urb.length),
    };
  };

  const payload = (urb: Urb, type: number, length: number): Uint8Array => {
    const data = new Uint8Array(type === TYPE_CONTROL ? length : Math.min(length, most));
    link.core.read(urb.slot, 0, data);
    return data;
  };

  const tap = (phase: "submit" | "complete", urb: Urb) => {
    if (phase === "submit") {
      const trace = submit(urb);
      if (!trace) return;
      submitted.set(urb, trace);
      listener(trace);
      return;
    }
    // What was submitted before the trace began is answered all the same.
    const trace = submitted.get(urb) ?? submit(urb);
    submitted.delete(urb);
    if (!trace) return;
    const { actual, status } = urb;
    const data = trace.endpoint & 0x80 ? payload(urb, trace.type, actual) : NOTHING;
    listener({ ...trace, phase, time: now(), actual, status, data });
  };
  link.taps.add(tap);
  return () => link.taps.delete(tap);
}
