/** What the ring promises, written down plainly: arrays and maps, no shared memory, no counters. */
import {
  BLOCK_SIZE,
  ENTRY_CANCEL,
  ENTRY_EVENT,
  EVENT_PLUG_SHIFT,
  EVENT_SPEED_SHIFT,
  EVENTS_MAX,
  LENGTH_MAX,
  NONE,
  POOL_COUNT,
  SLOT_COUNT,
} from "../../asm/layout.ts";

/** What the front says of a URB. */
export interface Description {
  readonly port: number;
  readonly plug: number;
  readonly endpoint: number;
  readonly type: number;
  readonly flags: number;
  readonly setupLow: number;
  readonly setupHigh: number;
  readonly interval: number;
  readonly stream: number;
  readonly route: number;
  readonly frame: number;
}

export interface ModelUrb {
  readonly length: number;
  state: "reserved" | "in flight" | "answered";
  cancelled: boolean;
  description: Description | undefined;
}

interface Answer {
  readonly entry: number;
  readonly status: number;
  readonly actual: number;
}

/** A queue whose newest entries are hidden until they are shown. */
class HalfHidden<T> {
  readonly #entries: T[] = [];
  #shown = 0;

  get length(): number {
    return this.#entries.length;
  }
  push(entry: T): void {
    this.#entries.push(entry);
  }
  show(): void {
    this.#shown = this.#entries.length;
  }
  shift(): T | undefined {
    if (this.#shown === 0) return undefined;
    this.#shown--;
    return this.#entries.shift();
  }
}

export class RingModel {
  readonly urbs = new Map<number, ModelUrb>();
  readonly owned = new Set<number>();
  readonly #submissions = new HalfHidden<number>();
  readonly #completions = new HalfHidden<Answer>();

  static extraBlocks(length: number): number {
    return Math.max(1, Math.ceil(length / BLOCK_SIZE)) - 1;
  }

  get freeSlots(): number {
    return SLOT_COUNT - this.urbs.size;
  }

  get freeBlocks(): number {
    let used = 0;
    for (const { length } of this.urbs.values()) used += RingModel.extraBlocks(length);
    return POOL_COUNT - used;
  }

  /** Slots in that state, in a stable order. */
  slots(state: ModelUrb["state"]): number[] {
    return [...this.urbs].filter(([, urb]) => urb.state === state).map(([slot]) => slot);
  }

  urb(slot: number): ModelUrb {
    const urb = this.urbs.get(slot);
    if (!urb) throw new Error(`slot ${slot} is free`);
    return urb;
  }

  hasRoom(length: number): boolean {
    return length <= LENGTH_MAX && this.freeSlots > 0 && RingModel.extraBlocks(length) <= this.freeBlocks;
  }

  reserve(slot: number, length: number): void {
    this.urbs.set(slot, { length, state: "reserved", cancelled: false, description: undefined });
  }

  submit(slot: number, description: Description): void {
    const urb = this.urb(slot);
    urb.state = "in flight";
    urb.cancelled = false;
    urb.description = description;
    this.#submissions.push(slot);
  }

  cancel(slot: number): void {
    const urb = this.urb(slot);
    if (urb.cancelled) return;
    urb.cancelled = true;
    this.#submissions.push(slot | ENTRY_CANCEL);
  }

  flush(): void {
    this.#submissions.show();
  }

  take(): number {
    for (;;) {
      const entry = this.#submissions.shift();
      if (entry === undefined) return NONE;
      const slot = entry & ~ENTRY_CANCEL;
      if (!(entry & ENTRY_CANCEL)) {
        this.owned.add(slot);
        return entry;
      }
      if (this.owned.has(slot)) return entry;
    }
  }

  complete(slot: number, status: number, actual: number): void {
    this.owned.delete(slot);
    this.#completions.push({ entry: slot, status, actual });
  }

  /** Answers whether there is room. */
  event(port: number, plug: number, speed: number): boolean {
    if (this.#completions.length >= EVENTS_MAX) return false;
    const entry = port | (plug << EVENT_PLUG_SHIFT) | (speed << EVENT_SPEED_SHIFT) | ENTRY_EVENT;
    this.#completions.push({ entry, status: 0, actual: 0 });
    return true;
  }

  show(): void {
    this.#completions.show();
  }

  reap(): Answer | undefined {
    const answer = this.#completions.shift();
    if (answer && !(answer.entry & ENTRY_EVENT)) this.urb(answer.entry).state = "answered";
    return answer;
  }

  release(slot: number): void {
    this.urbs.delete(slot);
  }
}
