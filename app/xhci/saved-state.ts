/** What a saved state keeps of the controller, and how it is read back from a file, which is not trusted. */
import { EVENT_PLUG_MASK, PORTS_MAX, ROUTE_MASK, SPEED_SUPER } from "../../asm/layout.ts";
import { Saved, StateError } from "../../asm/saved.ts";
import { ENDPOINT_ID_MAX, EP_STATE_ERROR, SLOT_STATE_CONFIGURED } from "./context.ts";
import type { EndpointSaved } from "./endpoint.ts";
import { type EventRingState, SEGMENTS_MAX, WAITING_MAX } from "./event-ring.ts";
import { MAX_SLOTS } from "./registers.ts";
import type { SavedHub, SavedPlug } from "./root-hub.ts";
import type { SlotSaved } from "./slot.ts";

export interface SavedXhci {
  /** Sockets. */
  readonly ports: number;
  /** The frame clock's count: MFINDEX goes on from there, as the guest's own clocks do. */
  readonly microframe: number;
  readonly registers: readonly number[];
  readonly events: EventRingState;
  /** What Controller Save State has put aside. */
  readonly aside: EventRingState | undefined;
  readonly commands: { readonly dequeue: number; readonly cycle: number };
  readonly slots: readonly SlotSaved[];
  readonly hub: SavedHub;
}

/** Throws a StateError for what is no state of a controller with so many sockets and registers. */
export function readXhci(state: unknown, ports: number, registers: number): SavedXhci {
  const saved = new Saved(state, "the USB controller");
  const had = saved.integer("ports");
  if (had !== ports) {
    throw new StateError(
      `This state is of a USB controller with ${had} ports, and this one has ${ports}. Attach it with ports: ${had}.`,
    );
  }
  const values = saved.integers("registers");
  if (values.length !== registers) throw saved.wrong("registers");
  const commands = saved.record("commands");
  return {
    ports,
    microframe: saved.number("microframe"),
    registers: values,
    events: readEventRing(saved.record("events")),
    aside: saved.get("aside") === undefined ? undefined : readEventRing(saved.record("aside")),
    commands: { dequeue: commands.integer("dequeue"), cycle: commands.integer("cycle", 1) },
    slots: saved.records("slots", MAX_SLOTS).map(readSlot),
    hub: readHub(saved.record("hub"), ports),
  };
}

function readEventRing(saved: Saved): EventRingState {
  const segments = saved.records("segments", SEGMENTS_MAX).map((segment) => ({
    base: segment.integer("base"),
    size: segment.integer("size", 0xffff, 1),
  }));
  const segment = saved.integer("segment", Math.max(0, segments.length - 1));
  const waiting = saved.records("waiting", WAITING_MAX).map((event) => ({
    parameter: event.integer("parameter"),
    parameterHigh: event.integer("parameterHigh"),
    status: event.integer("status"),
    control: event.integer("control"),
  }));
  return {
    segments,
    segment,
    index: saved.integer("index", Math.max(0, (segments[segment]?.size ?? 0) - 1)),
    cycle: saved.integer("cycle", 1),
    full: saved.flag("full"),
    waiting,
  };
}

function readSlot(saved: Saved): SlotSaved {
  return {
    id: saved.integer("id", MAX_SLOTS, 1),
    state: saved.integer("state", SLOT_STATE_CONFIGURED),
    context: saved.integer("context"),
    plug: saved.get("plug") === undefined ? undefined : readPlug(saved.record("plug")),
    endpoints: saved.records("endpoints", ENDPOINT_ID_MAX).map(readEndpoint),
  };
}

function readEndpoint(saved: Saved): { readonly id: number } & EndpointSaved {
  return {
    id: saved.integer("id", ENDPOINT_ID_MAX, 1),
    state: saved.integer("state", EP_STATE_ERROR),
    rings: saved.records("rings").map((ring) => ({
      stream: ring.integer("stream", 0xffff),
      dequeue: ring.integer("dequeue"),
      cycle: ring.integer("cycle", 1),
      moved: ring.integer("moved"),
    })),
  };
}

function readPlug(saved: Saved): SavedPlug {
  return {
    port: saved.integer("port", PORTS_MAX, 1),
    route: saved.integer("route", ROUTE_MASK),
    plug: saved.integer("plug", EVENT_PLUG_MASK),
    ended: saved.flag("ended"),
  };
}

function readHub(saved: Saved, ports: number): SavedHub {
  const links = saved.records("links", 2 * ports).map((link) => ({
    speed: link.integer("speed", SPEED_SUPER),
    plug: link.integer("plug"),
    address: link.integer("address", MAX_SLOTS),
  }));
  if (links.length !== 2 * ports) throw saved.wrong("links");
  const routed = saved.records("routed").map((port) => ({
    socket: port.integer("socket", ports, 1),
    route: port.integer("route"),
    plug: port.integer("plug"),
    address: port.integer("address", MAX_SLOTS),
  }));
  return { links, routed, lastRouted: saved.integer("lastRouted") };
}
