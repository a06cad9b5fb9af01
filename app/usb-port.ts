/** A port that a person plugs into: of a virtual controller, or of a hub behind it. */
import { SPEED_NONE } from "../asm/layout.ts";
import type {
  ConfiguredDevice,
  DeviceInput,
  DeviceOutput,
  DeviceSource,
  PlugReport,
  PortAddress,
} from "../worker/protocol.ts";
import type { HostController, RootHubPort } from "./controller.ts";
import { type Device, originOf, sourceOf } from "./device-source.ts";
import { DriveImage } from "./drive-image.ts";
import { formatPlace } from "./place.ts";
import { handOver, type RunningBackend } from "./start-backend.ts";
import type { UsbController } from "./usb-controller.ts";

/** A route string has four bits for each hub (USB 3.2 §8.9). */
export const ROUTE_BITS = 4;
export const ROUTE_PORT = 0xf;

/** What all ports of a controller have in common. */
export interface PortContext {
  readonly controller: UsbController;
  readonly hardware: HostController;
  readonly backend: RunningBackend;
  readonly changed: (port: UsbPort) => void;
  /** Of a device that was in a port: a person has unplugged it, or it left by itself. */
  readonly unplugged: (device: Device, by: "person" | "device") => void;
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
  /** What the device was made from. */
  #source: DeviceSource | undefined;
  /** On its way in. */
  #coming: Device | undefined;
  #ports: readonly UsbPort[] = [];
  #busy = false;
  /** Called when the device has output. Forgotten when it leaves the port. */
  onOutput: (() => void) | undefined;

  constructor(context: PortContext, hops: readonly number[]) {
    const [root = 0, ...behind] = hops;
    this.#context = context;
    this.#hops = hops;
    this.#root = root;
    this.#route = behind.reduceRight((route, port) => (route << ROUTE_BITS) | port, 0);
    this.number = hops.at(-1) ?? 0;
    this.path = hops.join(".");
  }

  get controller(): UsbController {
    return this.#context.controller;
  }

  /** "1:0:3": guest, controller and port, as hotplug rules and host.port() have it. */
  get place(): string {
    const { guest, number } = this.#context.controller;
    return formatPlace({ guest: guest.name, controller: number, path: this.path });
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

  /** What was given to plug() of what is in the port, or on its way into it. After a restored state it may be a source like it. */
  get device(): Device | undefined {
    const device = this.#coming ?? this.#source;
    return device && originOf(device);
  }

  /** Plugs a granted WebUSB device or a software device. Rejects with a sentence that says what to do. */
  async plug(device: Device): Promise<PlugReport> {
    this.#coming = device;
    return this.#during(async () => {
      try {
        const source = await sourceOf(device);
        const report = await this.#context.backend.control.plug(this.#link, this.#root, source, this.#route);
        this.#occupied(report, source);
        return report;
      } finally {
        this.#coming = undefined;
      }
    });
  }

  /**
   * Pulls the device out, whatever it is doing, and with a hub all that is plugged into it. An empty port is no error. A hotplug
   * rule does not undo it.
   */
  async unplug(): Promise<void> {
    await this.#during(async () => {
      const { device } = this;
      await this.#context.backend.control.unplug(this.#link, this.#root, this.#route);
      this.#empty();
      if (device) this.#context.unplugged(device, "person");
    });
  }

  /**
   * Plugs the device into another port of the host instead, of any guest, as it is: a disk in memory keeps what is written to
   * it, and a hub what is plugged into it. To the guests it is an unplug and a plug. Rejects, and nothing has moved, when the
   * other port cannot have it.
   */
  async moveTo(target: UsbPort): Promise<void> {
    await this.#during(() =>
      target.#during(async () => {
        const sources = new Map(this.sources().map(({ path, source }) => [path.slice(this.path.length), source]));
        const moved = await this.#context.backend.control.move(this.#address, target.#address);
        this.#empty();
        const { controller } = target.#context;
        for (const { port, route, report } of moved) {
          const place = controller.portAt(port, route);
          place?.restored(report, sources.get(place.path.slice(target.path.length)));
        }
      }),
    );
  }

  /**
   * A key press and the like, to a software device. Resolves when the device has it. `parts` of the message, such as the buffer
   * of a picture, are given away instead of copied.
   */
  async input(message: DeviceInput, parts: Transferable[] = []): Promise<void> {
    await this.#context.backend.control.input(this.#link, this.#root, handOver(message, parts), this.#route);
  }

  /**
   * What a software device has for a person since it was asked last: a speaker's sound. Undefined for the others. `onOutput` is
   * called when there is something, once until this has been asked; ask once after a plug or a move.
   */
  async output(): Promise<DeviceOutput | undefined> {
    return this.#context.backend.control.output(this.#link, this.#root, this.#route);
  }

  /** What the guest's transfers with the device are read by; a USB 3 hub is two, and what is not configured none. */
  async configured(): Promise<readonly ConfiguredDevice[]> {
    return this.#context.backend.control.configured(this.#link, this.#root, this.#route);
  }

  /** The image of the drive that is plugged in, as it is now, to be read. Rejects with a sentence when that is no drive. */
  image(): Promise<DriveImage> {
    return DriveImage.open(this.#context.backend.control, this.#address);
  }

  /** The device left by itself. */
  lost(): void {
    const { device } = this;
    this.#empty();
    if (device) this.#context.unplugged(device, "device");
    this.#context.changed(this);
  }

  /** This is what is plugged now: after a move, or after a state of the machine was restored. */
  restored(report: PlugReport | undefined, source: DeviceSource | undefined): void {
    this.#empty();
    if (report) this.#occupied(report, source);
    this.#context.changed(this);
  }

  /** What is plugged here and behind, hubs before what is in their ports, and what each was made from if that is known. */
  sources(): { readonly path: string; readonly product: string; readonly source: DeviceSource | undefined }[] {
    if (!this.#report) return [];
    const here = { path: this.path, product: this.#report.product, source: this.#source };
    return [here, ...this.#ports.flatMap((port) => port.sources())];
  }

  get #address(): PortAddress {
    return { link: this.#link, port: this.#root, route: this.#route };
  }

  get #link(): number {
    return this.#context.controller.id;
  }

  #occupied(report: PlugReport, source: DeviceSource | undefined): void {
    this.#report = report;
    this.#source = source;
    this.#ports = Array.from({ length: report.ports }, (_, index) => {
      return new UsbPort(this.#context, [...this.#hops, index + 1]);
    });
  }

  #empty(): void {
    for (const port of this.#ports) port.#empty();
    this.#report = undefined;
    this.#source = undefined;
    this.#ports = [];
    this.onOutput = undefined;
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
