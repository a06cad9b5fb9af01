/**
 * The network's side of an adapter, of whatever kind: frames go out to a cable, and what comes in and passes the filter waits
 * until the USB side takes it. Frames carry no check sequence.
 */
import type { Cable, Station } from "./cable.ts";
import { PacketFilter } from "./packet-filter.ts";

/** Two addresses and a type, and with them the data of an MTU of 1500. */
export const FRAME_MIN = 14;
export const FRAME_MAX = 1514;

/** Frames that wait. When so many do, the newest is dropped, as by an adapter whose memory is full. */
export const FRAMES_MAX = 256;

/** What a port tells its adapter. */
export interface EthernetClient {
  /** Frames came. */
  received(): void;
  /** `EthernetPort.connected` changed. */
  linkChanged(): void;
}

export class EthernetPort implements Station {
  readonly filter: PacketFilter;
  readonly #cable: Cable;
  readonly #client: EthernetClient;
  /** Room for one frame each, made when it is first needed. */
  #slots: readonly Uint8Array[] = [];
  readonly #lengths = new Uint16Array(FRAMES_MAX);
  /** The oldest frame's slot. */
  #first = 0;
  #count = 0;
  #open = false;

  /** Joins the cable. */
  constructor(cable: Cable, address: Uint8Array, client: EthernetClient) {
    this.filter = new PacketFilter(address);
    this.#cable = cable;
    this.#client = client;
    cable.join(this);
  }

  /** The link is up. */
  get connected(): boolean {
    return this.#cable.connected;
  }

  /** From now on frames are taken. */
  open(): void {
    if (this.#slots.length === 0) {
      const room = new Uint8Array(FRAMES_MAX * FRAME_MAX);
      this.#slots = Array.from({ length: FRAMES_MAX }, (_, slot) =>
        room.subarray(slot * FRAME_MAX, (slot + 1) * FRAME_MAX),
      );
    }
    this.#open = true;
  }

  /** Frames pass by, and those that wait are forgotten. */
  shut(): void {
    this.#open = false;
    this.#count = 0;
  }

  /** The unplug. */
  leave(): void {
    this.shut();
    this.#cable.leave(this);
  }

  /** Sends a frame out; what is none is dropped. */
  send(frame: Uint8Array): void {
    if (isFrame(frame)) this.#cable.send(this, frame);
  }

  /** After the last frame of a burst. */
  sent(): void {
    this.#cable.flush(this);
  }

  /** Bytes of the oldest frame that waits, or 0. */
  get waiting(): number {
    return this.#count === 0 ? 0 : (this.#lengths[this.#first] ?? 0);
  }

  /** Copies the oldest frame that waits to `at`, and forgets it. Writes FRAME_MAX bytes, however long it is: no view is made. */
  take(into: Uint8Array, at: number): number {
    const length = this.waiting;
    const slot = this.#slots[this.#first];
    if (length === 0 || !slot) return 0;
    into.set(slot, at);
    this.#first = (this.#first + 1) % FRAMES_MAX;
    this.#count--;
    return length;
  }

  receive(frame: Uint8Array): void {
    if (!this.#open || this.#count === FRAMES_MAX || !isFrame(frame) || !this.filter.accepts(frame)) return;
    const slot = (this.#first + this.#count) % FRAMES_MAX;
    this.#slots[slot]?.set(frame);
    this.#lengths[slot] = frame.length;
    this.#count++;
  }

  flush(): void {
    if (this.#count > 0) this.#client.received();
  }

  linkChanged(): void {
    this.#client.linkChanged();
  }
}

function isFrame({ length }: Uint8Array): boolean {
  return length >= FRAME_MIN && length <= FRAME_MAX;
}
