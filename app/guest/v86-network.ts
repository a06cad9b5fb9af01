/**
 * v86's own network at a cable. A network of v86 is a bus with a card of the machine (ne2k or virtio) at one end and a
 * backend of v86 (fetch, wisp, inbrowser, a relay) at the other, or one of them alone:
 *
 *   card ── net0-send ──▶ backend        what comes from the cable goes to both, as if the other had sent it,
 *    ▲                       │           and what either sends goes to the cable, too
 *    └──── net0-receive ─────┘
 */
import type { CableEnd } from "../cable-end.ts";
import { networkBuses, type V86Bus, type V86Like } from "./v86-internals.ts";

/** There is nothing at the other end of a machine's network card. */
export class NoNetworkError extends Error {
  constructor() {
    super(
      "This machine has no network. Start one with a network (in v86: net_device with a relay_url, such as fetch).",
    );
    this.name = "NoNetworkError";
  }
}

/**
 * Joins a network of a V86 instance to a cable, so that a USB adapter at it talks to the machine's card and to the
 * backend. Takes over the end's `onFrame`, until the function that it answers is called. `network` is the number of v86's
 * network, 0 unless the machine was made with another.
 */
export function joinV86Network(emulator: V86Like, end: CableEnd, network = 0): () => void {
  const buses = networkBuses(emulator);
  const fromCard = new Tap(buses.backend, buses.card, `net${network}-send`, end);
  const fromBackend = new Tap(buses.card, buses.backend, `net${network}-receive`, end);
  end.onFrame = (frame) => {
    fromCard.put(frame);
    fromBackend.put(frame);
  };
  return () => {
    end.onFrame = undefined;
    fromCard.remove();
    fromBackend.remove();
  };
}

/** One direction of a network. */
class Tap {
  readonly #hears: V86Bus;
  readonly #says: V86Bus;
  readonly #event: string;
  readonly #listener: (frame: Uint8Array) => void;
  /** The frame that we put here ourselves. An answer may come before that is over, and is another one. */
  #own: Uint8Array | undefined;

  /** What is said on one bus is heard on the other. */
  constructor(hears: V86Bus, says: V86Bus, event: string, end: CableEnd) {
    this.#hears = hears;
    this.#says = says;
    this.#event = event;
    this.#listener = (frame) => {
      if (frame !== this.#own) end.send(frame);
    };
    hears.register(event, this.#listener, this);
  }

  put(frame: Uint8Array): void {
    this.#own = frame;
    this.#says.send(this.#event, frame);
    this.#own = undefined;
  }

  remove(): void {
    this.#hears.unregister(this.#event, this.#listener);
  }
}
