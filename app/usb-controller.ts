/** A virtual host controller as users of the package hold it. */
import type { RestoredDevice } from "../worker/protocol.ts";
import type { HostController } from "./controller.ts";
import type { Device } from "./device-source.ts";
import type { Guest } from "./guests.ts";
import type { Link } from "./link.ts";
import type { RunningBackend } from "./start-backend.ts";
import { type StagesTrace, traceStages } from "./trace/stages.ts";
import type { TraceListeners } from "./trace/trace.ts";
import { traceUrbs } from "./trace/urb-trace.ts";
import { ROUTE_BITS, ROUTE_PORT, UsbPort } from "./usb-port.ts";
import { BackendLostError } from "./worker-backend.ts";

export interface ControllerParts {
  /** Of its link. */
  readonly id: number;
  readonly guest: Guest;
  /** Among its guest's controllers. */
  readonly number: number;
  readonly hardware: HostController;
  readonly backend: RunningBackend;
  readonly link: Link;
  readonly rules: RuledController;
  /** Has the machine's network join a cable. */
  readonly joinNetwork: (cable: string) => Promise<() => void>;
  /** Called once it is closed. */
  readonly closed: () => void;
}

/** What hotplug rules have to do with a controller. */
export interface RuledController {
  /** A port has another device, or none. */
  changed(): void;
  /** Of a device that was in a port: a person has unplugged it, or it left by itself. */
  unplugged(device: Device, by: "person" | "device"): void;
  /** Resolves when what is there and has a rule is plugged. */
  apply(): Promise<void>;
}

export class UsbController {
  readonly #hardware: HostController;
  readonly #backend: RunningBackend;
  readonly #link: Link;
  readonly #closed: () => void;
  readonly #rules: RuledController;
  readonly #joinNetwork: (cable: string) => Promise<() => void>;
  #follows = false;
  #closing = false;
  /** Of the link: it has another for each backend. */
  #generation = 1;
  /** Counts from 1 over all controllers that the host ever had. */
  readonly id: number;
  readonly guest: Guest;
  /** Counts from 0: the guest's first controller, its second. */
  readonly number: number;
  readonly ports: readonly UsbPort[];
  /** Called after any change of a port, by the guest or by a plug. */
  onChange: ((port: UsbPort) => void) | undefined;

  constructor({ id, guest, number, hardware, backend, link, rules, joinNetwork, closed }: ControllerParts) {
    this.id = id;
    this.guest = guest;
    this.number = number;
    this.#hardware = hardware;
    this.#backend = backend;
    this.#link = link;
    this.#rules = rules;
    this.#joinNetwork = joinNetwork;
    this.#closed = closed;
    const changed = (port: UsbPort) => {
      rules.changed();
      this.onChange?.(port);
    };
    const unplugged = (device: Device, by: "person" | "device") => {
      // What is pulled out of a machine that is given up may go into the next.
      if (!this.#closing) rules.unplugged(device, by);
    };
    this.ports = Array.from(
      { length: hardware.portCount },
      (_, index) => new UsbPort({ controller: this, hardware, backend, changed, unplugged }, [index + 1]),
    );
    hardware.onPortChange = (number) => this.onChange?.(this.port(number));
  }

  /** Ports count from 1. */
  port(number: number): UsbPort {
    const port = this.ports[number - 1];
    if (!port) throw new RangeError(`There is no port ${number}; this controller has ports 1 to ${this.ports.length}.`);
    return port;
  }

  /** The port with this path: "3", or "3.2" for port 2 of the hub in port 3. Undefined if there is none now. */
  find(path: string): UsbPort | undefined {
    let { ports } = this;
    let found: UsbPort | undefined;
    for (const hop of path.split(".")) {
      found = ports[Number(hop) - 1];
      ports = found?.ports ?? [];
    }
    return found;
  }

  /**
   * Has the network of its machine join a cable, so that an Ethernet adapter at it reaches what v86's network reaches, until the
   * function that it answers is called. Rejects with a sentence where there is none.
   */
  joinNetwork(cable: string): Promise<() => void> {
    return this.#joinNetwork(cable);
  }

  /** Hotplug rules plug into its ports. */
  get followsRules(): boolean {
    return this.#follows && !this.#closing;
  }

  /** From now on hotplug rules plug into its ports. Resolves when what is there and has a rule is plugged. */
  async followRules(): Promise<void> {
    this.#follows = true;
    await this.#rules.apply();
  }

  /** Transfers on their way to the backend, over all ports. */
  get inFlight(): number {
    return this.#link.inFlight;
  }

  /** What is free of the link: slots for transfers, and blocks of memory for long ones. At rest, always the same. */
  get free(): { readonly slots: number; readonly blocks: number } {
    const { exports } = this.#link.core;
    return { slots: exports.freeSlots(), blocks: exports.freeBlocks() };
  }

  /** Tells the listeners what happens, until the function that it answers is called. Costs nothing while nobody listens. */
  trace(listeners: TraceListeners): () => void {
    const { payload, urbs } = listeners;
    const stops = [this.#hardware.trace(listeners)];
    if (urbs) {
      const device = (linkPort: number, route: number, plug: number) => this.#hardware.device(linkPort, route, plug);
      stops.push(traceUrbs(this.#link, device, urbs, payload));
    }
    return () => {
      for (const stop of stops.splice(0)) stop();
    };
  }

  /** Tells of every transfer where its time went, until the function that it answers is called. */
  traceStages(listener: (trace: StagesTrace) => void): () => void {
    return traceStages(this.#link, (listeners) => this.#hardware.trace(listeners), listener);
  }

  /** The backend dropped a device (or, port 0, the whole link). Answers the port's path. */
  backendLost(port: number, route: number): string {
    for (const each of this.ports) if (port === 0) each.lost();
    const lost = this.portAt(port, route);
    lost?.lost();
    return lost?.path ?? String(port);
  }

  /** A state was restored, and this is in a port now. Answers the port's path. */
  backendRestored({ port, route, report, source }: RestoredDevice): string {
    const restored = this.portAt(port, route);
    restored?.restored(report, source);
    return restored?.path ?? String(port);
  }

  /** The backend is dead: the guest sees its ports empty. Answers what was plugged. */
  backendDied(): ReturnType<UsbPort["sources"]> {
    const plugged = this.ports.flatMap((port) => port.sources());
    this.#link.fail();
    this.backendLost(0, 0);
    return plugged;
  }

  /** Another backend takes the link up. */
  async backendBorn(module: WebAssembly.Module): Promise<void> {
    this.#link.reopen(++this.#generation);
    await this.connect(module);
  }

  /** Has the backend take up the link. */
  async connect(module: WebAssembly.Module): Promise<void> {
    const { control, pump } = this.#backend;
    await control.connect(this.id, this.#link.core.memory, this.#generation, module);
    if (pump) this.#link.runInside(() => pump(this.id));
    void this.#link.run();
  }

  /** Of the controller, or behind a hub by a route string. */
  portAt(port: number, route: number): UsbPort | undefined {
    let found = this.ports[port - 1];
    for (let rest = route; rest !== 0; rest >>>= ROUTE_BITS) found = found?.ports[(rest & ROUTE_PORT) - 1];
    return found;
  }

  /** Unplugs everything, and leaves the host: for a machine that is given up. The host's other controllers go on. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#hardware.onPortChange = undefined;
    try {
      for (const port of this.ports) if (port.plugged) await port.unplug();
      await this.#backend.control.disconnect(this.id);
    } catch (error) {
      if (!(error instanceof BackendLostError)) throw error; // dead, and so all is unplugged
    } finally {
      this.#link.close();
      this.#closed();
    }
  }
}
