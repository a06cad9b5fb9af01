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
import { type Connection, Port, type PortHost } from "./port.ts";
import type { Protocol } from "./port-state.ts";
import { RoutedDevices } from "./routed-devices.ts";
import type { Plug } from "./transfer-ring.ts";

/** One port of the link: one plug of it. */
class LinkPort implements RootHubPort {
  readonly #hub: RootHub;
  /** Of the link. */
  readonly number: number;
  speed = SPEED_NONE;
  plug = 0;
  address = 0;
  counters: PortCounters = noTraffic();

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
    return this.#hub.portOf(this)?.connection?.asleep ?? false;
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
    const connection = port?.connection;
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

  /** After a saved state was restored. */
  reconnect(): void {
    this.#forgetAddresses();
    for (const port of this.ports) port.reconnect();
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
