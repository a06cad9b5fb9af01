/**
 * The root hub: `sockets` that a person sees, each a USB2 port and a USB3 port of the xHC. USB2 ports come first:
 * socket s is port s and port sockets + s. Plug events of the link arrive here; port resets leave from here.
 */
import { OPERATION_PORT_RESET, SPEED_NONE, SPEED_SUPER, STATUS_OK, TYPE_CONTROL } from "../../asm/layout.ts";
import type { PortCounters, RootHubPort } from "../controller.ts";
import type { Link, Urb } from "../link.ts";
import type { Plug } from "./endpoint.ts";
import { Port, type PortHost } from "./port.ts";

/** What is in a socket: one plug of the link's port. */
class Socket implements RootHubPort {
  readonly #hub: RootHub;
  readonly #number: number;
  speed = SPEED_NONE;
  plug = 0;
  address = 0;
  counters: PortCounters = noTraffic();

  constructor(hub: RootHub, number: number) {
    this.#hub = hub;
    this.#number = number;
  }

  get enabled(): boolean {
    return this.#hub.portsOf(this.#number).some((port) => port.enabled);
  }
}

function noTraffic(): PortCounters {
  return { bytesIn: 0, bytesOut: 0, transfers: 0, errors: 0, inFlight: 0 };
}

export interface RootHubHost {
  /** For a Port Status Change Event. */
  portChanged(portId: number): void;
  /** For the person. */
  socketChanged(socket: number): void;
  /** The device of a socket is gone: what the guest addressed there has no device any more. */
  link: Link;
}

export class RootHub implements PortHost {
  readonly ports: readonly Port[];
  readonly #sockets: readonly Socket[];
  readonly #host: RootHubHost;

  constructor(sockets: number, host: RootHubHost) {
    this.#host = host;
    this.#sockets = Array.from({ length: sockets }, (_, index) => new Socket(this, index + 1));
    this.ports = Array.from(
      { length: 2 * sockets },
      (_, index) => new Port(index + 1, index < sockets ? "usb2" : "usb3", this),
    );
  }

  socket(number: number): RootHubPort {
    return this.#socket(number);
  }

  /** Both ports of a socket. */
  portsOf(number: number): readonly Port[] {
    return [this.ports[number - 1], this.ports[this.#sockets.length + number - 1]].filter((port) => port !== undefined);
  }

  /** What is plugged behind an xHCI port, if that port is connected and enabled. */
  plugAt(portId: number): Plug | undefined {
    const port = this.ports[portId - 1];
    if (!port?.enabled) return undefined;
    const number = this.#socketOf(port);
    const socket = this.#socket(number);
    return { port: number, plug: socket.plug, counters: socket.counters };
  }

  /** The guest has given the device behind a port an address, or (0) taken it away. */
  setAddress(plug: Plug, address: number): void {
    const socket = this.#socket(plug.port);
    if (socket.plug !== plug.plug || socket.address === address) return;
    socket.address = address;
    this.#host.socketChanged(plug.port);
  }

  /** A plug or unplug, from the link. */
  portEvent(number: number, plug: number, speed: number): void {
    const socket = this.#sockets[number - 1];
    if (!socket) return;
    if (socket.speed !== SPEED_NONE) {
      const port = this.#portFor(number, socket.speed);
      this.#empty(socket);
      port?.unplug();
    }
    if (speed !== SPEED_NONE) {
      socket.plug = plug;
      socket.speed = speed;
      socket.counters = noTraffic();
      this.#portFor(number, speed)?.plug(speed);
    }
    this.#host.socketChanged(number);
  }

  /** Remote wake-up, from the link: for a port that sleeps (xHCI 1.2 §4.15.2.3). */
  portWake(number: number, plug: number): void {
    const socket = this.#sockets[number - 1];
    if (socket?.plug === plug && socket.speed !== SPEED_NONE) this.#portFor(number, socket.speed)?.wake();
  }

  /** Every device is gone: the backend is. */
  clear(): void {
    this.#sockets.forEach((_, index) => {
      this.portEvent(index + 1, 0, SPEED_NONE);
    });
  }

  /** After a reset of the controller. */
  restart(): void {
    for (const socket of this.#sockets) socket.address = 0;
    for (const port of this.ports) port.restart();
  }

  /** After a saved state was restored. */
  reconnect(): void {
    for (const socket of this.#sockets) socket.address = 0;
    for (const port of this.ports) port.reconnect();
  }

  portChanged(port: Port): void {
    this.#host.portChanged(port.id);
  }

  portTouched(port: Port): void {
    this.#host.socketChanged(this.#socketOf(port));
  }

  resetDevice(port: Port): void {
    const { link } = this.#host;
    const number = this.#socketOf(port);
    const reset = port.resets;
    const urb = link.reserve(0);
    if (!urb) {
      port.resetDone(reset, false);
      return;
    }
    const { exports } = link.core;
    exports.address(urb.slot, number, this.#socket(number).plug, 0);
    exports.describe(urb.slot, OPERATION_PORT_RESET, TYPE_CONTROL, 0);
    link.submit(urb, {
      urbCompleted: (answered: Urb) => {
        link.release(answered);
        port.resetDone(reset, answered.status === STATUS_OK);
      },
    });
  }

  #empty(socket: Socket): void {
    socket.speed = SPEED_NONE;
    socket.address = 0;
  }

  #socket(number: number): Socket {
    const socket = this.#sockets[number - 1];
    if (!socket) throw new RangeError(`There is no socket ${number}.`);
    return socket;
  }

  #socketOf(port: Port): number {
    return port.protocol === "usb2" ? port.id : port.id - this.#sockets.length;
  }

  #portFor(number: number, speed: number): Port | undefined {
    return this.portsOf(number)[speed === SPEED_SUPER ? 1 : 0];
  }
}
