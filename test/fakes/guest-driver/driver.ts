/**
 * A small, strict xHCI driver, in the order of xHCI 1.2 §4.2. It finds every register through the capability registers, as
 * a guest must, takes interrupts as Linux does with INTx, and throws at what a real driver would choke on.
 */
import type { MemoryWindow } from "../../../app/guest/machine.ts";
import {
  CC_COMMAND_ABORTED,
  CC_COMMAND_RING_STOPPED,
  TRB_COMMAND_COMPLETION,
  TRB_HOST_CONTROLLER,
  TRB_MFINDEX_WRAP,
  TRB_PORT_STATUS_CHANGE,
  TRB_TRANSFER_EVENT,
} from "../../../app/xhci/trb.ts";
import { Capabilities } from "./capabilities.ts";
import { ConsumerRing, type GuestEvent } from "./consumer-ring.ts";
import { DriverPort } from "./driver-port.ts";
import { type Behind, GuestDevice } from "./guest-device.ts";
import type { FakePciSlot } from "./pci-slot.ts";
import { ProducerRing } from "./producer-ring.ts";
import type { Ram } from "./ram.ts";
import { command, type TrbWords } from "./trbs.ts";

// Operational registers, from CAPLENGTH (xHCI 1.2 table 5-18)
const USBCMD = 0x00;
const USBSTS = 0x04;
const CRCR = 0x18;
const DCBAAP = 0x30;
const CONFIG = 0x38;
const PORTS = 0x400;
const RUN = 1;
const RESET = 2;
const INTERRUPTER_ENABLE = 4;
const HALTED = 1;
const EVENT_INTERRUPT = 8;
const NOT_READY = 1 << 11;
// Runtime registers of interrupter 0 (table 5-35)
const IMAN = 0x20;
const IMOD = 0x24;
const ERSTSZ = 0x28;
const ERSTBA = 0x30;
const ERDP = 0x38;
const BUSY = 8;

export interface StartOptions {
  /** TRBs of each event ring segment. */
  readonly eventSegments?: readonly number[];
  readonly commands?: number;
  readonly slots?: number;
}

export class XhciDriver {
  readonly ram: Ram;
  readonly bar: MemoryWindow;
  readonly capabilities: Capabilities;
  /** Every event taken, oldest first; tests take them out with `take`. */
  readonly events: GuestEvent[] = [];
  events0!: ConsumerRing;
  commands!: ProducerRing;
  contextArray = 0;
  /** Interrupts handled. */
  interrupts = 0;
  readonly #slot: FakePciSlot;
  /** Lets time pass: what the device's side has done reaches the controller. */
  readonly #settle: () => void;
  readonly #issued = new Set<number>();

  constructor(bar: MemoryWindow, slot: FakePciSlot, settle: () => void) {
    this.bar = bar;
    this.ram = slot.memory;
    this.#slot = slot;
    this.#settle = settle;
    this.capabilities = new Capabilities(bar);
  }

  /** Reset, contexts, rings, run (§4.2). */
  start({ eventSegments = [256], commands = 64, slots = this.capabilities.maxSlots }: StartOptions = {}): void {
    this.reset();
    this.contextArray = this.ram.allocate((this.capabilities.maxSlots + 1) * 8, 64);
    this.commands = new ProducerRing(this.ram, { size: commands });
    this.events0 = new ConsumerRing(this.ram, eventSegments);
    this.writeOperational(CONFIG, slots);
    this.#writeOperational64(DCBAAP, this.contextArray);
    this.#writeOperational64(CRCR, this.commands.start | 1);
    this.writeRuntime(ERSTSZ, eventSegments.length);
    this.#writeRuntime64(ERDP, this.events0.dequeue);
    this.#writeRuntime64(ERSTBA, this.events0.table);
    this.writeRuntime(IMOD, 0);
    this.writeRuntime(IMAN, 2);
    this.run();
  }

  reset(): void {
    this.halt();
    this.writeOperational(USBCMD, RESET);
    if (this.readOperational(USBCMD) & RESET || this.readOperational(USBSTS) & NOT_READY) {
      throw new Error("The controller does not come back from its reset.");
    }
    this.#issued.clear();
    this.events.length = 0;
  }

  run(): void {
    this.writeOperational(USBCMD, RUN | INTERRUPTER_ENABLE);
    if (this.readOperational(USBSTS) & HALTED) throw new Error("The controller does not run.");
    this.#settle();
  }

  halt(): void {
    this.writeOperational(USBCMD, 0);
    if (!(this.readOperational(USBSTS) & HALTED)) throw new Error("The controller does not halt.");
  }

  readOperational(offset: number): number {
    return this.bar.read(this.capabilities.operational + offset, 4);
  }
  writeOperational(offset: number, value: number): void {
    this.bar.write(this.capabilities.operational + offset, 4, value >>> 0);
  }
  readRuntime(offset: number): number {
    return this.bar.read(this.capabilities.runtime + offset, 4);
  }
  writeRuntime(offset: number, value: number): void {
    this.bar.write(this.capabilities.runtime + offset, 4, value >>> 0);
  }

  port(id: number): DriverPort {
    return new DriverPort(id, this.bar, this.capabilities.operational + PORTS + (id - 1) * 16, this.#settle);
  }

  /** Doorbell of a slot (0: the command ring). */
  ring(slotId: number, target: number, stream = 0): void {
    this.bar.write(this.capabilities.doorbells + slotId * 4, 4, (target | (stream << 16)) >>> 0);
    this.#settle();
  }

  /** Puts a command on the ring, rings, and answers the command TRB's address. */
  issue(trb: TrbWords): number {
    const address = this.commands.push(trb)[0] as number;
    this.#issued.add(address);
    this.ring(0, 0);
    return address;
  }

  /** Executes a command: its completion must come at once. */
  execute(trb: TrbWords): { readonly code: number; readonly slotId: number } {
    const address = this.issue(trb);
    const completion = this.completionOf(address);
    if (!completion) throw new Error("The command is still under way.");
    return completion;
  }

  /** The completion event of a command, once it is there. */
  completionOf(address: number): GuestEvent | undefined {
    return this.take((event) => event.type === TRB_COMMAND_COMPLETION && event.parameter === address)[0];
  }

  /** Reads what is on the event ring, as an interrupt handler or a poller does, and answers how many events there were. */
  service(): number {
    if (this.#slot.asserted) {
      this.interrupts++;
      // A driver that shares its interrupt line looks here first, and claims nothing if the bit is not set.
      if (!(this.readOperational(USBSTS) & EVENT_INTERRUPT)) throw new Error("An interrupt that nobody claims.");
      this.writeOperational(USBSTS, EVENT_INTERRUPT);
      this.writeRuntime(IMAN, this.readRuntime(IMAN) | 1);
      if (this.#slot.asserted) throw new Error("INTx stays up though IP was cleared.");
    }
    return this.consume(Number.POSITIVE_INFINITY);
  }

  /** Takes at most `count` events off the ring, then tells the controller. */
  consume(count: number): number {
    let taken = 0;
    for (; taken < count; taken++) {
      const event = this.events0.next();
      if (!event) break;
      this.#check(event);
      this.events.push(event);
    }
    this.#writeRuntime64(ERDP, this.events0.dequeue | BUSY);
    return taken;
  }

  /** Services until nothing comes any more, and takes the events that `wanted` picks out of the log. */
  take(wanted: (event: GuestEvent) => boolean = () => true): GuestEvent[] {
    do this.#settle();
    while (this.service() > 0);
    const taken = this.events.filter(wanted);
    const left = this.events.filter((event) => !wanted(event));
    this.events.splice(0, this.events.length, ...left);
    return taken;
  }

  takeTransfers(): GuestEvent[] {
    return this.take((event) => event.type === TRB_TRANSFER_EVENT);
  }

  /** Ports of which a change was reported. */
  takePorts(): number[] {
    return this.take((event) => event.type === TRB_PORT_STATUS_CHANGE).map((event) => event.parameter >>> 24);
  }

  /** Enables a slot for the device behind a port, or behind hubs there. */
  device(port: number, speed: number, behind?: Behind): GuestDevice {
    const { code, slotId } = this.execute(command.enableSlot());
    if (code !== 1) throw new Error(`Enable Slot: completion code ${code}`);
    return new GuestDevice(this, slotId, port, speed, behind);
  }

  /** What a hub driver and the core do with a new device: reset, slot, address. Takes the port's events. */
  enumerate(port: number, speed: number): GuestDevice {
    this.#settle();
    this.port(port).reset();
    this.take((event) => event.type === TRB_PORT_STATUS_CHANGE && event.parameter >>> 24 === port);
    const device = this.device(port, speed);
    device.mustAddress();
    return device;
  }

  #check(event: GuestEvent): void {
    switch (event.type) {
      case TRB_COMMAND_COMPLETION:
        if (event.code === CC_COMMAND_RING_STOPPED) return;
        if (!this.#issued.delete(event.parameter)) {
          throw new Error(`A completion of no command: 0x${event.parameter.toString(16)} (code ${event.code})`);
        }
        if (event.code === CC_COMMAND_ABORTED) return;
        return;
      case TRB_TRANSFER_EVENT:
        if (event.slotId === 0 || event.endpointId === 0) throw new Error("A transfer event of no endpoint.");
        return;
      case TRB_PORT_STATUS_CHANGE: {
        const port = event.parameter >>> 24;
        if (port === 0 || port > this.capabilities.maxPorts) throw new Error(`A change of no port: ${port}`);
        return;
      }
      case TRB_HOST_CONTROLLER:
      case TRB_MFINDEX_WRAP:
        return;
      default:
        throw new Error(`An event of unknown type ${event.type}`);
    }
  }

  #writeOperational64(offset: number, value: number): void {
    this.writeOperational(offset, value);
    this.writeOperational(offset + 4, 0);
  }

  #writeRuntime64(offset: number, value: number): void {
    this.writeRuntime(offset, value);
    this.writeRuntime(offset + 4, 0);
  }
}
