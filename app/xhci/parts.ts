import type { GuestMemory, PciSlot } from "../guest/machine.ts";
import type { Link } from "../link.ts";
import type { TraceListeners } from "../trace/trace.ts";
import type { TracedDevice } from "../trace/urb-trace.ts";
import { capabilityRegisters } from "./capabilities.ts";
import { CommandRing } from "./command-ring.ts";
import { type CommandDone, Commands } from "./commands.ts";
import { readSlotContext } from "./context.ts";
import { FrameClock, type Sleeper } from "./frame-clock.ts";
import { Interrupter } from "./interrupter.ts";
import type { Connection } from "./port.ts";
import { type Register, RegisterFile } from "./register-file.ts";
import {
  BAR_SIZE,
  CONFIG,
  CONFIG_MAX_SLOTS_EN,
  DCBAAP,
  DCBAAP_HIGH,
  DNCTRL,
  DOORBELLS,
  MAX_SLOTS,
  MFINDEX,
  PAGESIZE,
  USBCMD,
  USBCMD_CRS,
  USBCMD_CSS,
  USBCMD_EWE,
  USBCMD_HCRST,
  USBCMD_HSEE,
  USBCMD_INTE,
  USBCMD_RS,
  USBSTS,
  USBSTS_EINT,
  USBSTS_HCH,
  USBSTS_HSE,
  USBSTS_PCD,
  USBSTS_SRE,
} from "./registers.ts";
import { RootHub } from "./root-hub.ts";
import { readXhci, type SavedXhci } from "./saved-state.ts";
import type { Tap, Taps } from "./tap.ts";
import { traceTap } from "./trace.ts";
import type { EventSink } from "./transfer-events.ts";
import { CC_SUCCESS, eventControl, eventStatus, TRB_MFINDEX_WRAP, TRB_PORT_STATUS_CHANGE, type Trb } from "./trb.ts";

/**
 * Work (TRBs read, pages moved) of one turn: what a doorbell or a burst of answers may set off before others get their
 * turn. 256 MiB of data; a guest that has more waits for a timer.
 */
const WORK_PER_TURN = 1 << 16;
const MFINDEX_MASK = 0x3fff;

export class Parts {
  readonly memory: GuestMemory;
  readonly link: Link;
  readonly events: EventSink;
  readonly hub: RootHub;
  readonly taps: Taps = new Set<Tap>();
  /** Microframes since the controller was made, or since its state says so. */
  readonly clock: FrameClock;
  accessed = false;
  readonly #sockets: number;
  readonly #pciSlot: PciSlot;
  readonly #interrupter: Interrupter;
  readonly #commandRing: CommandRing;
  readonly #commands: Commands;
  readonly #file: RegisterFile;
  /** Waits for MFINDEX to wrap. */
  readonly #wrap: Sleeper = { elapsed: () => this.#wrapped() };
  readonly #postponed = new Set<{ advance(): void }>();
  /** What Controller Save State has put aside, until the controller runs or is reset. */
  #kept: ReturnType<Interrupter["save"]> | undefined;
  #held = false;
  #work = WORK_PER_TURN;
  #turn: ReturnType<typeof setTimeout> | undefined;

  constructor(sockets: number, pciSlot: PciSlot, link: Link, changed: (socket: number) => void) {
    this.#sockets = sockets;
    this.#pciSlot = pciSlot;
    this.memory = pciSlot.memory;
    this.link = link;
    this.clock = new FrameClock(() => {
      this.link.flush();
      this.#pciSlot.kick();
    });
    this.#interrupter = new Interrupter(this);
    this.events = this.#interrupter;
    this.hub = new RootHub(sockets, {
      link,
      portChanged: (id, first) => this.#portChanged(id, first),
      connectionChanged: (connection) => this.#connectionChanged(connection),
      socketChanged: changed,
    });
    this.#commands = new Commands(this);
    this.#commandRing = new CommandRing(this);
    this.#file = new RegisterFile(BAR_SIZE, [
      ...capabilityRegisters(sockets),
      ...this.#operationalRegisters(),
      ...this.#commandRing.registers(),
      ...this.hub.ports.flatMap((port) => port.registers()),
      { name: "MFINDEX", offset: MFINDEX, reset: 0, rw: 0, rw1c: 0, read: () => this.#microframe() },
      ...this.#interrupter.registers(),
    ]);
    for (const part of [this.#interrupter, this.#commandRing, ...this.hub.ports]) part.connect(this.#file);
    this.reset();
  }

  /** The xHC runs, events find room, this turn's work is not done, and nobody holds it. */
  get ready(): boolean {
    const runs = (this.#file.get(USBCMD) & USBCMD_RS) !== 0;
    return runs && this.#work > 0 && !this.#interrupter.congested && !this.#held;
  }

  get slotsEnabled(): number {
    return Math.min(this.#file.get(CONFIG) & CONFIG_MAX_SLOTS_EN, MAX_SLOTS);
  }

  get contextArray(): number {
    return (this.#file.get(DCBAAP) & ~0x3f) >>> 0;
  }

  read(offset: number, width: 1 | 2 | 4): number {
    this.poll();
    const value = this.#file.read(offset, width);
    if (this.taps.size > 0) for (const tap of this.taps) tap.register?.("read", offset, width, value);
    return value;
  }

  write(offset: number, width: 1 | 2 | 4, value: number): void {
    if (this.taps.size > 0) for (const tap of this.taps) tap.register?.("write", offset, width, value);
    this.accessed = true;
    const wasReady = this.ready;
    if (offset >= DOORBELLS && offset < DOORBELLS + (MAX_SLOTS + 1) * 4) {
      this.#work = WORK_PER_TURN;
      // The target is in the lowest byte, the stream in the upper half.
      if ((offset & 3) === 0) this.#doorbell((offset - DOORBELLS) >> 2, value);
    } else {
      this.#file.write(offset, width, value);
    }
    // A guest that makes room in the event ring lets the rings go on.
    if (!wasReady && this.ready) this.#resume();
    this.clock.look();
    this.link.flush();
    this.link.poll();
    this.accessed = false;
  }

  /** Looks whether something came back, or came to be due. */
  poll(): void {
    if (this.clock.look()) this.link.flush();
    this.link.poll();
  }

  line(asserted: boolean): void {
    this.#pciSlot.setInterrupt(asserted);
  }

  /** A burst of answers came back: URBs are free again, the guest may want to run. */
  settled(): void {
    this.#resume();
    this.link.flush();
    this.#pciSlot.kick();
  }

  charge(work: number): void {
    this.#work -= work;
    if (this.#work > 0) return;
    this.#turn ??= setTimeout(() => {
      this.#turn = undefined;
      this.#work = WORK_PER_TURN;
      this.#resume();
      this.link.flush();
    }, 0);
  }

  postpone(endpoint: { advance(): void }): void {
    this.#postponed.add(endpoint);
  }

  execute(trb: Trb, done: CommandDone): void {
    this.#commands.execute(trb, done);
  }

  abandon(): void {
    this.#commands.abandon();
  }

  device(linkPort: number, route: number, plug: number): TracedDevice | undefined {
    const slot = this.#commands
      .slots()
      .find(({ plug: at }) => at?.port === linkPort && at.route === route && at.plug === plug);
    return slot && { address: slot.address, speed: readSlotContext(this.memory, slot.context).speed };
  }

  trace(listeners: TraceListeners): () => void {
    if (!listeners.registers && !listeners.trbs && !listeners.moments) return () => {};
    const tap = traceTap(listeners, this.#file);
    this.taps.add(tap);
    return () => this.taps.delete(tap);
  }

  hold(held: boolean): void {
    this.#held = held;
    if (!held) this.#resume();
    this.link.flush();
  }

  save(): SavedXhci {
    return {
      microframe: this.clock.now,
      ports: this.#sockets,
      registers: this.#file.save(),
      events: this.#interrupter.save(),
      aside: this.#kept,
      commands: this.#commandRing.save(),
      slots: this.#commands.slots().map((slot) => slot.save()),
      hub: this.hub.save(),
    };
  }

  saved(state: unknown): SavedXhci {
    return readXhci(state, this.#sockets, this.#file.registers.length);
  }

  restore(saved: SavedXhci, kept: ReadonlyMap<number, number>): void {
    this.reset();
    this.clock.set(saved.microframe);
    this.#kept = saved.aside;
    this.#file.restore(saved.registers);
    this.#interrupter.restore(saved.events);
    this.hub.restore(saved.hub, kept);
    this.#commandRing.restore(saved.commands);
    this.#commands.restore(saved.slots);
    this.#watchWrap();
    this.#resume();
    this.link.flush();
  }

  #operationalRegisters(): Register[] {
    return [
      {
        name: "USBCMD",
        offset: USBCMD,
        reset: 0,
        rw: USBCMD_RS | USBCMD_INTE | USBCMD_HSEE | USBCMD_EWE,
        rw1c: 0,
        written: (value, before) => this.#command(value, before),
      },
      {
        name: "USBSTS",
        offset: USBSTS,
        reset: USBSTS_HCH,
        rw: 0,
        rw1c: USBSTS_HSE | USBSTS_EINT | USBSTS_PCD | USBSTS_SRE,
      },
      { name: "PAGESIZE", offset: PAGESIZE, reset: 1, rw: 0, rw1c: 0 },
      { name: "DNCTRL", offset: DNCTRL, reset: 0, rw: 0xffff, rw1c: 0 },
      { name: "DCBAAP", offset: DCBAAP, reset: 0, rw: 0xffffffc0, rw1c: 0 },
      { name: "DCBAAP_HIGH", offset: DCBAAP_HIGH, reset: 0, rw: 0, rw1c: 0 },
      { name: "CONFIG", offset: CONFIG, reset: 0, rw: CONFIG_MAX_SLOTS_EN, rw1c: 0 },
    ];
  }

  #command(value: number, before: number): void {
    if (value & USBCMD_HCRST) {
      this.reset();
      return;
    }
    const running = (this.#file.get(USBCMD) & USBCMD_RS) !== 0;
    if (running !== ((before & USBCMD_RS) !== 0)) this.#run(running);
    this.#watchWrap();
    if (running) this.#kept = undefined;
    else if (!(before & USBCMD_RS)) this.#saveOrRestore(value);
    this.#interrupter.updateLine();
  }

  #run(running: boolean): void {
    if (running) {
      this.#file.clearBits(USBSTS, USBSTS_HCH);
      // Ports begin to report what changed while nothing ran (§4.2).
      for (const port of this.hub.ports) if (port.changed) this.#portChanged(port.id, true);
      return;
    }
    this.#commandRing.stop();
    for (const slot of this.#commands.slots()) for (const endpoint of slot.endpoints()) endpoint.halt();
    this.#file.setBits(USBSTS, USBSTS_HCH);
  }

  /**
   * Save and restore the controller's own state, while it stands (§4.23.2); both are over before anybody looks. What a
   * suspended guest loses by writing its registers anew is the place on the event ring. Slots, endpoints and ports were
   * never without power, and the command ring begins where CRCR says.
   */
  #saveOrRestore(value: number): void {
    if (!(value & (USBCMD_CSS | USBCMD_CRS))) return;
    this.#file.clearBits(USBSTS, USBSTS_SRE);
    if (value & USBCMD_CSS) this.#kept = structuredClone(this.#interrupter.save());
    else if (this.#kept) this.#interrupter.restore(this.#kept);
    else this.#file.setBits(USBSTS, USBSTS_SRE);
  }

  /** HCRST, power-on: everything as new, but for what is plugged (§4.2). */
  reset(): void {
    this.#kept = undefined;
    this.#commands.reset();
    this.#postponed.clear();
    this.#file.reset();
    this.#commandRing.reset();
    this.#interrupter.reset();
    this.hub.restart();
    this.link.flush();
  }

  /** Doorbell 0 is the command ring's; the others are a slot's, with the endpoint as target (§4.7, §5.6). */
  #doorbell(slotId: number, value: number): void {
    if (!(this.#file.get(USBCMD) & USBCMD_RS)) return;
    const target = value & 0xff;
    if (slotId === 0) {
      if (target === 0) this.#commandRing.ring();
    } else {
      this.#commands
        .slot(slotId)
        ?.endpoint(target)
        ?.ring(value >>> 16);
    }
  }

  #resume(): void {
    this.hub.advance();
    this.#commandRing.advance();
    if (this.#postponed.size === 0) return;
    const waiting = [...this.#postponed];
    this.#postponed.clear();
    for (const endpoint of waiting) endpoint.advance();
  }

  /** §4.19.2: an event for the first change bit of a port; none before the xHC runs, for the change bits keep it. */
  #portChanged(portId: number, first: boolean): void {
    this.#file.setBits(USBSTS, USBSTS_PCD);
    if (!first || !(this.#file.get(USBCMD) & USBCMD_RS)) return;
    const parameter = (portId << 24) >>> 0;
    this.events.post(parameter, eventStatus(CC_SUCCESS, 0), eventControl(TRB_PORT_STATUS_CHANGE, 0, 0));
  }

  #connectionChanged(connection: Connection): void {
    for (const slot of this.#commands.slots()) {
      if (slot.plug?.connection !== connection) continue;
      for (const endpoint of slot.endpoints()) endpoint.connectionChanged();
    }
  }

  /** MFINDEX wraps every 2.048 s, and says so to a guest that wants to know (§4.14.2). */
  #watchWrap(): void {
    const wanted = USBCMD_RS | USBCMD_EWE;
    if ((this.#file.get(USBCMD) & wanted) !== wanted) return;
    const period = MFINDEX_MASK + 1;
    this.clock.wake(this.#wrap, (Math.floor(this.clock.now / period) + 1) * period);
  }

  #wrapped(): void {
    const wanted = USBCMD_RS | USBCMD_EWE;
    if ((this.#file.get(USBCMD) & wanted) !== wanted) return;
    this.events.post(0, eventStatus(CC_SUCCESS, 0), eventControl(TRB_MFINDEX_WRAP, 0, 0));
    this.#watchWrap();
  }

  #microframe(): number {
    if (this.#file.get(USBSTS) & USBSTS_HCH) return 0;
    return Math.floor(this.clock.now) & MFINDEX_MASK;
  }
}
