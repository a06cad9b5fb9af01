/**
 * One port of a link or of a hub: the device in it, and the life of every transfer of that device. A transfer is answered
 * exactly once, whatever the order of completion, cancel, reset, unplug and the device's own leaving:
 *
 *   empty ──attach──▶ plugged ◀──▶ resetting
 *     ▲                  │             │
 *     └──────detach──────┴─────────────┘
 *
 * A hub's ports are ports like any other: a transfer finds its way through them by its route string, four bits a hub.
 */
import {
  EVENT_PLUG_MASK,
  EVENT_WAKE,
  OPERATION_ADDRESS,
  OPERATION_PORT_RESET,
  SPEED_NONE,
  STATUS_CANCELLED,
  STATUS_NO_DEVICE,
  STATUS_OK,
  TYPE_CONTROL,
} from "../asm/layout.ts";
import type { Device, DownstreamPort, PortOwner } from "./device.ts";
import { behind, HUB_PORTS_MAX, type Place, TIER_BITS } from "./place.ts";
import { reasonOf } from "./plug-error.ts";
import type { Request } from "./request.ts";

/** What a port uses of its link. */
export interface Pendings {
  /** The transfers that wait for their answer at a port and behind it, newest first. */
  pendingBehind(place: Place): readonly Request[];
}

/** A device behind a hub that the front has not addressed yet: no URB has this number. */
const NOT_ADDRESSED = -1;

interface Occupant {
  readonly device: Device;
  /** Of a hub: its ports; port n is at index n - 1. */
  readonly downstream: readonly Port[];
  /** What URBs call it. */
  plug: number;
  /** For a device that fails: it is gone. */
  readonly gone: (reason: string) => void;
}

/** A transfer that came during a reset. Once it is answered its slot may come back as another one, with another serial. */
interface Waiting {
  readonly request: Request;
  readonly serial: number;
}

type PortState =
  | { readonly name: "empty" }
  | { readonly name: "plugged"; readonly occupant: Occupant }
  | { readonly name: "resetting"; readonly occupant: Occupant; readonly waiting: Waiting[] };

const EMPTY: PortState = { name: "empty" };

export class Port implements DownstreamPort {
  readonly place: Place;
  readonly #owner: PortOwner;
  readonly #link: Pendings;
  #state = EMPTY;
  /** Counts the plugs of a link's port. */
  #plugs = 0;

  constructor(place: Place, owner: PortOwner, link: Pendings) {
    this.place = place;
    this.#owner = owner;
    this.#link = link;
  }

  /** A plug. Answers the ports that the device has if it is a hub. `gone` is called when the device fails. */
  attach(device: Device, gone: (reason: string) => void): readonly Port[] {
    const downstream = (device.hub?.ports ?? []).slice(0, HUB_PORTS_MAX).map((hubPort, index) => {
      const port = new Port(behind(this.place, index + 1), hubPort, this.#link);
      hubPort.connect(port);
      return port;
    });
    this.#plugs = (this.#plugs + 1) & EVENT_PLUG_MASK || 1;
    const plug = this.place.tier === 0 ? this.#plugs : NOT_ADDRESSED;
    this.#setState({ name: "plugged", occupant: { device, downstream, plug, gone } });
    this.#owner.event(device.speed, this.#plugs);
    return downstream;
  }

  /** Which plug of this port the present one is. */
  get plugs(): number {
    return this.#plugs;
  }

  /** What URBs call the device; 0 when there is none, or none that has a name yet. */
  get name(): number {
    return this.#state.name === "empty" ? 0 : Math.max(0, this.#state.occupant.plug);
  }

  /** Another plug of the device that is here: nobody's transfers for the plug before get to it. */
  reconnect(): void {
    const state = this.#state;
    this.detach();
    if (state.name === "empty") return;
    const { occupant } = state;
    this.#plugs = (this.#plugs + 1) & EVENT_PLUG_MASK || 1;
    occupant.plug = this.place.tier === 0 ? this.#plugs : NOT_ADDRESSED;
    this.#setState({ name: "plugged", occupant });
    this.#owner.event(occupant.device.speed, this.#plugs);
  }

  /** A saved state's device behind a hub, which the restored front knows by this name. */
  rename(plug: number): void {
    if (this.place.tier > 0 && this.#state.name !== "empty") this.#state.occupant.plug = plug || NOT_ADDRESSED;
  }

  /** An unplug: whoever has the port hears of it first, then the transfers end. */
  detach(): void {
    this.#setState(EMPTY);
    this.#owner.event(SPEED_NONE, this.#plugs);
    this.#cancelAll(STATUS_NO_DEVICE);
  }

  /** The device asks for a resume. */
  wake(): void {
    if (this.#state.name !== "empty") this.#owner.event(EVENT_WAKE, this.#plugs);
  }

  submit(request: Request): void {
    const state = this.#state;
    if (state.name === "empty" || !this.#owner.forwards) {
      request.complete(STATUS_NO_DEVICE, 0);
      return;
    }
    const { occupant } = state;
    const rest = request.route >>> (TIER_BITS * this.place.tier);
    if (rest !== 0) {
      const next = state.name === "plugged" ? occupant.downstream[(rest & HUB_PORTS_MAX) - 1] : undefined;
      if (next) next.submit(request);
      else request.complete(STATUS_NO_DEVICE, 0);
    } else if (request.operation === OPERATION_ADDRESS) {
      this.#address(occupant, request);
    } else if (request.plug !== occupant.plug) {
      request.complete(STATUS_NO_DEVICE, 0);
    } else if (state.name === "resetting") {
      state.waiting.push({ request, serial: request.serial });
    } else {
      this.#run(occupant, request);
    }
  }

  /** USB 2.0 §9.1.1.5, §11.5.1.5. A device that answers at once is reset before this returns. */
  reset(done: () => void): void {
    this.#reset(done, Number.POSITIVE_INFINITY);
  }

  quiesce(): void {
    this.#cancelAll(STATUS_NO_DEVICE);
  }

  /** A link's port names its device by the plug's event; here the front gives the number, and any other is nobody's. */
  #address(occupant: Occupant, request: Request): void {
    const named = this.place.tier > 0 && request.plug !== 0;
    if (named) occupant.plug = request.plug;
    request.complete(named ? STATUS_OK : STATUS_NO_DEVICE, 0);
  }

  #run({ device, gone }: Occupant, request: Request): void {
    if (request.operation === OPERATION_PORT_RESET) {
      this.#resetFor(request);
    } else if (isSetAddress(request)) {
      request.complete(STATUS_OK, 0);
    } else {
      request.holder = device;
      try {
        device.submit(request);
      } catch (error) {
        gone(`it failed inside pvusb: ${reasonOf(error)}`);
      }
    }
  }

  /** The guest resets a port of the root hub. A hub resets its own ports itself. */
  #resetFor(request: Request): void {
    const { serial } = request;
    if (this.place.tier > 0) request.complete(STATUS_NO_DEVICE, 0);
    else
      this.#reset(() => {
        if (request.serial === serial) request.complete(STATUS_OK, 0);
      }, serial);
  }

  /** Cancels the transfers that came before serial number `before`; later ones wait. */
  #reset(done: () => void, before: number): void {
    if (this.#state.name === "empty") return;
    const { occupant } = this.#state;
    const state: PortState = { name: "resetting", occupant, waiting: [] };
    this.#setState(state);
    this.#cancelAll(STATUS_CANCELLED, before);
    const finished = () => {
      if (this.#state !== state) return;
      this.#setState({ name: "plugged", occupant });
      done();
      for (const { request, serial } of state.waiting) if (request.serial === serial) this.submit(request);
    };
    const failed = (error: unknown) => occupant.gone(`it did not come back from a reset: ${reasonOf(error)}`);
    try {
      const pending = occupant.device.reset();
      if (pending) pending.then(finished, failed);
      else finished();
    } catch (error) {
      failed(error);
    }
  }

  /** Newest first, so that no device begins a next one meanwhile. */
  #cancelAll(status: number, before = Number.POSITIVE_INFINITY): void {
    for (const request of this.#link.pendingBehind(this.place)) {
      if (request.serial < before) request.cancel(status);
    }
  }

  #setState(state: PortState): void {
    this.#state = state;
  }
}

/**
 * SetAddress (USB 2.0 §9.4.6), which no device here ever sees: WebUSB refuses it, and the address is the controller's own
 * matter. Only the full bmRequestType tells: bRequest 5 is another request in every class.
 */
function isSetAddress(request: Request): boolean {
  return request.type === TYPE_CONTROL && request.bmRequestType === 0x00 && request.bRequest === 5;
}
