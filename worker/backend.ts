/** The backend: links from virtual controllers on one side, devices in their ports on the other. */
import { Core } from "../asm/core.ts";
import { PORTS_MAX, STATUS_NO_DEVICE } from "../asm/layout.ts";
import { createDevice } from "./device/index.ts";
import { Link, type LinkClient } from "./link.ts";
import { PlugError } from "./plug-error.ts";
import { type DeviceOpener, Port } from "./port.ts";
import type {
  BackendControl,
  BackendNotice,
  BackendStats,
  DeviceInput,
  DeviceOutput,
  DeviceSource,
  PlugReport,
} from "./protocol.ts";
import type { Request } from "./request.ts";
import { openWebUsbDevice, type WebUsbEnvironment } from "./webusb.ts";

export interface BackendOptions {
  /** The USB to use instead of navigator.usb. */
  readonly usb?: USB;
  /** How software devices are made, instead of worker/device/. */
  readonly createDevice?: DeviceOpener;
}

export class Backend implements BackendControl {
  readonly #connections = new Map<number, Connection>();
  readonly #webUsb: WebUsbEnvironment;
  readonly #createDevice: DeviceOpener;
  #listener: ((notice: BackendNotice) => void) | undefined;

  constructor(options: BackendOptions = {}) {
    this.#webUsb = { usb: options.usb, orphans: { open: 0 } };
    this.#createDevice = options.createDevice ?? createDevice;
  }

  async connect(
    link: number,
    memory: WebAssembly.Memory,
    generation: number,
    module: WebAssembly.Module,
  ): Promise<void> {
    await this.disconnect(link);
    const core = await Core.instantiate(module, memory);
    const open: DeviceOpener = (source, host) =>
      source.kind === "webusb" ? openWebUsbDevice(source, host, this.#webUsb) : this.#createDevice(source, host);
    const connection = new Connection(core, generation, open, (port, reason) => {
      if (port === 0) this.#connections.delete(link);
      this.#listener?.({ link, port, reason });
    });
    this.#connections.set(link, connection);
    void connection.link.run();
  }

  async disconnect(link: number): Promise<void> {
    const connection = this.#connections.get(link);
    this.#connections.delete(link);
    await connection?.close();
  }

  async plug(link: number, port: number, source: DeviceSource): Promise<PlugReport> {
    return this.#port(link, port).plug(source);
  }

  async unplug(link: number, port: number): Promise<void> {
    await this.#port(link, port).unplug();
  }

  async input(link: number, port: number, message: DeviceInput): Promise<void> {
    this.#port(link, port).input(message);
  }

  async output(link: number, port: number): Promise<DeviceOutput | undefined> {
    return this.#port(link, port).output();
  }

  async stats(): Promise<BackendStats> {
    const connections = [...this.#connections.values()];
    const sum = (count: (connection: Connection) => number) =>
      connections.reduce((total, connection) => total + count(connection), 0);
    return {
      links: connections.length,
      devices: sum((connection) => connection.devices),
      owned: sum((connection) => connection.link.owned),
      orphans: this.#webUsb.orphans.open,
    };
  }

  async listen(listener: (notice: BackendNotice) => void): Promise<void> {
    this.#listener = listener;
  }

  /** On the guest's own thread: answers now whatever can be answered at once. */
  pump(link: number): void {
    this.#connections.get(link)?.link.pump();
  }

  /** Unplugs everything. */
  async stop(): Promise<void> {
    await Promise.all([...this.#connections.keys()].map((link) => this.disconnect(link)));
  }

  #port(link: number, port: number): Port {
    const found = this.#connections.get(link)?.ports[port - 1];
    if (!found) throw new PlugError("NotFoundError", `There is no port ${port} on virtual controller ${link}.`);
    return found;
  }
}

/** One link and its ports. */
class Connection implements LinkClient {
  readonly link: Link;
  /** Ports count from 1: port n is at index n - 1. */
  readonly ports: readonly Port[];
  readonly #notify: (port: number, reason: string) => void;

  /** `notify` hears of a device that leaves by itself, and of the whole link's end as port 0. */
  constructor(core: Core, generation: number, open: DeviceOpener, notify: (port: number, reason: string) => void) {
    this.link = new Link(core, generation, this);
    this.#notify = notify;
    this.ports = Array.from(
      { length: PORTS_MAX },
      (_, index) => new Port(index + 1, this.link, open, (reason) => notify(index + 1, reason)),
    );
  }

  get devices(): number {
    return this.ports.filter((port) => port.occupied).length;
  }

  submit(request: Request): void {
    const port = this.ports[request.port - 1];
    if (port) port.submit(request);
    else request.complete(STATUS_NO_DEVICE, 0);
  }

  cancel(request: Request): void {
    this.ports[request.port - 1]?.cancel(request);
  }

  violated(reason: number): void {
    void this.close();
    this.#notify(0, `The virtual controller broke the rules of its link (violation ${reason}). Start the guest again.`);
  }

  async close(): Promise<void> {
    await Promise.all(this.ports.map((port) => port.retire()));
    this.link.close();
  }
}
