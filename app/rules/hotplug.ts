/**
 * Applies rules: each device that is there, is in no port, and has a rule that names a free port, is plugged into it. What does
 * not fit now waits; whoever knows that something has changed calls look().
 */
import { normalName } from "./device-name.ts";
import type { Rules } from "./rules.ts";

/** The ports that rules plug into. */
export interface HotplugPorts<Device> {
  /** The device is in a port, or on its way into one or out of one. */
  holds(device: Device): boolean;
  /** There is a port at this place now, with nothing in it and nothing on its way. */
  isFree(place: string): boolean;
  /**
   * From the call on the port is not free, and it holds the device. Rejects when the device cannot be plugged; whoever is to
   * know of it has been told.
   */
  plug(device: Device, place: string): Promise<unknown>;
}

/** A device that is there. */
interface Offer {
  readonly names: readonly string[];
  /** Where its rule does not plug it: it was taken out of a port, dropped out, or could not be plugged. */
  refused: { readonly place: string; readonly by: "person" | "device" } | undefined;
  /** Its rule is at it: a plug that fails gives the port back before it says so. */
  busy: boolean;
}

export class Hotplug<Device extends object> {
  readonly #rules: Rules;
  readonly #ports: HotplugPorts<Device>;
  readonly #offers = new Map<Device, Offer>();
  readonly #plugs = new Set<Promise<void>>();
  #looking: Promise<void> | undefined;

  constructor(rules: Rules, ports: HotplugPorts<Device>) {
    this.#rules = rules;
    this.#ports = ports;
    rules.follow(() => this.look());
  }

  /** The device has come. Of its names (device-name.ts) the one that fits the fewest is first. */
  offer(device: Device, names: readonly string[]): void {
    this.#offers.set(device, { names: names.map(normalName), refused: undefined, busy: false });
    this.look();
  }

  /** The device has left. */
  withdraw(device: Device): void {
    this.#offers.delete(device);
  }

  /** Has these instead of all that were there. Those that are in both have not left. */
  offerOnly(devices: ReadonlyMap<Device, readonly string[]>): void {
    for (const device of this.#offers.keys()) if (!devices.has(device)) this.withdraw(device);
    for (const [device, names] of devices) if (!this.#offers.has(device)) this.offer(device, names);
  }

  /**
   * The device is in its port no more. What a person has taken out is plugged by its rule when it leaves and comes, when the
   * person has plugged it, or when its rule is another; what dropped out by itself also by retry().
   */
  unplugged(device: Device, by: "person" | "device"): void {
    const offer = this.#offers.get(device);
    const place = offer && this.#rules.match(offer.names)?.place;
    if (offer && place !== undefined) offer.refused = { place, by };
  }

  /** A port may have come or become free. The look is taken when whoever calls is done. */
  look(): void {
    if (this.#offers.size === 0 || this.#rules.size === 0) return;
    this.#looking ??= Promise.resolve().then(() => {
      this.#looking = undefined;
      this.#look();
    });
  }

  /** As look(), and what could not be plugged is tried once more: a guest has started, or the tab has come back. */
  retry(): void {
    for (const offer of this.#offers.values()) if (offer.refused?.by === "device") offer.refused = undefined;
    this.look();
  }

  /** Resolves when nothing is left to be plugged. */
  async idle(): Promise<void> {
    while (this.#looking || this.#plugs.size > 0) await Promise.all([this.#looking, ...this.#plugs]);
  }

  #look(): void {
    for (const [device, offer] of this.#offers) {
      if (offer.busy) continue;
      if (this.#ports.holds(device)) {
        offer.refused = undefined;
        continue;
      }
      const place = this.#rules.match(offer.names)?.place;
      if (place === undefined || place === offer.refused?.place || !this.#ports.isFree(place)) continue;
      const plug = this.#plug(device, offer, place).finally(() => {
        this.#plugs.delete(plug);
        this.look();
      });
      this.#plugs.add(plug);
    }
  }

  async #plug(device: Device, offer: Offer, place: string): Promise<void> {
    offer.busy = true;
    try {
      await this.#ports.plug(device, place);
    } catch {
      offer.refused = { place, by: "device" };
    }
    offer.busy = false;
  }
}
