/** The backend: links from virtual controllers on one side, devices in their ports on the other. */
import { Core } from "../asm/core.ts";
import { COMPANION_PORT, PORTS_MAX, SOCKETS_MAX, STATUS_CANCELLED, STATUS_NO_DEVICE } from "../asm/layout.ts";
import { Cables } from "./device/ethernet/cable.ts";
import { checkCableName } from "./device/ethernet/ethernet.ts";
import { ProgramStation } from "./device/ethernet/program-station.ts";
import { createDevice } from "./device/index.ts";
import { Shelf } from "./device/storage/shelf.ts";
import { Images } from "./images.ts";
import { Link, type LinkClient } from "./link.ts";
import { HUB_PORTS_MAX, placeName, TIER_BITS } from "./place.ts";
import { PlugError } from "./plug-error.ts";
import { Port } from "./port.ts";
import type {
  BackendControl,
  BackendNotice,
  BackendStats,
  ConfiguredDevice,
  DeviceInput,
  DeviceOutput,
  DeviceSource,
  MovedDevice,
  OpenedImage,
  PlugReport,
  PortAddress,
  RestoredDevice,
  SavedDevice,
} from "./protocol.ts";
import type { Request } from "./request.ts";
import { readSavedDevice } from "./saved-device.ts";
import { type DeviceOpener, Socket, type SocketHost } from "./socket.ts";
import { openWebUsbDevice, WebUsbEnvironment } from "./webusb.ts";

export interface BackendOptions {
  /** The USB to use instead of navigator.usb. */
  readonly usb?: USB;
  /** How software devices are made, instead of worker/device/. */
  readonly createDevice?: typeof createDevice;
}

export class Backend implements BackendControl {
  readonly #connections = new Map<number, Connection>();
  readonly #webUsb: WebUsbEnvironment;
  readonly #createDevice: typeof createDevice;
  readonly #cables = new Cables();
  readonly #shelf = new Shelf();
  readonly #images = new Images(this.#shelf);
  /** One move at a time. */
  #moves: Promise<unknown> = Promise.resolve();
  #left: ((notice: BackendNotice) => void) | undefined;
  #hasOutput: ((address: PortAddress) => void) | undefined;

  constructor(options: BackendOptions = {}) {
    this.#webUsb = new WebUsbEnvironment(options.usb);
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
    const open: DeviceOpener = (source, host, fastest) =>
      source.kind === "webusb"
        ? openWebUsbDevice(source, host, this.#webUsb)
        : this.#createDevice(source, host, fastest, this.#cables, this.#shelf);
    const connection = new Connection(core, generation, {
      open,
      left: ({ port, route }, reason) => {
        if (port === 0) this.#connections.delete(link);
        this.#left?.({ link, port, route, reason });
      },
      hasOutput: ({ port, route }) => this.#hasOutput?.({ link, port, route }),
    });
    this.#connections.set(link, connection);
    void connection.link.run();
  }

  async disconnect(link: number): Promise<void> {
    const connection = this.#connections.get(link);
    this.#connections.delete(link);
    await connection?.close();
  }

  async plug(link: number, port: number, source: DeviceSource, route = 0): Promise<PlugReport> {
    return this.#socket(link, port, route).plug(source);
  }

  async unplug(link: number, port: number, route = 0): Promise<void> {
    await this.#connections.get(link)?.socket(port, route)?.unplug();
  }

  async move(from: PortAddress, to: PortAddress): Promise<MovedDevice[]> {
    const source = this.#socket(from.link, from.port, from.route);
    const target = this.#socket(to.link, to.port, to.route);
    const moved = this.#moves.then(() => source.moveTo(target));
    this.#moves = moved.catch(() => undefined);
    return moved;
  }

  async input(link: number, port: number, message: DeviceInput, route = 0): Promise<void> {
    await this.#socket(link, port, route).input(message);
  }

  async output(link: number, port: number, route = 0): Promise<DeviceOutput | undefined> {
    return this.#socket(link, port, route).output();
  }

  async configured(link: number, port: number, route = 0): Promise<readonly ConfiguredDevice[]> {
    return this.#connections.get(link)?.socket(port, route)?.configured() ?? [];
  }

  async openImage(of: PortAddress | string): Promise<OpenedImage> {
    return this.#images.open(typeof of === "string" ? of : this.#socket(of.link, of.port, of.route));
  }

  async readImage(id: number): Promise<Uint8Array | undefined> {
    return this.#images.read(id);
  }

  async holdImage(id: number): Promise<void> {
    this.#images.hold(id);
  }

  async closeImage(id: number, saved: boolean, blob?: Blob): Promise<void> {
    this.#images.close(id, saved, blob);
  }

  async forgetImage(name: string): Promise<void> {
    this.#shelf.forget(name);
  }

  async save(link: number): Promise<SavedDevice[]> {
    return this.#connections.get(link)?.save() ?? [];
  }

  async resume(link: number): Promise<void> {
    this.#connections.get(link)?.link.resume();
  }

  async restore(link: number, devices: readonly unknown[]): Promise<RestoredDevice[]> {
    const saved = devices.map((device) => readSavedDevice(device));
    // What the guest of until now has asked for is done, and not taken for something that the restored one wants.
    this.pump(link);
    const sockets = saved.map((device) => this.#socket(link, device.port, 0));
    // First room is made everywhere: a disk's file may have gone to another port meanwhile.
    await Promise.all(saved.map((device, index) => sockets[index]?.makeRoom(device)));
    const restored = await Promise.all(saved.map((device, index) => sockets[index]?.restore(device) ?? []));
    return restored.flat();
  }

  async joinCable(name: string, port: MessagePort): Promise<void> {
    checkCableName(name);
    new ProgramStation(this.#cables.named(name), port);
  }

  async stats(): Promise<BackendStats> {
    const connections = [...this.#connections.values()];
    const sum = (count: (connection: Connection) => number) =>
      connections.reduce((total, connection) => total + count(connection), 0);
    return {
      links: connections.length,
      devices: sum((connection) => connection.devices),
      owned: sum((connection) => connection.link.owned),
      orphans: this.#webUsb.flights.orphans,
    };
  }

  async listen(left: (notice: BackendNotice) => void, hasOutput?: (address: PortAddress) => void): Promise<void> {
    this.#left = left;
    this.#hasOutput = hasOutput;
  }

  /** On the guest's own thread: answers now whatever can be answered at once. */
  pump(link: number): void {
    this.#connections.get(link)?.link.pump();
  }

  /** Unplugs everything. */
  async stop(): Promise<void> {
    await Promise.all([...this.#connections.keys()].map((link) => this.disconnect(link)));
    this.#shelf.clear();
  }

  #socket(link: number, port: number, route: number): Socket {
    const found = this.#connections.get(link)?.socket(port, route);
    if (found) return found;
    const name = placeName({ port, route });
    throw new PlugError("NotFoundError", `There is no port ${name} on virtual controller ${link}.`);
  }
}

/** One link: its ports, and the sockets that lead to them. */
class Connection implements LinkClient {
  readonly link: Link;
  /** Ports and sockets count from 1: number n is at index n - 1. */
  readonly #ports: readonly Port[];
  readonly #sockets: readonly Socket[];
  readonly #host: SocketHost;

  /** `host.left` hears of the whole link's end as port 0. */
  constructor(core: Core, generation: number, host: SocketHost) {
    this.link = new Link(core, generation, this);
    this.#host = host;
    this.#ports = Array.from({ length: PORTS_MAX }, (_, index) => {
      const port = index + 1;
      const owner = {
        forwards: true,
        event: (speed: number, plug: number) => this.link.event(port, plug, speed),
      };
      return new Port({ port, route: 0, tier: 0 }, owner, this.link);
    });
    this.#sockets = this.#ports.slice(0, SOCKETS_MAX).map(({ place }, index) => {
      const contact = (_: number, isCompanion: boolean) => this.#ports[index + (isCompanion ? COMPANION_PORT : 0)];
      return new Socket(place, contact, host);
    });
  }

  /** Of the controller, or, with a route string, of a hub behind it. */
  socket(port: number, route: number): Socket | undefined {
    let socket = this.#sockets[port - 1];
    for (let rest = route; rest !== 0; rest >>>= TIER_BITS) socket = socket?.downstream(rest & HUB_PORTS_MAX);
    return socket;
  }

  get devices(): number {
    return this.#sockets.reduce((sum, socket) => sum + socket.devices, 0);
  }

  /** The order matters: what the devices did is shown first, and then they are looked at. */
  save(): SavedDevice[] {
    this.link.hold();
    return this.#sockets.map((socket) => socket.save()).filter((saved) => saved !== undefined);
  }

  submit(request: Request): void {
    const port = this.#ports[request.port - 1];
    if (port) port.submit(request);
    else request.complete(STATUS_NO_DEVICE, 0);
  }

  cancel(request: Request): void {
    request.cancel(STATUS_CANCELLED);
  }

  violated(reason: number): void {
    void this.close();
    this.#host.left(
      { port: 0, route: 0, tier: 0 },
      `The virtual controller broke the rules of its link (violation ${reason}). Start the guest again.`,
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => socket.retire()));
    this.link.close();
  }
}
