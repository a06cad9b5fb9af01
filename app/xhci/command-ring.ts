/** The command ring: CRCR, and one command at a time off the ring (xHCI 1.2 §4.6.1, §5.4.5). */
import type { GuestMemory } from "../guest/machine.ts";
import type { CommandDone } from "./commands.ts";
import { RingCursor } from "./consumer-ring.ts";
import type { Register, RegisterFile } from "./register-file.ts";
import { CRCR, CRCR_CA, CRCR_CRR, CRCR_CS, CRCR_HIGH, CRCR_POINTER, CRCR_RCS } from "./registers.ts";
import type { Taps } from "./tap.ts";
import type { EventSink } from "./transfer-events.ts";
import {
  CC_COMMAND_ABORTED,
  CC_COMMAND_RING_STOPPED,
  CC_SUCCESS,
  CC_TRB_ERROR,
  eventControl,
  eventStatus,
  TRB_COMMAND_COMPLETION,
  Trb,
} from "./trb.ts";

/** What a command costs of the turn's work: a few contexts are read and written. */
const COMMAND_WORK = 32;

export interface CommandRingHost {
  readonly memory: GuestMemory;
  readonly events: EventSink;
  readonly taps: Taps;
  /** The xHC runs, events find room, and this turn's work is not done. */
  readonly ready: boolean;
  charge(work: number): void;
  execute(trb: Trb, done: CommandDone): void;
  /** The command under way was aborted: what it has not changed yet stays as it is. */
  abandon(): void;
}

export class CommandRing {
  readonly #host: CommandRingHost;
  readonly #cursor: RingCursor;
  readonly #trb = new Trb();
  #file: RegisterFile | undefined;
  /** The command under way, counted: a late answer to an aborted one finds another number. */
  #command = 0;
  #busy = false;
  /** Command Stop was written while a command was under way. */
  #stopping = false;
  #advancing = false;

  constructor(host: CommandRingHost) {
    this.#host = host;
    this.#cursor = new RingCursor({ ring: "command", slotId: 0, endpointId: 0, taps: host.taps });
  }

  registers(): Register[] {
    return [
      {
        name: "CRCR",
        offset: CRCR,
        reset: 0,
        rw: (CRCR_POINTER | CRCR_RCS) >>> 0,
        rw1c: 0,
        // Pointer and cycle state read as 0; only Command Ring Running shows.
        read: (stored) => stored & CRCR_CRR,
        written: (value) => this.#written(value),
      },
      { name: "CRCR_HIGH", offset: CRCR_HIGH, reset: 0, rw: 0, rw1c: 0 },
    ];
  }

  connect(file: RegisterFile): void {
    this.#file = file;
  }

  /** Doorbell 0 with target 0. */
  ring(): void {
    this.#file?.setBits(CRCR, CRCR_CRR);
    this.advance();
  }

  /** Takes commands until the ring is empty or one has to wait. */
  advance(): void {
    // A command that is done at once lands here again: a loop, not a recursion.
    if (this.#advancing) return;
    this.#advancing = true;
    this.#take();
    this.#advancing = false;
  }

  #take(): void {
    while (this.#running && !this.#busy && this.#host.ready) {
      this.#host.charge(COMMAND_WORK);
      const fetch = this.#cursor.next(this.#host.memory, this.#trb);
      if (fetch === "empty") return;
      if (fetch === "link") {
        this.#complete(this.#trb.address, CC_SUCCESS, 0);
        continue;
      }
      if (fetch === "broken") {
        this.#complete(this.#cursor.dequeue, CC_TRB_ERROR, 0);
        this.stop();
        return;
      }
      const { address } = this.#trb;
      const command = ++this.#command;
      this.#busy = true;
      this.#host.execute(this.#trb, (code, slotId) => {
        if (command !== this.#command || !this.#busy) return;
        this.#busy = false;
        this.#complete(address, code, slotId);
        if (this.#stopping) this.#end();
        this.advance();
      });
    }
  }

  /** The xHC was halted: commands not begun stay on the ring (§5.4.1.1). */
  stop(): void {
    this.#file?.clearBits(CRCR, CRCR_CRR);
  }

  reset(): void {
    this.#busy = false;
    this.#stopping = false;
    this.#command++;
    this.#cursor.set(0, 1);
  }

  /** A command under way is begun anew when the state is restored. */
  save(): { dequeue: number; cycle: number } {
    return { dequeue: this.#busy ? this.#trb.address : this.#cursor.dequeue, cycle: this.#cursor.cycle };
  }

  restore(saved: { dequeue: number; cycle: number }): void {
    this.reset();
    this.#cursor.set(saved.dequeue, saved.cycle);
  }

  get #running(): boolean {
    return ((this.#file?.get(CRCR) ?? 0) & CRCR_CRR) !== 0;
  }

  /** The pointer is taken while the ring stands; Stop and Abort while it runs (§4.6.1.1, §4.6.1.2, §5.4.5). */
  #written(value: number): void {
    if (!this.#running) {
      const stored = this.#file?.get(CRCR) ?? 0;
      this.#cursor.set((stored & CRCR_POINTER) >>> 0, stored & CRCR_RCS);
      return;
    }
    if (!(value & (CRCR_CS | CRCR_CA))) return;
    if (this.#busy && value & CRCR_CA) {
      this.#busy = false;
      this.#command++;
      this.#host.abandon();
      this.#complete(this.#trb.address, CC_COMMAND_ABORTED, 0);
    }
    if (this.#busy) this.#stopping = true;
    else this.#end();
  }

  #end(): void {
    this.#stopping = false;
    this.stop();
    this.#complete(this.#cursor.dequeue, CC_COMMAND_RING_STOPPED, 0);
  }

  #complete(address: number, code: number, slotId: number): void {
    this.#host.events.post(address, eventStatus(code, 0), eventControl(TRB_COMMAND_COMPLETION, slotId, 0));
  }
}
