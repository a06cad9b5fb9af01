/** Interrupter 0: the event ring, its registers, and the INTx line (xHCI 1.2 §4.17). */
import type { GuestMemory } from "../guest/machine.ts";
import { EventRing, type EventRingState } from "./event-ring.ts";
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
  USBCMD,
  USBCMD_INTE,
  USBSTS,
  USBSTS_EINT,
} from "./registers.ts";
import type { Taps } from "./tap.ts";

export class Interrupter {
  readonly #ring: EventRing;
  readonly #line: (asserted: boolean) => void;
  #file: RegisterFile | undefined;

  constructor(memory: GuestMemory, line: (asserted: boolean) => void, taps: Taps = new Set()) {
    this.#ring = new EventRing(memory, taps);
    this.#line = line;
  }

  /** Its rows of the register table. */
  registers(): Register[] {
    const update = () => this.updateLine();
    return [
      { name: "IMAN", offset: IMAN, reset: 0, rw: IMAN_IE, rw1c: IMAN_IP, written: update },
      // Kept and readable; events here come as fast as the guest asks for them, so there is nothing to moderate.
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
    this.#line(enabled && (file.get(IMAN) & (IMAN_IP | IMAN_IE)) === (IMAN_IP | IMAN_IE));
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

  /** An event was put on the ring: interrupts once until the guest clears Event Handler Busy (§4.17.2). */
  #raise(): void {
    const file = this.#file;
    if (!file || file.get(ERDP) & ERDP_EHB) return;
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
