/** The rules of a host: what applies them to its ports, and the devices that are there to be plugged. */
import { type Device, names, originOf, webUsbSource } from "../device-source.ts";
import { GrantedDevices, hasWebUsb } from "../granted-devices.ts";
import { nodeUsb } from "../start-backend.ts";
import type { RuledController, UsbController } from "../usb-controller.ts";
import type { UsbPort } from "../usb-port.ts";
import { namesOf } from "./device-name.ts";
import { Hotplug } from "./hotplug.ts";
import { Rules } from "./rules.ts";

/** What rules need of their host. */
export interface RuledHost {
  readonly controllers: readonly UsbController[];
  port(place: string): UsbPort | undefined;
  /** A backend that has died is being replaced: ports are empty that will not stay so. */
  readonly isReviving: boolean;
  /** What a person should know of a plug. */
  tell(port: UsbPort, words: string): void;
}

export class HostRules implements RuledController {
  readonly rules = new Rules();
  readonly #host: RuledHost;
  readonly #usb: USB | undefined;
  readonly #hotplug: Hotplug<Device>;
  readonly #granted = new GrantedDevices();
  /** Software devices, by name. */
  readonly #software = new Map<string, Device>();
  #watching: Promise<void> | undefined;
  /** The list of devices may be wrong while it is read. */
  #refreshes = 0;
  #closed = false;

  constructor(host: RuledHost, usb?: USB) {
    this.#host = host;
    this.#usb = usb;
    this.#hotplug = new Hotplug<Device>(this.rules, {
      holds: (device) => this.#holds(device),
      isFree: (place) => this.#free(place) !== undefined,
      plug: (device, place) => this.#plug(device, place),
    });
    this.#granted.onChange = () => this.#offer();
    this.#granted.onReturn = () => this.#hotplug.retry();
    // Nobody looks at a computer's devices before there is a rule.
    this.rules.follow(() => void this.#watch());
  }

  /** A software device is there under this name, until the function that it answers is called. */
  offer(name: string, source: Device): () => void {
    if (this.#software.has(name))
      throw new RangeError(`There is a device ${name} already. Give this one another name.`);
    this.#software.set(name, source);
    this.#offer();
    return () => {
      if (this.#software.get(name) !== source) return;
      this.#software.delete(name);
      this.#offer();
    };
  }

  /** A port has another device, or none. */
  changed(): void {
    this.#hotplug.look();
  }

  unplugged(device: Device, by: "person" | "device"): void {
    this.#hotplug.unplugged(device, by);
    // What left its port by itself may have been pulled out, and nobody has said so yet.
    if (by === "device" && this.#watching) void this.#refresh();
  }

  /** A guest has started, or its backend again. Resolves when what was there is plugged. */
  async apply(): Promise<void> {
    await this.#watch();
    this.#hotplug.retry();
    await this.#hotplug.idle();
  }

  close(): void {
    this.#closed = true;
    this.#granted.stop();
  }

  async #watch(): Promise<void> {
    if (this.rules.size === 0 || this.#closed) return;
    this.#watching ??= this.#follow();
    await this.#watching;
  }

  /** A computer without USB, or that lets nobody have it, has no devices. */
  async #follow(): Promise<void> {
    try {
      await this.#granted.start(this.#usb ?? (hasWebUsb() ? undefined : await nodeUsb()));
    } catch {
      this.#granted.stop();
    }
  }

  async #refresh(): Promise<void> {
    this.#refreshes++;
    await this.#granted.refresh();
    this.#refreshes--;
    this.#hotplug.look();
  }

  #offer(): void {
    const real = this.#granted.list.map((device): [Device, string[]] => [device, namesOf(device)]);
    const software = [...this.#software].map(([name, source]): [Device, string[]] => [source, [name]]);
    this.#hotplug.offerOnly(new Map([...real, ...software]));
  }

  async #plug(device: Device, place: string): Promise<void> {
    const port = this.#free(place);
    if (!port) return;
    try {
      const source = "kind" in device ? device : webUsbSource(device, this.#granted.list);
      const { notes } = await port.plug(source);
      for (const note of notes) this.#host.tell(port, note);
    } catch (error) {
      this.#host.tell(port, error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  #free(place: string): UsbPort | undefined {
    const mayPlug = !this.#closed && !this.#host.isReviving && this.#refreshes === 0;
    const port = mayPlug ? this.#host.port(place) : undefined;
    return port?.controller.followsRules && !port.plugged && !port.busy ? port : undefined;
  }

  #holds(device: Device): boolean {
    return this.#host.controllers.some(({ ports }) => someDevice(ports, (each) => this.#same(each, device)));
  }

  #same(plugged: Device, device: Device): boolean {
    const origin = originOf(plugged);
    return (
      origin === device || (origin === plugged && !("kind" in device) && names(plugged, device, this.#granted.list))
    );
  }
}

/** Of ports, and of the ports of hubs in them. */
function someDevice(ports: readonly UsbPort[], test: (device: Device) => boolean): boolean {
  return ports.some(({ device, ports: behind }) => (device !== undefined && test(device)) || someDevice(behind, test));
}
