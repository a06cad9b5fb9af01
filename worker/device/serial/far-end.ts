/**
 * The far end of a serial line as the adapter reaches it: what was sent waits here, with what the far end has seen of the lines
 * and settings meanwhile, until somebody asks.
 */
import type { Saved } from "../../../asm/saved.ts";
import type { SerialChange, SerialState } from "../../protocol.ts";
import { ByteFifo } from "../byte-fifo.ts";

const SIZE = 64 << 10;
/** From here on it is not ready, until it is down to there. */
const FULL = (SIZE * 3) / 4;
const LOW = SIZE / 4;
/** When there are so many, the newest takes the place of the one before. */
const CHANGES_MAX = 64;

export class FarEnd {
  readonly #sent = new ByteFifo(SIZE);
  readonly #changed: () => void;
  #changes: SerialChange[] = [];
  #state: SerialState;
  #lost = 0;
  #full = false;
  /** Somebody has asked. */
  #heard = false;

  /** `changed` is called when there is something to ask for. */
  constructor(state: SerialState, changed: () => void) {
    this.#state = state;
    this.#changed = changed;
  }

  get full(): boolean {
    return this.#full;
  }

  /** Bytes that can be sent now and are not lost. Where nobody ever asks there is no end to it, as on an open line. */
  get room(): number {
    return this.#heard ? SIZE - this.#sent.length : Number.POSITIVE_INFINITY;
  }

  send(byte: number): void {
    if (!this.#sent.push(byte)) this.#lost++;
    this.#level();
  }

  /** After what was sent at once. */
  flush(): void {
    this.#changed();
  }

  /** The line is like this now. */
  show(state: SerialState): void {
    if (isEqual(state, this.#state)) return;
    this.#state = state;
    if (this.#changes.length === CHANGES_MAX) this.#changes.pop();
    this.#changes.push({ at: this.#sent.length, ...state });
    this.#changed();
  }

  /** All that there is, given away. */
  take(): { bytes: Uint8Array; lost: number; changes: readonly SerialChange[] } {
    const taken = { bytes: this.#sent.takeAll(), lost: this.#lost, changes: this.#changes };
    this.#heard = true;
    this.#lost = 0;
    this.#changes = [];
    this.#level();
    return taken;
  }

  save(): unknown {
    return { sent: this.#sent.save(), lost: this.#lost, full: this.#full };
  }

  /** A way to become what `save` said, checked, where the line is like `state`. */
  read(saved: Saved): (state: SerialState) => void {
    const becomeSent = this.#sent.read(saved, "sent");
    const lost = saved.integer("lost", Number.MAX_SAFE_INTEGER);
    const full = saved.flag("full");
    return (state) => {
      becomeSent();
      this.#lost = lost;
      this.#full = full;
      this.#state = state;
      this.#changes = [];
      this.#changed();
    };
  }

  #level(): void {
    if (this.#sent.length >= FULL) this.#full = true;
    else if (this.#sent.length <= LOW) this.#full = false;
  }
}

function isEqual(a: SerialState, b: SerialState): boolean {
  return (Object.keys(a) as (keyof SerialState)[]).every((name) => a[name] === b[name]);
}
