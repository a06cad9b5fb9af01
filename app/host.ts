/** What users of the package hold: a host with one backend, its virtual controllers, and their ports. */
import { Core, type CoreSource, compileCore, createMemory } from "../asm/core.ts";
import { SPEED_NONE } from "../asm/layout.ts";
import type {
  BackendStats,
  DeviceInput,
  DeviceOutput,
  DeviceSource,
  PlugReport,
  WebUsbSource,
} from "../worker/protocol.ts";
import type { HostController, RootHubPort } from "./controller.ts";
import type { Machine } from "./guest/machine.ts";
import { type V86Like, v86Machine, whenLoaded } from "./guest/v86.ts";
import { Link } from "./link.ts";
import { SavedDevices } from "./saved-devices.ts";
import { type BackendWorker, listener, type RunningBackend, startInside, startInWorker } from "./start-backend.ts";
import { Capture } from "./trace/capture.ts";
import type { TraceListeners } from "./trace/trace.ts";
import { traceUrbs } from "./trace/urb-trace.ts";
import { webUsbSource } from "./webusb-source.ts";
import { XhciController } from "./xhci/xhci.ts";

export interface UsbHostOptions {
  /** Where the backend runs: in a worker (default), or on this thread, where a software device answers at once. */
  readonly placement?: "worker" | "thread";
  /** A worker that runs `pvusb/worker`, for bundlers that do not find it by themselves. */
  readonly worker?: BackendWorker;
  /** Where the core's code is, for bundlers that do not find it by themselves: an address, bytes, a compiled module. */
  readonly core?: CoreSource;
  /** The USB to use instead of navigator.usb. Only with placement "thread": it cannot be sent to a worker. */
  readonly usb?: USB;
}

export interface AttachOptions {
  readonly controller?: "xhci";
  /** Ports, 1 to 15. Default 8. Each takes a device of any speed. */
  readonly ports?: number;
}

/**
 * Something a person should know about a port: a device that left by itself, or that a restored state could not bring back
 * as it was. `port` 0 is the whole controller.
 */
export interface Notice {
  readonly controller: UsbController;
  readonly port: number;
  /** "1", or "1.2" for port 2 of the hub in port 1. */
  readonly path: string;
  readonly reason: string;
}

/** Starts a backend. Rejects with a sentence that says what is missing. */
export async function createUsbHost(options: UsbHostOptions = {}): Promise<UsbHost> {
  if (typeof SharedArrayBuffer === "undefined") {
    throw new NotIsolatedError();
  }
  if (options.usb && options.placement !== "thread") {
    throw new TypeError('The option usb needs placement: "thread", because a USB object cannot be sent to a worker.');
  }
  const module = await compileCore(options.core);
  const backend = options.placement === "thread" ? startInside(options.usb) : await startInWorker(options.worker);
  const host = new UsbHost(module, backend);
  await host.listen();
  return host;
}

/** The page may not share memory with its worker. */
export class NotIsolatedError extends Error {
  constructor() {
    super(
      "This page is not cross-origin isolated, so it cannot share memory with its USB worker. Serve it with the headers " +
        "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.",
    );
    this.name = "NotIsolatedError";
  }
}

const BACKEND_LOST = "The part of pvusb that drives the devices does not answer any more. Start the guest again.";

export class UsbHost {
  readonly #module: WebAssembly.Module;
  readonly #backend: RunningBackend;
  readonly #controllers: UsbController[] = [];
  readonly #captures = new Set<Capture>();
  /** Called when a device leaves by itself, or comes back from a saved state as another than it was. */
  onNotice: ((notice: Notice) => void) | undefined;

  /** Use createUsbHost(). */
  constructor(module: WebAssembly.Module, backend: RunningBackend) {
    this.#module = module;
    this.#backend = backend;
  }

  async listen(): Promise<void> {
    await this.#backend.control.listen(
      listener(({ link, port, route, reason }) => {
        const controller = this.#controllers[link - 1];
        if (!controller) return;
        const path = controller.backendLost(port, route);
        this.onNotice?.({ controller, port, path, reason });
      }),
    );
  }

  get controllers(): readonly UsbController[] {
    return this.#controllers;
  }

  /**
   * Adds a virtual host controller to a machine that does not run yet: a V86 instance made with `autostart: false` (it
   * waits until that is loaded), or another emulator's Machine. Then run it.
   */
  async attach(emulator: V86Like | Machine, options: AttachOptions = {}): Promise<UsbController> {
    const hardware = new XhciController({ ports: options.ports ?? 8 });
    if (!("attach" in emulator)) await whenLoaded(emulator);
    const link = new Link(await Core.instantiate(this.#module, createMemory()), 1);
    const id = this.#controllers.length + 1;
    const machine = "attach" in emulator ? emulator : v86Machine(emulator);
    const saved = new SavedDevices(hardware, link, id, this.#backend.control, (devices) => {
      for (const { port, route, report, note } of devices) {
        const path = controller.backendRestored(port, route, report);
        if (note !== undefined) this.onNotice?.({ controller, port, path, reason: note });
      }
    });
    hardware.start(machine.attach(saved.pci), link);
    const controller = new UsbController(id, hardware, this.#backend, link);
    this.#controllers.push(controller);
    link.onViolation = () => {
      const path = controller.backendLost(0, 0);
      this.onNotice?.({ controller, port: 0, path, reason: BACKEND_LOST });
    };
    for (const capture of this.#captures) capture.add(controller);
    await this.#backend.control.connect(id, link.core.memory, 1, this.#module);
    const { pump } = this.#backend;
    if (pump) link.runInside(() => pump(id));
    void link.run();
    return controller;
  }

  /** A software device, to be plugged: `host.device("flash-drive", { image: { blob: file } })`. */
  device<K extends Exclude<DeviceSource["kind"], "webusb">>(
    kind: K,
    options?: Omit<Extract<DeviceSource, { kind: K }>, "kind">,
  ): DeviceSource {
    return { kind, ...options } as DeviceSource;
  }

  /**
   * Captures what all controllers carry, until the function that it answers is called: `write` gets the bytes of a pcapng
   * file that Wireshark reads, piece by piece. It must not throw, and the guest waits until it returns.
   */
  capture(write: (bytes: Uint8Array<ArrayBuffer>) => void): () => void {
    const capture = new Capture(write);
    for (const controller of this.#controllers) capture.add(controller);
    this.#captures.add(capture);
    return () => {
      this.#captures.delete(capture);
      capture.stop();
    };
  }

  /** Counts of the backend, for tests and for the curious. */
  stats(): Promise<BackendStats> {
    return this.#backend.control.stats() as Promise<BackendStats>;
  }

  /** Unplugs everything and stops the backend. The guest sees its ports empty. */
  async close(): Promise<void> {
    for (const controller of this.#controllers) await controller.close();
    await this.#backend.stop();
  }
}

export class UsbController {
  readonly #hardware: HostController;
  readonly #backend: RunningBackend;
  readonly #link: Link;
  /** Counts from 1. */
  readonly id: number;
  readonly ports: readonly UsbPort[];
  /** Called after any change of a port, by the guest or by a plug. */
  onChange: ((port: UsbPort) => void) | undefined;

  constructor(id: number, hardware: HostController, backend: RunningBackend, link: Link) {
    this.id = id;
    this.#hardware = hardware;
    this.#backend = backend;
    this.#link = link;
    const changed = (port: UsbPort) => this.onChange?.(port);
    this.ports = Array.from(
      { length: hardware.portCount },
      (_, index) => new UsbPort({ link: id, hardware, backend, changed }, [index + 1]),
    );
    hardware.onPortChange = (number) => this.onChange?.(this.port(number));
  }

  /** Ports count from 1. */
  port(number: number): UsbPort {
    const port = this.ports[number - 1];
    if (!port) throw new RangeError(`There is no port ${number}; this controller has ports 1 to ${this.ports.length}.`);
    return port;
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
    const { urbs } = listeners;
    const stops = [this.#hardware.trace(listeners)];
    if (urbs)
      stops.push(traceUrbs(this.#link, (linkPort, route, plug) => this.#hardware.device(linkPort, route, plug), urbs));
    return () => {
      for (const stop of stops.splice(0)) stop();
    };
  }

  /** The backend dropped a device (or, port 0, the whole link). Answers the port's path. */
  backendLost(port: number, route: number): string {
    for (const each of this.ports) if (port === 0) each.lost();
    const lost = this.#portAt(port, route);
    lost?.lost();
    return lost?.path ?? String(port);
  }

  /** A state was restored, and this is in a port now. Answers the port's path. */
  backendRestored(port: number, route: number, report: PlugReport | undefined): string {
    const restored = this.#portAt(port, route);
    restored?.restored(report);
    return restored?.path ?? String(port);
  }

  #portAt(port: number, route: number): UsbPort | undefined {
    let found = this.ports[port - 1];
    for (let rest = route; rest !== 0; rest >>>= ROUTE_BITS) found = found?.ports[(rest & ROUTE_PORT) - 1];
    return found;
  }

  async close(): Promise<void> {
    this.#hardware.onPortChange = undefined;
    for (const port of this.ports) if (port.plugged) await port.unplug();
    await this.#backend.control.disconnect(this.id);
    this.#link.close();
  }
}

/** A route string has four bits for each hub (USB 3.2 §8.9). */
const ROUTE_BITS = 4;
const ROUTE_PORT = 0xf;

/** What all ports of a controller have in common. */
interface PortContext {
  readonly link: number;
  readonly hardware: HostController;
  readonly backend: RunningBackend;
  readonly changed: (port: UsbPort) => void;
}

/** A port of the controller, or of a hub that is plugged into one. */
export class UsbPort {
  /** Counts from 1: of the controller, or of the hub. */
  readonly number: number;
  /** "1", or "1.2" for port 2 of the hub in port 1. */
  readonly path: string;
  readonly #context: PortContext;
  readonly #hops: readonly number[];
  /** The port of the controller, and the hubs behind it as a route string. */
  readonly #root: number;
  readonly #route: number;
  #report: PlugReport | undefined;
  #ports: readonly UsbPort[] = [];
  #busy = false;

  constructor(context: PortContext, hops: readonly number[]) {
    const [root = 0, ...behind] = hops;
    this.#context = context;
    this.#hops = hops;
    this.#root = root;
    this.#route = behind.reduceRight((route, port) => (route << ROUTE_BITS) | port, 0);
    this.number = hops.at(-1) ?? 0;
    this.path = hops.join(".");
  }

  /** How the guest has the port: speed, enabled, address, counters. */
  get status(): RootHubPort {
    const status = this.#context.hardware.port(this.#root, this.#route);
    if (this.#route === 0) return status;
    const { enabled, asleep, address, counters } = status;
    return { speed: this.#report?.speed ?? SPEED_NONE, enabled, asleep, address, counters };
  }

  /** The ports of the hub that is plugged in here; none if that is no hub. */
  get ports(): readonly UsbPort[] {
    return this.#ports;
  }

  /** A port of the hub that is plugged in here; they count from 1. */
  port(number: number): UsbPort {
    const port = this.#ports[number - 1];
    if (!port) throw new RangeError(`There is no port ${this.path}.${number}; port ${this.path} has no such hub.`);
    return port;
  }

  /** What is plugged, or undefined. */
  get plugged(): PlugReport | undefined {
    return this.#report;
  }

  /** A plug or unplug is under way. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Plugs a granted WebUSB device or a software device. Rejects with a sentence that says what to do. */
  async plug(device: USBDevice | DeviceSource): Promise<PlugReport> {
    const source = "kind" in device ? await sendable(device) : await webUsbSource(device);
    return this.#during(async () => {
      const report = await this.#context.backend.control.plug(this.#context.link, this.#root, source, this.#route);
      this.#occupied(report);
      return report;
    });
  }

  /** Pulls the device out, whatever it is doing, and with a hub all that is plugged into it. An empty port is no error. */
  async unplug(): Promise<void> {
    await this.#during(async () => {
      await this.#context.backend.control.unplug(this.#context.link, this.#root, this.#route);
      this.#empty();
    });
  }

  /** A key press and the like, to a software device. */
  async input(message: DeviceInput): Promise<void> {
    await this.#context.backend.control.input(this.#context.link, this.#root, message, this.#route);
  }

  /** What a software device has for a person since it was asked last: a speaker's sound. Undefined for the others. */
  async output(): Promise<DeviceOutput | undefined> {
    return this.#context.backend.control.output(this.#context.link, this.#root, this.#route);
  }

  /** The device left by itself. */
  lost(): void {
    this.#empty();
    this.#context.changed(this);
  }

  /** A state of the machine was restored, and this is what is plugged now. */
  restored(report: PlugReport | undefined): void {
    this.#empty();
    if (report) this.#occupied(report);
    this.#context.changed(this);
  }

  #occupied(report: PlugReport): void {
    this.#report = report;
    this.#ports = Array.from({ length: report.ports }, (_, index) => {
      return new UsbPort(this.#context, [...this.#hops, index + 1]);
    });
  }

  #empty(): void {
    for (const port of this.#ports) port.#empty();
    this.#report = undefined;
    this.#ports = [];
  }

  async #during<T>(work: () => Promise<T>): Promise<T> {
    this.#busy = true;
    this.#context.changed(this);
    try {
      return await work();
    } finally {
      this.#busy = false;
      this.#context.changed(this);
    }
  }
}

/** A File that only looks like one, such as @web-std/file's in Node, cannot be sent to a worker: its bytes can. */
async function sendable(source: DeviceSource): Promise<DeviceSource> {
  if (!("image" in source) || !("blob" in source.image)) return source;
  const blob: Pick<Blob, "arrayBuffer"> = source.image.blob;
  return blob instanceof Blob ? source : { ...source, image: { blob: new Blob([await blob.arrayBuffer()]) } };
}

export type { WebUsbSource };
