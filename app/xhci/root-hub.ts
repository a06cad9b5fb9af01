/**
 * The root hub: `sockets` that a person sees, each a USB2 port and a USB3 port of the xHC. USB2 ports come first:
 * socket s is port s and port sockets + s. Plug events of the link arrive here; port resets leave from here.
 *
 * A USB 3 hub is two devices in one socket (USB 3.2 §10.1): one on the socket's port of the link, its USB 2.0 half on the
 * companion port. Everything else is on the socket's own.
 */
import {
  COMPANION_PORT,
  OPERATION_PORT_RESET,
  SPEED_NONE,
  SPEED_SUPER,
  STATUS_OK,
  TYPE_CONTROL,
} from "../../asm/layout.ts";
import { noTraffic, type PortCounters, type RootHubPort } from "../controller.ts";
import type { Link, Urb } from "../link.ts";
import { type Connection, NO_CONNECTION, Port, type PortHost } from "./port.ts";
import type { Protocol } from "./port-state.ts";
import type { Plug } from "./ring-endpoint.ts";
import { RoutedDevices, type SavedRoute } from "./routed-devices.ts";

/** What a saved state keeps of a device's way through the root hub and others. */
export interface SavedPlug extends Omit<Plug, "connection" | "counters"> {
  /** The connection had ended. */
  readonly ended: boolean;
}

export interface SavedHub {
  /** The ports of the link, in order: each socket's own and its companion. */
  readonly links: readonly { readonly speed: number; readonly plug: number; readonly address: number }[];
  readonly routed: readonly SavedRoute[];
  readonly lastRouted: number;
}

/** A plug that no device is: transfers for it fail as on an empty port. */
export const NOBODY = 0;

/** One port of the link: one plug of it. */
class LinkPort implements RootHubPort {
  readonly #hub: RootHub;
  /** Of the link. */
  readonly number: number;
  speed = SPEED_NONE;
  plug = 0;
  address = 0;
  counters: PortCounters = noTraffic();
  /** What the device that is here was called in the state that was restored last; NOBODY when that knows nothing of it. */
  before = NOBODY;

  constructor(hub: RootHub, number: number) {
    this.#hub = hub;
    this.number = number;
  }

  get protocol(): Protocol {
    return this.speed === SPEED_SUPER ? "usb3" : "usb2";
  }

  get enabled(): boolean {
    return this.#hub.portOf(this)?.enabled ?? false;
  }

  get asleep(): boolean {
    return this.#hub.portOf(this)?.asleep ?? false;
  }
}

/** What a socket has of the link: its own port and the companion port. */
type Socket = readonly [LinkPort, LinkPort];

export interface RootHubHost {
  /** A change bit was set; `first` is worth a Port Status Change Event. */
  portChanged(portId: number, first: boolean): void;
  /** What reaches the devices behind a connection has changed. */
  connectionChanged(connection: Connection): void;
  /** For the person. */
  socketChanged(socket: number): void;
  /** The device of a socket is gone: what the guest addressed there has no device any more. */
  link: Link;
}

export class RootHub implements PortHost {
  readonly ports: readonly Port[];
  readonly #sockets: readonly Socket[];
  readonly #routed = new RoutedDevices();
  readonly #host: RootHubHost;
  /** Their reset waits for a free URB. */
  readonly #waiting = new Set<Port>();

  constructor(sockets: number, host: RootHubHost) {
    this.#host = host;
    this.#sockets = Array.from({ length: sockets }, (_, index) => [
      new LinkPort(this, index + 1),
      new LinkPort(this, index + 1 + COMPANION_PORT),
    ]);
    this.ports = Array.from(
      { length: 2 * sockets },
      (_, index) => new Port(index + 1, index < sockets ? "usb2" : "usb3", this),
    );
  }

  /** A socket, or, with a route string, a port of an external hub behind it. */
  socket(number: number, route = 0): RootHubPort {
    const [own] = this.#socket(number);
    return route === 0 ? own : this.#routed.port(number, route);
  }

  /** The xHCI port that a port of the link appears at, if anything is plugged there. */
  portOf(link: LinkPort): Port | undefined {
    if (link.speed === SPEED_NONE) return undefined;
    const number = socketNumber(link.number);
    return this.ports[(link.protocol === "usb2" ? 0 : this.#sockets.length) + number - 1];
  }

  /** What is plugged behind an xHCI port, if that port is connected and enabled. */
  plugAt(portId: number): Plug | undefined {
    const port = this.ports[portId - 1];
    const connection = port?.enabled ? port.connection : undefined;
    const link = port && this.#linkPortOf(port);
    return connection && link && { port: link.number, route: 0, plug: link.plug, connection, counters: link.counters };
  }

  /** What is behind an xHCI port and external hubs. Calls `located`, at once if there are no hubs on the way. */
  locate(portId: number, route: number, located: (plug: Plug | undefined) => void): void {
    const plug = this.plugAt(portId);
    if (!plug || route === 0) located(plug);
    else this.#routed.locate(this.#host.link, plug, route, located);
  }

  /** The guest has given the device behind a port an address, or (0) taken it away. */
  setAddress(plug: Plug, address: number): void {
    const number = socketNumber(plug.port);
    if (plug.route !== 0) {
      if (this.#routed.setAddress(number, plug, address)) this.#host.socketChanged(number);
      return;
    }
    const link = this.#linkPort(plug.port);
    if (link?.plug !== plug.plug || link.address === address) return;
    link.address = address;
    this.#host.socketChanged(number);
  }

  /** A plug or unplug, from the link. */
  portEvent(number: number, plug: number, speed: number): void {
    const link = this.#linkPort(number);
    if (!link) return;
    const left = this.portOf(link);
    link.speed = SPEED_NONE;
    link.address = 0;
    link.before = NOBODY;
    left?.unplug();
    if (speed !== SPEED_NONE) {
      link.plug = plug;
      link.speed = speed;
      link.counters = noTraffic();
      this.portOf(link)?.plug(speed);
    }
    this.#host.socketChanged(socketNumber(number));
  }

  /** Remote wake-up, from the link: for a port that sleeps (xHCI 1.2 §4.15.2.3). */
  portWake(number: number, plug: number): void {
    const link = this.#linkPort(number);
    if (link?.plug === plug) this.portOf(link)?.wake();
  }

  /** Every device is gone: the backend is. */
  clear(): void {
    for (const { number } of this.#sockets.flat()) this.portEvent(number, 0, SPEED_NONE);
  }

  /** After a reset of the controller. */
  restart(): void {
    this.#forgetAddresses();
    for (const port of this.ports) port.restart();
  }

  save(): SavedHub {
    const links = this.#sockets.flat().map(({ speed, plug, address }) => ({ speed, plug, address }));
    return { links, ...this.#routed.save() };
  }

  /** With the registers as they were. `kept`: which ports of the link have the device of then, and what it was called. */
  restore(saved: SavedHub, kept: ReadonlyMap<number, number>): void {
    this.#forgetAddresses();
    this.#sockets.flat().forEach((link, index) => {
      const was = saved.links[index];
      const same = was && link.speed !== SPEED_NONE && link.speed === was.speed && kept.get(link.number) === was.plug;
      link.before = same ? was.plug : NOBODY;
      link.address = same ? was.address : 0;
    });
    this.#routed.restore(saved, (socket) => this.#socket(socket).some(({ before }) => before !== NOBODY));
    for (const port of this.ports) {
      if (this.#linkPortOf(port)?.before) port.resume();
      else port.reconnect();
    }
  }

  /** A saved slot's way to its device, if that is here. */
  plugOf({ port, route, plug, ended }: SavedPlug): Plug {
    const link = this.#linkPort(port);
    const isHere = link && link.before !== NOBODY && (route !== 0 || link.before === plug);
    if (!isHere) return { port, route, plug: NOBODY, connection: NO_CONNECTION, counters: noTraffic() };
    const connection = (ended ? undefined : this.portOf(link)?.connection) ?? NO_CONNECTION;
    if (route === 0) return { port, route, plug: link.plug, connection, counters: link.counters };
    const { counters } = this.#routed.port(socketNumber(port), route);
    return { port, route, plug, connection, counters };
  }

  portChanged(port: Port, first: boolean): void {
    this.#host.portChanged(port.id, first);
  }

  connectionChanged(connection: Connection): void {
    this.#host.connectionChanged(connection);
  }

  portTouched(port: Port): void {
    this.#host.socketChanged(this.#socketOf(port));
  }

  resetDevice(port: Port): void {
    const { link } = this.#host;
    const device = this.#linkPortOf(port);
    const reset = port.resets;
    if (!device) return;
    const urb = link.reserve(0);
    if (!urb) {
      this.#waiting.add(port);
      return;
    }
    const { exports } = link.core;
    exports.address(urb.slot, device.number, device.plug, 0);
    exports.describe(urb.slot, OPERATION_PORT_RESET, TYPE_CONTROL, 0);
    link.submit(urb, {
      urbCompleted: (answered: Urb) => {
        link.release(answered);
        port.resetDone(reset, answered.status === STATUS_OK);
      },
    });
  }

  /** URBs may be free again. */
  advance(): void {
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const port of waiting) this.resetDevice(port);
  }

  #forgetAddresses(): void {
    for (const link of this.#sockets.flat()) link.address = 0;
    this.#routed.reset();
  }

  #socket(number: number): Socket {
    const socket = this.#sockets[number - 1];
    if (!socket) throw new RangeError(`There is no socket ${number}.`);
    return socket;
  }

  #linkPort(number: number): LinkPort | undefined {
    return this.#sockets[socketNumber(number) - 1]?.[number > COMPANION_PORT ? 1 : 0];
  }

  #socketOf(port: Port): number {
    return port.protocol === "usb2" ? port.id : port.id - this.#sockets.length;
  }

  /** What is plugged at an xHCI port. */
  #linkPortOf(port: Port): LinkPort | undefined {
    return this.#socket(this.#socketOf(port)).find((link) => this.portOf(link) === port);
  }
}

/** The socket of a port of the link; 0, which is none, between the two. */
function socketNumber(linkPort: number): number {
  return linkPort % COMPANION_PORT;
}
