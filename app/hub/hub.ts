/**
 * The hub of one guest as a person works it: what is in which port, plug, unplug, move. Ports are named by their path: "3", or
 * "3.2" for port 2 of the hub that is plugged into port 3.
 */
import type { DeviceSource, UsbController, UsbPort } from "../index.ts";
import type { Feed } from "../sources/feed.ts";
import { type Card, feedOf, type Opened } from "./card.ts";
import { placeOf } from "./card-rules.ts";
import { foreignCard } from "./cards.ts";
import type { Desk } from "./desk.ts";
import { type Socket, Sockets } from "./sockets.ts";
import { type PortView, type Spot, stateOf } from "./views.ts";
import {
  cameBack,
  isNoChoice,
  linkLost,
  moveFailed,
  NO_POWER,
  NOTHING_CHOSEN,
  neglected,
  plugFailed,
  pulledOut,
} from "./words.ts";

export class Hub {
  readonly #desk: Desk;
  readonly #sockets = new Sockets();
  /** Of the guest. */
  name: string;
  /** Ports of its own, without those of hubs behind it. */
  ports: number;
  #controller: UsbController | undefined;
  /** The port that a person chose for the next plug. */
  #selected: string | undefined;
  /** Where the guest draws its screen. */
  screen: HTMLElement | undefined;
  /** Brings that into sight. */
  showScreen: (() => void) | undefined;
  /** A person looks at its guest. */
  isCurrent = false;

  /** Use Desk.addHub(). */
  constructor(desk: Desk, name: string, ports: number) {
    this.#desk = desk;
    this.name = name;
    this.ports = ports;
  }

  get controller(): UsbController | undefined {
    return this.#controller;
  }

  /** It has a guest that devices can be plugged into. */
  get power(): boolean {
    return this.#controller !== undefined;
  }

  /** Cards in the ports by their ids, for who keeps the guest's state. */
  get plugged(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#sockets.taken.map(([path, , card]) => [path, card.id]));
  }

  /**
   * The guest is there. What was in the ports when the last one left is plugged again, hubs first. With `restored`, the guest goes on
   * from a state with these cards in its ports, by their ids: nothing is plugged then.
   */
  async connect(controller: UsbController, restored?: Readonly<Record<string, string>>): Promise<void> {
    if (restored) this.#restored(controller, restored);
    this.#controller = controller;
    this.ports = controller.ports.length;
    controller.onChange = () => this.#changed();
    this.#changed();
    for (const [path, socket, card] of this.#sockets.taken) {
      if (restored) break;
      if (controller.find(path) && socket.opened) await this.plugInto(path, card, socket.opened);
      else this.#forget(path);
    }
    this.#desk.rules.retry();
  }

  #restored(controller: UsbController, cards: Readonly<Record<string, string>>): void {
    for (const [path] of this.#sockets.taken) this.#forget(path);
    for (const [path, id] of Object.entries(cards)) {
      const card = controller.find(path)?.plugged && this.#desk.cards.find((each) => each.id === id);
      if (card) this.#sockets.at(path).card = card;
    }
  }

  /** The guest leaves. What is in the ports stays there for the next one. */
  async disconnect(): Promise<void> {
    const controller = this.#controller;
    this.#controller = undefined;
    this.#selected = undefined;
    await this.#leaving("");
    for (const [, socket] of this.#sockets.taken) socket.told = undefined;
    await controller?.close();
    this.#changed();
  }

  /** There will be no other guest. */
  async retire(): Promise<void> {
    await this.disconnect();
    for (const [path] of this.#sockets.taken) this.#forget(path);
  }

  // ------------------------------------------------------------------ what there is

  /** All ports, those of a hub behind the port that it is in. */
  get paths(): readonly string[] {
    if (this.#controller) return pathsOf(this.#controller.ports);
    return Array.from({ length: this.ports }, (_, index) => String(index + 1));
  }

  get views(): readonly PortView[] {
    return this.paths.map((path) => this.view(path));
  }

  view(path: string): PortView {
    const socket = this.#sockets.at(path);
    const { card, feed, rate, neglect } = socket;
    const port = this.#controller?.find(path);
    const plugged = port?.plugged;
    const status = port?.status;
    return {
      path,
      state: card && port && !plugged && !socket.failed ? "connecting" : stateOf(port, socket.failed),
      card,
      name: card?.short ?? plugged?.product ?? "",
      speed: status?.speed ?? 0,
      bytesPerSecond: rate.perSecond,
      history: rate.history,
      inFlight: status?.counters.inFlight ?? 0,
      errors: status?.counters.errors ?? 0,
      notes: [...(plugged?.notes ?? []), ...(neglect ? [neglected(neglect)] : [])],
      ruled: card && card.names.length > 0 ? this.#desk.rules.has(card, this.placeOf(path)) : undefined,
      actions: plugged ? (feed?.actions ?? []) : [],
      view: plugged ? feed?.view : undefined,
    };
  }

  /** As rules have it: "1:0:3". */
  placeOf(path: string): string {
    return placeOf(this.#controller, path);
  }

  /** The port that a card is in. */
  find(card: Card): string | undefined {
    return this.#sockets.find(card);
  }

  /** Nothing is in the port, and nothing on its way. */
  isFree(path: string): boolean {
    const port = this.#controller?.find(path);
    return port !== undefined && !port.plugged && !port.busy && !this.#sockets.at(path).card;
  }

  get selected(): string | undefined {
    return this.#selected;
  }

  select(path: string | undefined): void {
    for (const hub of this.#desk.hubs) hub.#selected = hub === this ? path : undefined;
    this.#changed();
  }

  /** The chosen port or the first one without a device, of the hub itself rather than of one behind it. */
  get freePath(): string | undefined {
    if (this.#selected !== undefined && this.isFree(this.#selected)) return this.#selected;
    const free = this.paths.filter((path) => this.isFree(path));
    return free.find((path) => !path.includes(".")) ?? free[0];
  }

  // ------------------------------------------------------------------ plug, unplug, move

  /** Trouble is told to the person, not thrown. */
  async plug(card: Card, path: string): Promise<boolean> {
    const desk = this.#desk;
    desk.carry(undefined);
    if (!this.#controller) return desk.refuse(NO_POWER);
    if (this.#sockets.at(path).card) return this.#taken(path);
    const elsewhere = desk.whereIs(card);
    return elsewhere ? elsewhere.hub.move(elsewhere.path, { hub: this, path }) : this.plugInto(path, card);
  }

  /** The port is free, or what is to be plugged was in it. */
  async plugInto(path: string, card: Card, opened?: Opened): Promise<boolean> {
    const controller = this.#controller;
    const port = controller?.find(path);
    if (!port) return false;
    const socket = this.#sockets.at(path);
    Object.assign(socket, { card, opened, failed: false });
    if (this.#selected === path) this.#selected = undefined;
    this.#desk.announce(`Plugging ${card.short} into port ${path}.`);
    const isStill = () => this.#controller === controller && this.#sockets.at(path) === socket;
    try {
      const given = opened ?? (await card.open());
      if (!isStill()) {
        void closed(given);
        return false;
      }
      socket.opened = given;
      if (socket.feed) this.#desk.adopt(socket.feed);
      const { notes } = await port.plug(deviceOf(given));
      this.#tellFeeds();
      this.#desk.announce([`${card.short} plugged into port ${path}.`, ...notes].join(" "));
      return true;
    } catch (error) {
      // Its guest was stopped meanwhile: the card stays in the port for the next one.
      if (!isStill()) return false;
      const wasOpened = socket.opened !== undefined;
      this.#forget(path);
      if (!wasOpened && isNoChoice(error)) return this.#desk.refuse(NOTHING_CHOSEN);
      this.#sockets.at(path).failed = true;
      this.#desk.complain(plugFailed(error, path, card.ids, this.#desk.platform));
      this.#desk.rules.look();
      return false;
    }
  }

  async unplug(path: string): Promise<void> {
    const { card } = this.#sockets.at(path);
    if (!card || !this.#controller) return;
    this.#desk.carry(undefined);
    const port = this.#controller.find(path);
    await this.#leaving(path);
    const gone = this.#forget(path);
    try {
      await port?.unplug();
      this.#desk.announce(`${card.short} unplugged from port ${path}.`);
    } catch (error) {
      this.#desk.complain(plugFailed(error, path, card.ids, this.#desk.platform));
    }
    for (const each of gone) this.#desk.rules.unplugged(each, "person");
    this.#desk.rules.look();
    this.#changed();
  }

  /** Plugs the device into another port instead, of any guest, with what is written on it, and a hub with what is in it. */
  async move(path: string, to: Spot): Promise<boolean> {
    const desk = this.#desk;
    desk.carry(undefined);
    const { card } = this.#sockets.at(path);
    const from = this.#controller?.find(path);
    const target = to.hub.#controller?.find(to.path);
    if (!card || !from) return false;
    if (!target) return desk.refuse(NO_POWER);
    if (to.hub.#sockets.at(to.path).card) return to.hub.#taken(to.path);
    if (to.hub.#selected === to.path) to.hub.#selected = undefined;
    const words = to.hub === this ? `port ${to.path}` : `port ${to.path} of ${to.hub.name}`;
    desk.announce(`Moving ${card.short} to ${words}.`);
    const taken = this.#sockets.take(path);
    const put = (into: Hub, place: string) => {
      for (const [each, socket] of taken) into.#sockets.put(place + each.slice(path.length), socket);
    };
    put(to.hub, to.path);
    try {
      await from.moveTo(target);
    } catch (error) {
      to.hub.#sockets.take(to.path);
      if (from.plugged) put(this, path);
      else for (const { opened } of taken.values()) void closed(opened);
      desk.complain(moveFailed(error, to.path, card.ids));
      return false;
    }
    to.hub.#tellFeeds();
    desk.announce(`${card.short} is in ${words} now.`);
    desk.rules.look();
    return true;
  }

  /** What is in the port goes there by itself from now on, or does so no more. */
  async setRule(path: string, always: boolean): Promise<void> {
    const { card } = this.#sockets.at(path);
    if (!card) return;
    const { rules } = this.#desk;
    const kept = always ? rules.set(card, this.placeOf(path)) : rules.delete(card);
    this.#changed();
    if (!(await kept)) return;
    this.#desk.announce(
      always
        ? `${card.short} is always plugged into port ${path} from now on.`
        : `${card.short} is not plugged in by itself any more.`,
    );
  }

  #taken(path: string): false {
    return this.#desk.refuse(`Port ${path} is taken. Unplug what is there, or choose another port.`);
  }

  /** Tells the feeds of a port and of those behind it, or of all ports for "". An unplug never waits for one that fails. */
  async #leaving(path: string): Promise<void> {
    for (const [each, { feed }] of this.#sockets.taken) {
      if (path !== "" && each !== path && !each.startsWith(`${path}.`)) continue;
      try {
        await feed?.leaving?.();
      } catch (error) {
        this.#desk.announce(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** The port is empty, and so are those behind it. Answers the cards that were in them. */
  #forget(path: string): readonly Card[] {
    const gone = [...this.#sockets.take(path).values()];
    for (const { opened } of gone) void closed(opened);
    return gone.flatMap(({ card }) => card ?? []);
  }

  // ------------------------------------------------------------------ what happens by itself

  /** A device left its port by itself, or came back; path "0" is the whole hub. */
  noticed(path: string, reason: string): void {
    if (path === "0") {
      for (const [each] of this.#sockets.taken) this.#forget(each);
      this.#desk.complain(linkLost(reason));
      return;
    }
    if (this.#controller?.find(path)?.plugged) {
      this.#desk.complain(cameBack(path, reason));
      return;
    }
    for (const card of this.#forget(path)) this.#desk.rules.unplugged(card, "device");
    this.#desk.announce(pulledOut(path, reason));
    void this.#desk.refresh();
  }

  /** What feeds a device has ended. */
  async feedEnded(feed: Feed, reason: string): Promise<void> {
    const found = this.#sockets.taken.find(([, socket]) => socket.feed === feed);
    if (!found) return;
    await this.unplug(found[0]);
    this.#desk.announce(pulledOut(found[0], reason));
  }

  forgetFailures(): void {
    this.#sockets.forgetFailures();
  }

  /** Takes the rates, and says which device the guest does nothing with; false if nothing is plugged. */
  sample(): boolean {
    const found = this.#sockets.sample((path) => this.#controller?.find(path));
    for (const path of found ?? []) {
      const { card, neglect } = this.#sockets.at(path);
      if (card && neglect) this.#desk.announce(`${card.short} in port ${path}: ${neglected(neglect)}`);
    }
    return found !== undefined;
  }

  /** What a program has plugged into the controller's ports, or taken out of them again, is in the picture as well. */
  #adopt(): void {
    for (const path of this.paths) {
      const socket = this.#sockets.at(path);
      const port = this.#controller?.find(path);
      if (!port || port.busy) continue;
      if (port.plugged && !socket.card) {
        Object.assign(socket, { card: foreignCard(port.plugged), opened: port.device, isForeign: true, failed: false });
      } else if (!port.plugged && socket.isForeign) {
        this.#forget(path);
      }
    }
  }

  #changed(): void {
    this.#adopt();
    this.#tellFeeds();
    this.#desk.changed();
  }

  /** Feeds hear of each new plug of their device. */
  #tellFeeds(): void {
    for (const [path, socket] of this.#sockets.taken) this.#tell(socket, this.#controller?.find(path));
  }

  #tell(socket: Socket, port: UsbPort | undefined): void {
    const plugged = port?.plugged;
    if (!port || !plugged || port.busy || plugged === socket.told) return;
    socket.told = plugged;
    socket.feed?.plugged(port, {
      screen: this.screen,
      show: () => this.showScreen?.(),
      say: (text) => this.#desk.announce(text),
    });
  }
}

function pathsOf(ports: readonly UsbPort[]): string[] {
  return ports.flatMap((port) => [port.path, ...pathsOf(port.ports)]);
}

function deviceOf(opened: Opened): USBDevice | DeviceSource {
  return feedOf(opened)?.source ?? (opened as USBDevice | DeviceSource);
}

/** Gives back what the browser gave. */
async function closed(opened: Opened | undefined): Promise<void> {
  await feedOf(opened)?.close();
}
