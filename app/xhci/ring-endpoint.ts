/** What a transfer ring uses of its endpoint, and an endpoint of the controller around it. */
import type { PortCounters } from "../controller.ts";
import type { GuestMemory } from "../guest/machine.ts";
import type { Link } from "../link.ts";
import type { FrameClock } from "./frame-clock.ts";
import type { IsochSchedule } from "./isoch-schedule.ts";
import type { Connection } from "./port.ts";
import type { Taps } from "./tap.ts";
import type { EventSink } from "./transfer-events.ts";

/** What an endpoint uses of the controller around it. */
export interface EndpointHost {
  readonly memory: GuestMemory;
  readonly link: Link;
  readonly events: EventSink;
  readonly clock: FrameClock;
  readonly taps: Taps;
  /** The xHC runs, its event ring has room, and this turn's work is not done. */
  readonly ready: boolean;
  /** Counts work of this turn: no guest needs as much as there is room for, but a looped ring has no end. */
  charge(work: number): void;
  /** The endpoint has to wait until the xHC is ready, or for a free URB: call `advance` then. */
  postpone(endpoint: { advance(): void }): void;
}

/** The plug that an endpoint's slot was addressed on: later plugs of the port are other devices. */
export interface Plug {
  /** Of the link. */
  readonly port: number;
  /** The hubs between that port and the device, as a route string; 0 without hubs. */
  readonly route: number;
  readonly plug: number;
  /** Of the root hub port that it is behind. */
  readonly connection: Connection;
  readonly counters: PortCounters;
}

/** What a ring uses of its endpoint. */
export interface RingEndpoint {
  readonly host: EndpointHost;
  readonly plug: Plug;
  readonly slotId: number;
  /** Device context index, 1 to 31. */
  readonly id: number;
  /** bEndpointAddress. */
  readonly address: number;
  /** TYPE_CONTROL … TYPE_INTERRUPT. */
  readonly type: number;
  /** µs between packets, 0 where the endpoint has none. */
  readonly interval: number;
  /** TDs of one ring that may be with the backend at once. */
  readonly depth: number;
  readonly maxEsitPayload: number;
  /** Of an isochronous endpoint. */
  readonly schedule: IsochSchedule | undefined;
  /** Running, no Stop Endpoint is under way, and the port does not sleep. */
  readonly runs: boolean;
  readonly stopping: boolean;
  /** Hands over what may be handed over now, of all its rings. */
  advance(): void;
  /** A ring has retired a transfer, or lost its last one. */
  settled(): void;
  /** A ring has failed: every ring gives up what is on its way, and the endpoint's state is this one now (§4.8.3). */
  fail(state: number, ring: { forgetMoved(): void }): void;
  /** An isochronous ring has nothing for a service interval that has begun (§4.10.3.1). */
  starved(): void;
}

/** What a saved state keeps of a ring. */
export interface RingSaved {
  readonly stream: number;
  readonly dequeue: number;
  readonly cycle: number;
  readonly moved: number;
}
