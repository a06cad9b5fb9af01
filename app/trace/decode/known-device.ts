/** What is known of a device by its descriptors and by what it was told: what each endpoint is for, which command is under way. */
import { u8, u16 } from "./bytes.ts";
import { CLASS_CDC_CONTROL, CLASS_CDC_DATA } from "./classes.ts";
import type { Role, Setup } from "./description.ts";
import { CONFIGURATION, ENDPOINT, eachDescriptor, INTERFACE, PIPE_USAGE } from "./descriptors.ts";
import { commandOf, tagOf } from "./storage.ts";

const GET_DESCRIPTOR = 6;
const SET_CONFIGURATION = 9;
const SET_INTERFACE = 11;
const RECIPIENT_INTERFACE = 1;
const RECIPIENT_ENDPOINT = 2;
/** Of a device that says more than any does. */
const CONFIGURATIONS_MAX = 16;
const COMMANDS_MAX = 256;

interface Interface {
  readonly role: Role;
  readonly endpoints: readonly (readonly [address: number, role: Role])[];
}

export class KnownDevice {
  /** By bConfigurationValue. */
  readonly #configurations = new Map<number, Uint8Array>();
  #interfaces: readonly Interface[] = [];
  /** By number of the interface: the alternate that was selected. */
  readonly #alternates = new Map<number, number>();
  /** By endpoint address. */
  readonly #roles = new Map<number, Role>();
  /** By tag: commands whose status has not come. */
  readonly #commands = new Map<number, string>();
  #lastCommand: string | undefined;

  /** A control transfer has ended well. */
  hear(setup: Setup, data: Uint8Array): void {
    const { index, request, type, value } = setup;
    if (type === 0x80 && request === GET_DESCRIPTOR && value >>> 8 === CONFIGURATION) this.learn(data);
    if (type === 0x00 && request === SET_CONFIGURATION) this.#choose(value & 0xff);
    if (type === 0x01 && request === SET_INTERFACE) {
      this.#alternates.set(index & 0xff, value & 0xff);
      this.#assign();
    }
  }

  /** A configuration's descriptors, and the alternates that are selected where they are not 0. */
  learn(descriptors: Uint8Array, alternates: readonly (readonly [number, number])[] = []): void {
    if (u8(descriptors, 1) !== CONFIGURATION || descriptors.length < u16(descriptors, 2)) return;
    if (this.#configurations.size >= CONFIGURATIONS_MAX) this.#configurations.clear();
    const value = u8(descriptors, 5);
    const isFirst = this.#configurations.size === 0;
    this.#configurations.set(value, descriptors.slice());
    if (isFirst) this.#choose(value);
    for (const [number, alternate] of alternates) this.#alternates.set(number, alternate);
    if (alternates.length > 0) this.#assign();
  }

  role(endpoint: number): Role | undefined {
    return this.#roles.get(endpoint);
  }

  /** Of what a control request is sent to; the device as a whole is what its only interface is. */
  roleOf({ index, type }: Setup): Role | undefined {
    switch (type & 0x1f) {
      case RECIPIENT_INTERFACE:
        return this.#current(index & 0xff)?.role;
      case RECIPIENT_ENDPOINT:
        return this.#roles.get(index & 0xff);
      default: {
        const [only, ...more] = new Set(this.#interfaces.map(({ role }) => role.interface));
        return only !== undefined && more.length === 0 ? this.#current(only)?.role : undefined;
      }
    }
  }

  /** A bulk transfer: the command that it begins, carries the data of, or ends. */
  command(role: Role | undefined, endpoint: number, stream: number, data: Uint8Array): string | undefined {
    const pipe = role?.pipe ?? 0;
    if ((endpoint & 0x80) === 0) {
      const begins = commandOf(data, pipe);
      if (begins) {
        if (this.#commands.size >= COMMANDS_MAX) this.#commands.clear();
        this.#commands.set(begins.tag, begins.name);
        this.#lastCommand = begins.name;
        return begins.name;
      }
    }
    const tag = endpoint & 0x80 ? tagOf(data, pipe) : undefined;
    if (tag === undefined) return stream ? this.#commands.get(stream) : this.#lastCommand;
    return this.#commands.get(tag);
  }

  #choose(value: number): void {
    this.#alternates.clear();
    this.#interfaces = interfacesOf(this.#configurations.get(value) ?? new Uint8Array(0));
    this.#assign();
  }

  #current(number: number): Interface | undefined {
    const alternate = this.#alternates.get(number) ?? 0;
    const same = this.#interfaces.filter(({ role }) => role.interface === number);
    return same.find(({ role }) => role.alternate === alternate) ?? same[0];
  }

  #assign(): void {
    this.#roles.clear();
    // Whoever began to listen late has not heard which alternates were selected: any is better than none.
    for (const { endpoints } of this.#interfaces) for (const [address, role] of endpoints) this.#add(address, role);
    for (const { role } of this.#interfaces) {
      for (const [address, its] of this.#current(role.interface)?.endpoints ?? []) this.#roles.set(address, its);
    }
  }

  #add(address: number, role: Role): void {
    if (!this.#roles.has(address)) this.#roles.set(address, role);
  }
}

function interfacesOf(descriptors: Uint8Array): Interface[] {
  const interfaces: { role: Role; endpoints: [number, Role][] }[] = [];
  let control = 0;
  eachDescriptor(descriptors, (descriptor) => {
    const last = interfaces.at(-1);
    switch (u8(descriptor, 1)) {
      case INTERFACE: {
        const [number, alternate, , kind, subclass, protocol] = [2, 3, 4, 5, 6, 7].map((at) => u8(descriptor, at)) as [
          number,
          number,
          number,
          number,
          number,
          number,
        ];
        if (kind === CLASS_CDC_CONTROL) control = subclass;
        else if (kind !== CLASS_CDC_DATA) control = 0;
        const role = { interface: number, alternate, class: kind, subclass, protocol, pipe: 0, control };
        interfaces.push({ role, endpoints: [] });
        break;
      }
      case ENDPOINT:
        last?.endpoints.push([u8(descriptor, 2), last.role]);
        break;
      case PIPE_USAGE: {
        const endpoint = last?.endpoints.at(-1);
        if (last && endpoint) endpoint[1] = { ...last.role, pipe: u8(descriptor, 2) };
        break;
      }
    }
  });
  return interfaces;
}
