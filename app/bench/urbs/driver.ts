/**
 * The least of an xHCI driver (xHCI 1.2 §4.2, §4.3): one device, its control endpoint, and one bulk IN endpoint whose transfers
 * it keeps in flight. It takes interrupts as a guest does: whenever the line is up and no store is under way.
 */
import { nextTask } from "../../../asm/core.ts";
import { SPEED_SUPER } from "../../../asm/layout.ts";
import {
  CONFIG,
  CRCR,
  DBOFF,
  DCBAAP,
  HCSPARAMS1,
  INTERRUPTER_0,
  PORT_REGISTERS,
  PORT_REGISTERS_SIZE,
  PORTSC_CCS,
  PORTSC_PED,
  PORTSC_PP,
  PORTSC_PR,
  PORTSC_SPEED_SHIFT,
  USBCMD,
  USBCMD_INTE,
  USBCMD_RS,
  USBSTS,
  USBSTS_EINT,
} from "../../xhci/registers.ts";
import {
  CC_SUCCESS,
  TRB_ADDRESS_DEVICE,
  TRB_COMMAND_COMPLETION,
  TRB_CONFIGURE_ENDPOINT,
  TRB_CYCLE,
  TRB_ENABLE_SLOT,
  TRB_IDT,
  TRB_IOC,
  TRB_LINK,
  TRB_NORMAL,
  TRB_SETUP_STAGE,
  TRB_SIZE,
  TRB_STATUS_STAGE,
  TRB_TOGGLE_CYCLE,
  TRB_TRANSFER_EVENT,
} from "../../xhci/trb.ts";
import type { BareMachine, Ram } from "./machine.ts";

// Of interrupter 0 (xHCI 1.2 table 5-35)
const IMAN = INTERRUPTER_0;
const IMOD = INTERRUPTER_0 + 0x04;
const ERSTSZ = INTERRUPTER_0 + 0x08;
const ERSTBA = INTERRUPTER_0 + 0x10;
const ERDP = INTERRUPTER_0 + 0x18;
const IMAN_IP = 1;
const IMAN_IE = 2;
const ERDP_EHB = 8;

const RING_TRBS = 256;
const CONTEXT = 32;
const CONTROL_ENDPOINT = 1;
const BULK_IN = 3;
const ENDPOINT_CONTROL = 4;
const ENDPOINT_BULK_IN = 6;
const STATUS_STAGE_IN = 1 << 16;
const CHANGE_BITS = 0x7f << 17;
/** So long the guest's code runs before the thread's other tasks get their turn. */
const SLICE_MS = 1;

/** A ring that the driver fills. */
class Producer {
  readonly start: number;
  readonly #ram: Ram;
  #index = 0;
  #cycle = 1;

  constructor(ram: Ram) {
    this.#ram = ram;
    this.start = ram.allocate(RING_TRBS * TRB_SIZE);
  }

  push(low: number, high: number, status: number, control: number): void {
    if (this.#index === RING_TRBS - 1) {
      this.#write(this.start, 0, 0, (TRB_LINK << 10) | TRB_TOGGLE_CYCLE);
      this.#index = 0;
      this.#cycle ^= 1;
    }
    this.#write(low, high, status, control);
    this.#index++;
  }

  #write(low: number, high: number, status: number, control: number): void {
    const at = this.start + this.#index * TRB_SIZE;
    this.#ram.write32(at, low);
    this.#ram.write32(at + 4, high);
    this.#ram.write32(at + 8, status);
    this.#ram.write32(at + 12, control | this.#cycle);
  }
}

export class Driver {
  readonly #machine: BareMachine;
  readonly #ram: Ram;
  readonly #commands: Producer;
  readonly #control: Producer;
  readonly #bulk: Producer;
  readonly #events: number;
  readonly #contexts: number;
  readonly #buffer: number;
  readonly #doorbells: number;
  #eventIndex = 0;
  #eventCycle = 1;
  #slot = 0;
  #running = false;
  /** Who waits for a command's completion, or a control transfer's. */
  #done: ((code: number, slot: number) => void) | undefined;
  #transferred: () => void = () => {};

  constructor(machine: BareMachine) {
    this.#machine = machine;
    this.#ram = machine.memory;
    this.#commands = new Producer(this.#ram);
    this.#control = new Producer(this.#ram);
    this.#bulk = new Producer(this.#ram);
    this.#events = this.#ram.allocate(RING_TRBS * TRB_SIZE);
    this.#contexts = this.#ram.allocate(0x1000);
    // A Normal TRB's buffer crosses no 64 KiB boundary (§6.4.1).
    this.#buffer = this.#ram.allocate(1 << 16, 1 << 16);
    this.#doorbells = machine.bar.read(DBOFF, 4);
    machine.onKick = () => this.#slice();
    const table = this.#ram.allocate(16);
    this.#ram.write32(table, this.#events);
    this.#ram.write32(table + 8, RING_TRBS);
    this.#store(CONFIG, 1);
    this.#store(DCBAAP, this.#contexts);
    this.#store(CRCR, this.#commands.start | 1);
    this.#store(ERSTSZ, 1);
    this.#store(ERDP, this.#events);
    this.#store(ERSTBA, table);
    this.#store(IMOD, 0);
    this.#store(IMAN, IMAN_IE);
    this.#store(USBCMD, USBCMD_RS | USBCMD_INTE);
  }

  /** Takes the device that is plugged in, at super speed, and sets its configuration. */
  async takeDevice(configuration: number): Promise<void> {
    const port = await this.#connectedPort();
    this.#slot = (await this.#command(0, TRB_ENABLE_SLOT << 10)).slot;
    const input = this.#ram.allocate(0x1000);
    const output = this.#ram.allocate(0x1000);
    this.#ram.write32(this.#contexts + this.#slot * 8, output);
    const slot = (entries: number) => {
      this.#ram.write32(input + CONTEXT, ((entries << 27) | (SPEED_SUPER << 20)) >>> 0);
      this.#ram.write32(input + CONTEXT + 4, port << 16);
    };
    const endpoint = (id: number, type: number, packet: number, ring: Producer) => {
      const at = input + (id + 1) * CONTEXT;
      this.#ram.write32(at + 4, ((packet << 16) | (type << 3) | (3 << 1)) >>> 0);
      this.#ram.write32(at + 8, ring.start | 1);
      this.#ram.write32(at + 16, packet);
    };
    this.#ram.write32(input + 4, 3);
    slot(CONTROL_ENDPOINT);
    endpoint(CONTROL_ENDPOINT, ENDPOINT_CONTROL, 512, this.#control);
    await this.#command(input, (TRB_ADDRESS_DEVICE << 10) | (this.#slot << 24));
    await this.#setConfiguration(configuration);
    this.#ram.write32(input + 4, 1 | (1 << BULK_IN));
    slot(BULK_IN);
    endpoint(BULK_IN, ENDPOINT_BULK_IN, 1024, this.#bulk);
    await this.#command(input, (TRB_CONFIGURE_ENDPOINT << 10) | (this.#slot << 24));
  }

  /** Keeps `depth` transfers of `length` bytes (up to 64 KiB) in flight, as long as `more` wants another after each. */
  read(length: number, depth: number, more: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      let flying = depth;
      const submit = () => this.#bulk.push(this.#buffer, 0, length, (TRB_NORMAL << 10) | TRB_IOC);
      this.#transferred = () => {
        if (more()) submit();
        else if (--flying === 0) resolve();
      };
      for (let each = 0; each < depth; each++) submit();
      this.#run(() => this.#ring(BULK_IN));
    });
  }

  #store(offset: number, value: number): void {
    this.#machine.bar.write(offset, 4, value >>> 0);
  }

  #load(offset: number): number {
    return this.#machine.bar.read(offset, 4);
  }

  #ring(target: number): void {
    this.#store(this.#doorbells + this.#slot * 4, target);
  }

  async #connectedPort(): Promise<number> {
    const ports = this.#load(HCSPARAMS1) >>> 24;
    for (;;) {
      for (let port = 1; port <= ports; port++) {
        const at = PORT_REGISTERS + (port - 1) * PORT_REGISTERS_SIZE;
        const status = this.#load(at);
        if (!(status & PORTSC_CCS) || ((status >>> PORTSC_SPEED_SHIFT) & 0xf) !== SPEED_SUPER) continue;
        this.#store(at, PORTSC_PP | PORTSC_PR);
        while ((this.#load(at) & (PORTSC_PR | PORTSC_PED)) !== PORTSC_PED) await nextTask();
        this.#store(at, PORTSC_PP | CHANGE_BITS);
        return port;
      }
      await nextTask();
    }
  }

  async #command(parameter: number, control: number): Promise<{ slot: number }> {
    this.#commands.push(parameter, 0, 0, control >>> 0);
    const { code, slot } = await this.#completion(() => this.#store(this.#doorbells, 0));
    if (code !== CC_SUCCESS) throw new Error(`The controller refuses a command: completion code ${code}.`);
    return { slot };
  }

  /** SET_CONFIGURATION (USB 2.0 §9.4.7): no data stage. */
  async #setConfiguration(configuration: number): Promise<void> {
    this.#control.push(0x0900 | (configuration << 16), 0, 8, (TRB_SETUP_STAGE << 10) | TRB_IDT);
    this.#control.push(0, 0, 0, (TRB_STATUS_STAGE << 10) | STATUS_STAGE_IN | TRB_IOC);
    const { code } = await this.#completion(() => this.#ring(CONTROL_ENDPOINT));
    if (code !== CC_SUCCESS) throw new Error(`The device takes no configuration: completion code ${code}.`);
  }

  #completion(begin: () => void): Promise<{ code: number; slot: number }> {
    return new Promise((resolve) => {
      this.#done = (code, slot) => resolve({ code, slot });
      this.#run(begin);
    });
  }

  /** What the guest's processor does when it is woken: it takes interrupts until there are none, or its time is up. */
  #slice(): void {
    this.#run(() => {});
  }

  /** A kick in the middle of a store runs nobody: the guest is there already. */
  #run(begin: () => void): void {
    if (this.#running) return;
    this.#running = true;
    begin();
    const end = performance.now() + SLICE_MS;
    while (this.#machine.asserted && performance.now() < end) this.#interrupt();
    this.#running = false;
    if (this.#machine.asserted) void nextTask().then(() => this.#slice());
  }

  #interrupt(): void {
    this.#store(USBSTS, USBSTS_EINT);
    this.#store(IMAN, IMAN_IE | IMAN_IP);
    let transfers = 0;
    for (;;) {
      const at = this.#events + this.#eventIndex * TRB_SIZE;
      const control = this.#ram.read32(at + 12);
      if ((control & TRB_CYCLE) !== this.#eventCycle) break;
      if (++this.#eventIndex === RING_TRBS) {
        this.#eventIndex = 0;
        this.#eventCycle ^= 1;
      }
      const type = (control >>> 10) & 0x3f;
      if (type === TRB_TRANSFER_EVENT && ((control >>> 16) & 0x1f) === BULK_IN) {
        transfers++;
        this.#transferred();
      } else if (type === TRB_COMMAND_COMPLETION || type === TRB_TRANSFER_EVENT) {
        this.#done?.(this.#ram.read32(at + 8) >>> 24, control >>> 24);
      }
    }
    this.#store(ERDP, (this.#events + this.#eventIndex * TRB_SIZE) | ERDP_EHB);
    if (transfers > 0) this.#ring(BULK_IN);
  }
}
