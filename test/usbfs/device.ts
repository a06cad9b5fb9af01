/** A device as the kernel has it: what is configured, claimed and open. */
import { FakeConfiguration, type FakeEndpoint } from "../fakes/usb-configuration.ts";
import type { FakeFunction } from "../fakes/usb-function.ts";
import type { BusWire } from "../fakes/usb-wire.ts";

export interface PlugOptions {
  /** Interfaces that a driver of the computer holds. */
  readonly bound?: readonly number[];
  /** The user may not open the node. */
  readonly forbidden?: boolean;
  /** Mbit/s, as the computer's bus says it. */
  readonly speed?: number;
}

/** A URB on its way. */
export interface Urb {
  readonly name: readonly [number, number];
  readonly endpoint: number;
  /** Names it on the wire. */
  readonly buffer: Uint8Array;
}

export class OpenFile {
  readonly number: number;
  readonly device: Device;
  readonly urbs = new Set<Urb>();

  constructor(number: number, device: Device) {
    this.number = number;
    this.device = device;
  }
}

export class Device {
  readonly number: number;
  readonly wire: BusWire;
  readonly configurations: readonly FakeConfiguration[];
  readonly options: PlugOptions;
  readonly claims = new Map<number, OpenFile>();
  /** Interfaces that a driver of the computer holds now. */
  readonly bound = new Set<number>();
  readonly files = new Set<OpenFile>();

  constructor(number: number, fn: FakeFunction, wire: BusWire, options: PlugOptions) {
    this.number = number;
    this.wire = wire;
    this.options = options;
    this.configurations = fn.configurations.map((bytes) => new FakeConfiguration(bytes));
    this.bind();
  }

  /** Drivers of the computer take what is free. */
  bind(): void {
    for (const number of this.options.bound ?? []) if (!this.claims.has(number)) this.bound.add(number);
  }

  get interfaces() {
    const { configuration } = this.wire;
    return this.configurations.find((each) => each.configurationValue === configuration)?.interfaces ?? [];
  }

  /** An endpoint of a selected alternate, and the interface that has it. */
  endpoint(address: number): { readonly endpoint: FakeEndpoint; readonly interfaceNumber: number } | undefined {
    for (const { interfaceNumber } of this.interfaces) {
      const endpoint = this.endpoints(interfaceNumber).find((each) => each.address === address);
      if (endpoint) return { endpoint, interfaceNumber };
    }
    return undefined;
  }

  endpoints(interfaceNumber: number): readonly FakeEndpoint[] {
    const found = this.interfaces.find((each) => each.interfaceNumber === interfaceNumber);
    const selected = this.wire.alternates.get(interfaceNumber) ?? 0;
    return found?.alternates.find((each) => each.alternateSetting === selected)?.endpoints ?? [];
  }
}
