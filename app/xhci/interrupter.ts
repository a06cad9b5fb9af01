/** Interrupter 0: the event ring, its registers, and the INTx line (xHCI 1.2 §4.17). */
import type { GuestMemory } from "../guest/machine.ts";
import { EventRing, type EventRingState } from "./event-ring.ts";
import type { FrameClock, Sleeper } from "./frame-clock.ts";
import type { Register, RegisterFile } from "./register-file.ts";
import {
  ERDP,
  ERDP_DESI,
  ERDP_EHB,
  ERDP_HIGH,
  ERDP_POINTER,
  ERSTBA,
  ERSTBA_HIGH,
  ERSTBA_MASK,
  ERSTSZ,
  ERSTSZ_MASK,
  IMAN,
  IMAN_IE,
  IMAN_IP,
  IMOD,
  IMOD_DEFAULT,
  IMOD_INTERVAL,
  USBCMD,
  USBCMD_INTE,
  USBSTS,
  USBSTS_EINT,
} from "./registers.ts";
import type { Taps } from "./tap.ts";

/** Units of IMODI in a microframe of 125 µs. */
const MODERATIONS_PER_MICROFRAME = 500;

export interface InterrupterHost {
  readonly memory: GuestMemory;
  readonly clock: FrameClock;
  readonly taps: Taps;
  /** The guest is in the middle of an access to the controller: what happens now is what it has asked for. */
  readonly accessed: boolean;
  /** Drives INTx. */
  line(asserted: boolean): void;
}

export class Interrupter implements Sleeper {
  readonly #host: InterrupterHost;
  readonly #ring: EventRing;
  #file: RegisterFile | undefined;
  /** Microframe of the last interrupt. */
  #last = Number.NEGATIVE_INFINITY;

  constructor(host: InterrupterHost) {
    this.#host = host;
    this.#ring = new EventRing(host.memory, host.taps);
  }

  /** Its rows of the register table. */
  registers(): Register[] {
    const update = () => this.updateLine();
    return [
      { name: "IMAN", offset: IMAN, reset: 0, rw: IMAN_IE, rw1c: IMAN_IP, written: update },
      { name: "IMOD", offset: IMOD, reset: IMOD_DEFAULT, rw: 0xffffffff, rw1c: 0 },
      { name: "ERSTSZ", offset: ERSTSZ, reset: 0, rw: ERSTSZ_MASK, rw1c: 0 },
      {
        name: "ERSTBA",
        offset: ERSTBA,
        reset: 0,
        rw: ERSTBA_MASK,
        rw1c: 0,
        written: () => this.#configure(),
      },
      { name: "ERSTBA_HIGH", offset: ERSTBA_HIGH, reset: 0, rw: 0, rw1c: 0 },
      {
        name: "ERDP",
        offset: ERDP,
        reset: 0,
        rw: (ERDP_POINTER | ERDP_DESI) >>> 0,
        rw1c: ERDP_EHB,
        written: () => this.#dequeued(),
      },
      { name: "ERDP_HIGH", offset: ERDP_HIGH, reset: 0, rw: 0, rw1c: 0 },
    ];
  }

  connect(file: RegisterFile): void {
    this.#file = file;
  }

  /** Events held back for want of room: the rest of the controller pauses while there are any. */
  get congested(): boolean {
    return this.#ring.waiting > 0;
  }

  reset(): void {
    this.#host.clock.forget(this);
    this.#last = Number.NEGATIVE_INFINITY;
    this.#ring.reset();
    this.updateLine();
  }

  /** Puts an event on the ring; `blocked` (BEI) raises no interrupt for it. */
  post(parameter: number, status: number, control: number, blocked = false, parameterHigh = 0): void {
    if (this.#ring.post(parameter, parameterHigh, status, control, this.#dequeue) && !blocked) this.#raise();
  }

  /** The line's level follows IP, IE and INTE (§4.17.5). */
  updateLine(): void {
    const file = this.#file;
    if (!file) return;
    const enabled = (file.get(USBCMD) & USBCMD_INTE) !== 0;
    this.#host.line(enabled && (file.get(IMAN) & (IMAN_IP | IMAN_IE)) === (IMAN_IP | IMAN_IE));
  }

  save(): EventRingState {
    return this.#ring.save();
  }

  restore(state: EventRingState): void {
    this.#ring.restore(state);
    this.updateLine();
  }

  get #dequeue(): number {
    return ((this.#file?.get(ERDP) ?? 0) & ERDP_POINTER) >>> 0;
  }

  /** The moderation interval is over: interrupts, if the guest has not seen the events meanwhile. */
  elapsed(): void {
    if (this.#ring.configured && this.#dequeue !== this.#ring.enqueue) this.#raise();
  }

  /**
   * An event was put on the ring: interrupts once until the guest clears Event Handler Busy (§4.17.2), and no sooner after
   * the last time than IMODI says (§4.17.2). What the guest's own access brings about is not held back: it comes at the
   * guest's pace, and to hold it back would only make the guest wait.
   */
  #raise(): void {
    const file = this.#file;
    if (!file || file.get(ERDP) & ERDP_EHB) return;
    const { clock, accessed } = this.#host;
    const moderation = (file.get(IMOD) & IMOD_INTERVAL) / MODERATIONS_PER_MICROFRAME;
    if (moderation > 0) {
      const { now } = clock;
      if (!accessed && now < this.#last + moderation) {
        clock.wake(this, this.#last + moderation);
        return;
      }
      this.#last = now;
    }
    file.setBits(ERDP, ERDP_EHB);
    file.setBits(IMAN, IMAN_IP);
    file.setBits(USBSTS, USBSTS_EINT);
    this.updateLine();
  }

  #configure(): void {
    const table = this.#file?.get(ERSTBA) ?? 0;
    this.#ring.configure(table, this.#file?.get(ERSTSZ) ?? 0);
    if (this.#ring.drain(this.#dequeue)) this.#raise();
  }

  /**
   * The guest moved ERDP. Events that came since it looked would be forgotten otherwise: IP is asserted again, and EINT
   * with it, or the guest's driver does not claim the interrupt (seen: Linux disables the line).
   */
  #dequeued(): void {
    this.#ring.drain(this.#dequeue);
    if (this.#ring.configured && this.#dequeue !== this.#ring.enqueue) this.#raise();
  }
}
