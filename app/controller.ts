/** What a virtual host controller is to the rest of the frontend: xhci/ is one; ehci/ and uhci/ will be others. */
import type { PciFunction, PciSlot } from "./guest/machine.ts";
import type { Link } from "./link.ts";
import type { TraceListeners } from "./trace/trace.ts";
import type { TracedDevice } from "./trace/urb-trace.ts";

/** One port of the root hub or of an external one, as the guest has it. Live: read it, do not keep it. */
export interface RootHubPort {
  /** The speed of what is plugged, SPEED_NONE when nothing is, or when only an external hub knows. */
  readonly speed: number;
  /** The guest has reset and enabled the port. */
  readonly enabled: boolean;
  /** The guest has suspended the port. */
  readonly asleep: boolean;
  /** The guest has given the device an address; 0 before. */
  readonly address: number;
  readonly counters: PortCounters;
}

/** Counted since the plug, or behind an external hub since the guest gave the device its address. */
export interface PortCounters {
  /** Bytes device → guest. */
  bytesIn: number;
  /** Bytes guest → device. */
  bytesOut: number;
  /** Transfers answered. */
  transfers: number;
  /** Transfers that only a driver makes, or a program in its place: all but the standard requests to the device as a whole. */
  driven: number;
  /** Transfers that ended in a halt, babble or transaction error. */
  errors: number;
  /** Transfers on their way now. */
  inFlight: number;
}

export function noTraffic(): PortCounters {
  return { bytesIn: 0, bytesOut: 0, transfers: 0, driven: 0, errors: 0, inFlight: 0 };
}

export interface HostController {
  /** For the machine. */
  readonly pci: PciFunction;
  /** Ports that a person sees; they count from 1. */
  readonly portCount: number;
  /** The machine's side of the function, once registered, and the link its transfers travel on. */
  start(slot: PciSlot, link: Link): void;
  /** A port of the root hub, or, with a route string, of an external hub behind it. */
  port(number: number, route?: number): RootHubPort;
  /** What the guest has made of a plug of a port of the link, or of a port of an external hub, if anything. For traces. */
  device(linkPort: number, route: number, plug: number): TracedDevice | undefined;
  /** Tells of registers and TRBs, until the function that it answers is called. Not of URBs: those are the link's. */
  trace(listeners: Omit<TraceListeners, "urbs">): () => void;
  /** While it is held, nothing goes to the devices on the controller's own account: their ports are being restored. */
  hold(held: boolean): void;
  /** Which ports of the link have, in the state that is restored next, the device of then, by what URBs called it then. */
  keep(ports: ReadonlyMap<number, number>): void;
  /** Called after any change of a port's state. */
  onPortChange: ((port: number) => void) | undefined;
}
