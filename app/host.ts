/** What users of the package hold first: a host with one backend, to which guests are attached. */
import { Core, type CoreSource, compileCore, createMemory } from "../asm/core.ts";
import type { BackendStats, DeviceSource, RestoredDevice } from "../worker/protocol.ts";
import { CableEnd } from "./cable-end.ts";
import { DriveImage } from "./drive-image.ts";
import type { Machine } from "./guest/machine.ts";
import { type V86Like, v86Machine, whenLoaded } from "./guest/v86.ts";
import { hasNetworkBackend } from "./guest/v86-internals.ts";
import { joinV86Network, NoNetworkError } from "./guest/v86-network.ts";
import { Guests } from "./guests.ts";
import { Link } from "./link.ts";
import type { Notice } from "./notice.ts";
import { parsePlace } from "./place.ts";
import { Revival } from "./revival.ts";
import { HostRules } from "./rules/host-rules.ts";
import type { Rules } from "./rules/rules.ts";
import { SavedDevices } from "./saved-devices.ts";
import {
  type BackendWorker,
  handOver,
  listener,
  type RunningBackend,
  startInside,
  startInWorker,
  type WorkerMaker,
} from "./start-backend.ts";
import { Capture } from "./trace/capture.ts";
import { UsbController } from "./usb-controller.ts";
import type { UsbPort } from "./usb-port.ts";
import { XhciController } from "./xhci/xhci.ts";

export interface UsbHostOptions {
  /** Where the backend runs: in a worker (default), or on this thread, where a software device answers at once. */
  readonly placement?: "worker" | "thread";
  /**
   * A worker that runs `pvusb/worker`, for bundlers that do not find it by themselves; better a function that makes one, so that
   * another can take the place of one that died.
   */
  readonly worker?: BackendWorker | WorkerMaker;
  /** Where the core's code is, for bundlers that do not find it by themselves: an address, bytes, a compiled module. */
  readonly core?: CoreSource;
  /**
   * The USB to use instead of navigator.usb, or in Node of the package usb, which a backend finds by itself. Only with
   * placement "thread": it cannot be sent to a worker.
   */
  readonly usb?: USB;
}

export interface AttachOptions {
  readonly controller?: "xhci";
  /** Ports, 1 to 15. Default 8. Each takes a device of any speed. */
  readonly ports?: number;
  /** What to call the machine in hotplug rules, instead of its number. No colon in it, and more than digits. */
  readonly guest?: string;
  /** False: hotplug rules leave its ports alone until controller.followRules(), for a guest that is to start without devices. */
  readonly followsRules?: boolean;
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
  const host = new UsbHost(module, backend, options.usb);
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

export class UsbHost {
  readonly #module: WebAssembly.Module;
  readonly #backend: RunningBackend;
  readonly #controllers = new Map<number, UsbController>();
  readonly #guests = new Guests();
  readonly #captures = new Set<Capture>();
  readonly #cableEnds = new Set<CableEnd>();
  readonly #revival: Revival;
  readonly #rules: HostRules;
  #lastId = 0;
  /** Called when a device leaves by itself, or comes back from a saved state as another than it was. */
  onNotice: ((notice: Notice) => void) | undefined;

  /** Use createUsbHost(). */
  constructor(module: WebAssembly.Module, backend: RunningBackend, usb?: USB) {
    this.#module = module;
    this.#backend = backend;
    const host = this;
    this.#rules = new HostRules(
      {
        get controllers() {
          return host.controllers;
        },
        get isReviving() {
          return host.#revival.running;
        },
        port: (place) => this.port(place),
        tell: (port, reason) => this.#tell(port, reason),
      },
      usb,
    );
    this.#revival = new Revival(backend, {
      controllers: () => this.controllers,
      prepare: () => this.#prepare(),
      notice: (notice) => this.onNotice?.(notice),
      revived: () => void this.#rules.apply(),
    });
  }

  /** Has a backend that has just begun know all that it must, but for the devices. */
  async #prepare(): Promise<void> {
    await this.listen();
    for (const end of this.#cableEnds) await this.#join(end);
    for (const controller of this.controllers) await controller.backendBorn(this.#module);
  }

  /** The image of an unplugged drive whose source had this name as `keep`, as it is now, to be read. */
  keptImage(name: string): Promise<DriveImage> {
    return DriveImage.open(this.#backend.control, name);
  }

  /** Lets go of what is kept of a drive; of one that is plugged in, at its unplug. */
  async forgetImage(name: string): Promise<void> {
    await this.#backend.control.forgetImage(name);
  }

  async listen(): Promise<void> {
    await this.#backend.control.listen(
      listener(({ link, port, route, reason }) => {
        const controller = this.#controllers.get(link);
        if (!controller) return;
        const path = controller.backendLost(port, route);
        this.onNotice?.({ controller, port, path, reason });
      }),
      listener(({ link, port, route }) => this.#controllers.get(link)?.portAt(port, route)?.onOutput?.()),
    );
  }

  /** Which device goes to which port: `host.rules.set("1d50:6018", "1:0:3")`. Granted devices go there by themselves. */
  get rules(): Rules {
    return this.#rules.rules;
  }

  /**
   * A software device is there to be plugged by a rule for this name, `name:1:0:3`, until the function that it answers is
   * called; that leaves it plugged. Throws a RangeError for a name that is taken.
   */
  offer(name: string, source: DeviceSource): () => void {
    return this.#rules.offer(name, source);
  }

  get controllers(): readonly UsbController[] {
    return [...this.#controllers.values()];
  }

  /** The port at a place: "1:0:3" is port 3 of the first controller of guest 1. Undefined if there is no such port now. */
  port(place: string): UsbPort | undefined {
    const { guest, controller, path } = parsePlace(place) ?? {};
    const found = this.controllers.find(
      (each) => (each.guest.name === guest || String(each.guest.number) === guest) && each.number === controller,
    );
    return path === undefined ? undefined : found?.find(path);
  }

  /**
   * Adds a virtual host controller to a machine that does not run yet: a V86 instance made with `autostart: false` (it
   * waits until that is loaded), or another emulator's Machine. Then run it. Each machine is a guest of its own; all share
   * the backend. Rejects with a RangeError for a guest's name that cannot be had.
   */
  async attach(emulator: V86Like | Machine, options: AttachOptions = {}): Promise<UsbController> {
    const { guest, controller: number } = this.#guests.add(emulator, options.guest);
    const id = ++this.#lastId;
    const closed = () => {
      this.#controllers.delete(id);
      this.#guests.remove(guest, number);
    };
    try {
      if (!("attach" in emulator)) await whenLoaded(emulator);
      const hardware = new XhciController({ ports: options.ports ?? 8 });
      const link = new Link(await Core.instantiate(this.#module, createMemory()), 1);
      const controller = new UsbController({
        id,
        guest,
        number,
        hardware,
        backend: this.#backend,
        link,
        rules: this.#rules,
        joinNetwork: (cable) => this.#joinNetwork(emulator, cable),
        closed,
      });
      const saved = new SavedDevices(hardware, link, id, this.#backend.control, (devices) => {
        for (const device of devices) this.#restored(controller, device);
      });
      const machine = "attach" in emulator ? emulator : v86Machine(emulator);
      hardware.start(machine.attach(saved.pci), link);
      this.#controllers.set(id, controller);
      link.onViolation = () => this.#revival.linkLost(controller);
      for (const capture of this.#captures) capture.add(controller);
      await controller.connect(this.#module);
      if (options.followsRules ?? true) void controller.followRules();
      return controller;
    } catch (error) {
      closed();
      throw error;
    }
  }

  #restored(controller: UsbController, device: RestoredDevice): void {
    const { port, note } = device;
    const path = controller.backendRestored(device);
    if (note !== undefined) this.onNotice?.({ controller, port, path, reason: note });
  }

  #tell(port: UsbPort, reason: string): void {
    const { controller, path } = port;
    this.onNotice?.({ controller, port: Number.parseInt(path, 10), path, reason });
  }

  /** A software device, to be plugged: `host.device("flash-drive", { image: { blob: file } })`. */
  device<K extends Exclude<DeviceSource["kind"], "webusb">>(
    kind: K,
    options?: Omit<Extract<DeviceSource, { kind: K }>, "kind">,
  ): DeviceSource {
    return { kind, ...options } as DeviceSource;
  }

  /**
   * Joins this program to a cable, as another station beside the Ethernet adapters that name it: "lan" unless they name
   * another. Rejects with a sentence for a name that cannot be had.
   */
  async cable(name = "lan"): Promise<CableEnd> {
    const end = new CableEnd(name, (left) => this.#cableEnds.delete(left));
    this.#cableEnds.add(end);
    try {
      await this.#join(end);
    } catch (error) {
      end.close();
      throw error;
    }
    return end;
  }

  async #joinNetwork(emulator: V86Like | Machine, cable: string): Promise<() => void> {
    if ("attach" in emulator || !hasNetworkBackend(emulator)) throw new NoNetworkError();
    const end = await this.cable(cable);
    const leave = joinV86Network(emulator, end);
    return () => {
      leave();
      end.close();
    };
  }

  #join(end: CableEnd): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    end.connect(port1);
    return this.#backend.control.joinCable(end.name, handOver(port2, [port2]));
  }

  /**
   * Captures what all controllers carry, until the function that it answers is called: `write` gets the bytes of a pcapng
   * file that Wireshark reads, piece by piece. It must not throw, and the guest waits until it returns.
   */
  capture(write: (bytes: Uint8Array<ArrayBuffer>) => void): () => void {
    const capture = new Capture(write);
    for (const controller of this.controllers) capture.add(controller);
    this.#captures.add(capture);
    return () => {
      this.#captures.delete(capture);
      capture.stop();
    };
  }

  /** Counts of the backend, for tests and for the curious. */
  stats(): Promise<BackendStats> {
    return this.#backend.control.stats();
  }

  /** Unplugs everything and stops the backend. The guest sees its ports empty. */
  async close(): Promise<void> {
    this.#rules.close();
    for (const end of this.#cableEnds) end.close();
    for (const controller of this.controllers) await controller.close();
    await this.#backend.stop();
  }
}
