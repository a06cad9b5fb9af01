/**
 * The devices behind external hubs. What is there only the device's side knows: a device is asked for when the guest
 * addresses it, and named by a number that no other has had, so that whatever is plugged there later is not taken for it.
 */
import { EVENT_PLUG_MASK, OPERATION_ADDRESS, SPEED_NONE, STATUS_OK, TYPE_CONTROL } from "../../asm/layout.ts";
import { noTraffic, type PortCounters, type RootHubPort } from "../controller.ts";
import type { Link, Urb } from "../link.ts";
import type { Plug } from "./ring-endpoint.ts";

/** A port of an external hub, as far as the guest has told of it. */
class RoutedPort implements RootHubPort {
  /** Only the guest and the hub know it. */
  readonly speed = SPEED_NONE;
  plug: number = 0;
  readonly asleep = false;
  address = 0;
  counters: PortCounters = noTraffic();

  get enabled(): boolean {
    return this.address !== 0;
  }
}

/** What a saved state keeps of such a port. */
export interface SavedRoute {
  readonly socket: number;
  readonly route: number;
  readonly plug: number;
  readonly address: number;
}

export class RoutedDevices {
  readonly #ports = new Map<string, RoutedPort>();
  /** The last number given. */
  #plug = 0;

  /** The port of a socket that a route leads to. */
  port(socket: number, route: number): RootHubPort {
    return this.#port(socket, route);
  }

  /** SET_ADDRESS for what is at a route: the device's side says whether anything is, and knows it by this number from now on. */
  locate(link: Link, { port, connection }: Plug, route: number, located: (plug: Plug | undefined) => void): void {
    const urb = link.reserve(0);
    if (!urb) {
      located(undefined);
      return;
    }
    const { exports } = link.core;
    this.#plug = (this.#plug + 1) & EVENT_PLUG_MASK || 1;
    const plug: Plug = { port, route, plug: this.#plug, connection, counters: noTraffic() };
    exports.address(urb.slot, port, plug.plug, 0);
    exports.route(urb.slot, route);
    exports.describe(urb.slot, OPERATION_ADDRESS, TYPE_CONTROL, 0);
    link.submit(urb, {
      urbCompleted: (answered: Urb) => {
        const { status } = answered;
        link.release(answered);
        located(status === STATUS_OK ? plug : undefined);
      },
    });
  }

  /** The guest has given a device an address, or (0) taken it away. False when that changes nothing. */
  setAddress(socket: number, { route, plug, counters }: Plug, address: number): boolean {
    const port = this.#port(socket, route);
    if (address !== 0 && port.plug !== plug) {
      port.plug = plug;
      port.counters = counters;
    } else if (port.plug !== plug || port.address === address) {
      return false;
    }
    port.address = address;
    return true;
  }

  save(): { routed: SavedRoute[]; lastRouted: number } {
    const routed = [...this.#ports].map(([key, { plug, address }]) => {
      const [socket = 0, route = 0] = key.split(".").map(Number);
      return { socket, route, plug, address };
    });
    return { routed, lastRouted: this.#plug };
  }

  /** Of the sockets for which `isHere` holds. No number is given a second time, neither one of then nor one of now. */
  restore(
    { routed, lastRouted }: { readonly routed: readonly SavedRoute[]; readonly lastRouted: number },
    isHere: (socket: number) => boolean,
  ): void {
    this.#plug = Math.max(this.#plug, lastRouted & EVENT_PLUG_MASK);
    for (const { socket, route, plug, address } of routed.filter((each) => isHere(each.socket))) {
      const port = this.#port(socket, route);
      port.plug = plug;
      port.address = address;
    }
  }

  /** No device has an address any more. */
  reset(): void {
    for (const port of this.#ports.values()) port.address = 0;
  }

  #port(socket: number, route: number): RoutedPort {
    const key = `${socket}.${route}`;
    let port = this.#ports.get(key);
    if (!port) {
      port = new RoutedPort();
      this.#ports.set(key, port);
    }
    return port;
  }
}
