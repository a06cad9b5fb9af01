/** What is remembered of each port of a hub: the card in it, how much passes, whether the last plug failed. */
import type { PlugReport, UsbPort } from "../index.ts";
import type { Feed } from "../sources/feed.ts";
import { Attention, type Neglect } from "./attention.ts";
import { type Card, feedOf, type Opened } from "./card.ts";
import { Rate } from "./rate.ts";

export class Socket {
  card: Card | undefined;
  /** What was plugged of the card; none while the browser still asks for it. */
  opened: Opened | undefined;
  /** The plug that a feed was told of. */
  told: PlugReport | undefined;
  rate = new Rate();
  failed = false;
  /** A program has plugged it, not a person. */
  isForeign = false;
  readonly attention = new Attention();
  /** What the guest does not do with it. */
  neglect: Neglect | undefined;

  get feed(): Feed | undefined {
    return feedOf(this.opened);
  }
}

export class Sockets {
  /** By path: "3", or "3.2" for port 2 of the hub in port 3. */
  readonly #sockets = new Map<string, Socket>();

  at(path: string): Socket {
    const known = this.#sockets.get(path);
    if (known) return known;
    const socket = new Socket();
    this.#sockets.set(path, socket);
    return socket;
  }

  /** Those that have a card, hubs before what is plugged into them. */
  get taken(): readonly (readonly [path: string, socket: Socket, card: Card])[] {
    return [...this.#sockets]
      .flatMap(([path, socket]) => (socket.card ? [[path, socket, socket.card] as const] : []))
      .sort(([a], [b]) => a.length - b.length || a.localeCompare(b));
  }

  /** The first port that a card is in. */
  find(card: Card): string | undefined {
    return this.taken.find(([, , each]) => each.id === card.id)?.[0];
  }

  /** Forgets the port, and the ports behind it. Answers what was known of them. */
  take(path: string): ReadonlyMap<string, Socket> {
    const taken = new Map([...this.#sockets].filter(([each]) => each === path || each.startsWith(`${path}.`)));
    for (const each of taken.keys()) this.#sockets.delete(each);
    return taken;
  }

  put(path: string, socket: Socket): void {
    this.#sockets.set(path, socket);
  }

  forgetFailures(): void {
    for (const socket of this.#sockets.values()) socket.failed = false;
  }

  /**
   * Takes the rates, and looks at what the guest does with the devices. Undefined if nothing is plugged, otherwise the paths
   * where it has turned out that it does nothing.
   */
  sample(find: (path: string) => UsbPort | undefined): readonly string[] | undefined {
    const now = performance.now();
    const { taken } = this;
    const neglected: string[] = [];
    for (const [path, socket] of taken) {
      const port = find(path);
      const { counters } = port?.status ?? {};
      if (counters) socket.rate.sample(now, counters.bytesIn + counters.bytesOut);
      const neglect = socket.attention.look(port);
      if (neglect && neglect !== socket.neglect) neglected.push(path);
      socket.neglect = neglect;
    }
    return taken.length > 0 ? neglected : undefined;
  }
}
