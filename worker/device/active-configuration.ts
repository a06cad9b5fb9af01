/** The configuration a host has chosen: its alternates and their endpoints. */
import { TYPE_BULK } from "../../asm/layout.ts";
import type { Saved } from "../../asm/saved.ts";
import type { Buses } from "./bus.ts";
import type { ConfigurationDescriptor, InterfaceDescriptor } from "./descriptor.ts";
import { Endpoint } from "./endpoint.ts";

export class ActiveConfiguration {
  readonly descriptor: ConfigurationDescriptor;
  /** bInterfaceNumber → the chosen alternate. */
  readonly #chosen = new Map<number, InterfaceDescriptor>();
  /** By number, the IN endpoints from 16 on. */
  readonly #endpoints: (Endpoint | undefined)[] = new Array(32).fill(undefined);

  readonly #buses: Buses | undefined;

  constructor(descriptor: ConfigurationDescriptor, buses?: Buses) {
    this.descriptor = descriptor;
    this.#buses = buses;
    for (const each of descriptor.interfaces) {
      if ((each.alternate ?? 0) === 0) this.#choose(each);
    }
  }

  hasInterface(number: number): boolean {
    return this.#chosen.has(number);
  }

  /** bAlternateSetting of an interface. */
  alternate(number: number): number | undefined {
    const chosen = this.#chosen.get(number);
    return chosen && (chosen.alternate ?? 0);
  }

  /** By bEndpointAddress; never endpoint 0. */
  endpoint(address: number): Endpoint | undefined {
    return this.#endpoints[endpointIndex(address)];
  }

  /** SetInterface (USB 2.0 §9.4.10): transfers end, halts clear, also when the alternate is the one it has. */
  select(number: number, alternate: number): boolean {
    const next = this.descriptor.interfaces.find(
      (each) => each.number === number && (each.alternate ?? 0) === alternate,
    );
    if (!next) return false;
    for (const { address } of this.#chosen.get(number)?.endpoints ?? []) {
      this.endpoint(address)?.cancelAll();
      this.#endpoints[endpointIndex(address)] = undefined;
    }
    this.#choose(next);
    return true;
  }

  /** Alternates that are not 0, and halts. */
  save(): { alternates: [number, number][]; halted: number[] } {
    const alternates = [...this.#chosen].map(([number, { alternate = 0 }]): [number, number] => [number, alternate]);
    const halted = this.#endpoints.filter((endpoint) => endpoint?.halted).map((endpoint) => endpoint?.address ?? 0);
    return { alternates: alternates.filter(([, alternate]) => alternate !== 0), halted };
  }

  /** For a fresh one. */
  restore(saved: Saved): void {
    for (const each of saved.list("alternates", 256)) {
      const [number, alternate] = Array.isArray(each) ? (each as unknown[]) : [];
      if (!this.select(number as number, alternate as number)) throw saved.wrong("alternates");
    }
    for (const address of saved.integers("halted", 0xff, 32)) {
      const endpoint = this.endpoint(address);
      if (!endpoint) throw saved.wrong("halted");
      endpoint.halt();
    }
  }

  /** Calls for each endpoint and stream that has something to answer now. */
  offer(ready: (endpoint: Endpoint, stream: number) => void): void {
    for (const endpoint of this.#endpoints) endpoint?.offer((stream) => ready(endpoint, stream));
  }

  /** Ends every transfer. */
  cancelAll(): void {
    for (const endpoint of this.#endpoints) endpoint?.cancelAll();
  }

  #choose(each: InterfaceDescriptor): void {
    this.#chosen.set(each.number, each);
    for (const endpoint of each.endpoints) {
      const bus = endpoint.address & 0x80 ? this.#buses?.in : this.#buses?.out;
      const isBulk = (endpoint.attributes & 0x03) === TYPE_BULK;
      this.#endpoints[endpointIndex(endpoint.address)] = new Endpoint(endpoint, isBulk ? bus : undefined);
    }
  }
}

function endpointIndex(address: number): number {
  return (address & 0x0f) | ((address & 0x80) >> 3);
}
