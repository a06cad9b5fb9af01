/** What the page remembers of each port: the card in it, how much passes, whether the last plug failed. */

import type { Card } from "../hub/card.ts";
import type { UsbPort } from "../index.ts";
import { Rate } from "./rate.ts";

export const PORTS = 8;

export interface Socket {
  card: Card | undefined;
  rate: Rate;
  failed: boolean;
}

export class Sockets {
  readonly #sockets: readonly Socket[] = Array.from({ length: PORTS }, () => ({
    card: undefined,
    rate: new Rate(),
    failed: false,
  }));

  /** Ports count from 1. */
  at(number: number): Socket {
    const socket = this.#sockets[number - 1];
    if (!socket) throw new RangeError(`There is no port ${number}.`);
    return socket;
  }

  /** By port. */
  get cards(): readonly (Card | undefined)[] {
    return this.#sockets.map(({ card }) => card);
  }

  /** The first port that a card is in. */
  find(card: Card): number | undefined {
    const index = this.#sockets.findIndex((socket) => socket.card?.id === card.id);
    return index < 0 ? undefined : index + 1;
  }

  get firstFree(): number | undefined {
    const index = this.#sockets.findIndex(({ card }) => !card);
    return index < 0 ? undefined : index + 1;
  }

  empty(number: number): void {
    Object.assign(this.at(number), { card: undefined, rate: new Rate(), failed: false });
  }

  emptyAll(): void {
    for (let number = 1; number <= PORTS; number++) this.empty(number);
  }

  forgetFailures(): void {
    for (const socket of this.#sockets) socket.failed = false;
  }

  /** Takes the rates; false if nothing is plugged. */
  sample(ports: readonly UsbPort[]): boolean {
    const now = performance.now();
    const busy = ports.filter(({ plugged }) => plugged);
    for (const { number, status } of busy) {
      const { bytesIn, bytesOut } = status.counters;
      this.at(number).rate.sample(now, bytesIn + bytesOut);
    }
    return busy.length > 0;
  }
}
