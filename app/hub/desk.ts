/**
 * What all hubs of a page share: the devices that can be plugged, what is in a person's hand, what is said. Elements read it
 * and are told when it changed.
 *
 *     Desk ─┬─ UsbHost             one for all guests, so that devices move between them
 *           ├─ Hub ─ UsbController one a guest
 *           ├─ CardList            what can be plugged, WebUSB among it
 *           ├─ CardRules           what plugs itself
 *           └─ Said                what happened, and what went wrong
 */

import { fileKind } from "../guest/file-kind.ts";
import { createUsbHost, type UsbHost } from "../host.ts";
import type { Notice } from "../notice.ts";
import { parsePlace } from "../place.ts";
import { type DiskFile, pickFiles } from "../sources/disk-file.ts";
import type { Feed, FeedAction } from "../sources/feed.ts";
import type { Card } from "./card.ts";
import { CardList } from "./card-list.ts";
import { CardRules } from "./card-rules.ts";
import type { DiskCards, DiskKind } from "./disk-cards.ts";
import { Hub } from "./hub.ts";
import { Said } from "./said.ts";
import type { Carried, Spot } from "./views.ts";
import {
  ALL_TAKEN,
  actionFailed,
  grantFailed,
  isNoChoice,
  NO_POWER,
  type Platform,
  platformOf,
  rulesFailed,
  type Words,
} from "./words.ts";

const SAMPLE_MS = 500;

export class Desk {
  static #ofPage: Desk | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #list = new CardList(
    () => {
      this.rules.offer(this.cards);
      this.changed();
    },
    () => void this.rules.returned(),
    () => this.#running,
  );
  readonly rules = new CardRules(
    {
      holds: (card) => this.#hubs.some((hub) => hub.find(card) !== undefined),
      isFree: (place) => this.#freeAt(place) !== undefined,
      plug: async (card, place) => {
        const spot = this.#freeAt(place);
        if (spot && !(await spot.hub.plugInto(spot.path, card))) throw new Error("told to the person");
      },
    },
    (error) => this.complain(rulesFailed(error)),
  );
  readonly said = new Said();
  readonly platform: Platform = platformOf(globalThis.navigator?.userAgent ?? "");
  readonly #start: () => Promise<UsbHost>;
  #hubs: readonly Hub[] = [];
  #host: Promise<UsbHost> | undefined;
  #running: UsbHost | undefined;
  #carried: Carried | undefined;
  #sampler: ReturnType<typeof setInterval> | undefined;
  #watching: Promise<void> | undefined;

  /** `start` starts the backend, at its first use. */
  constructor(start: () => Promise<UsbHost> = createUsbHost) {
    this.#start = start;
  }

  /** The one that the page's elements share unless they are given another. */
  static get ofPage(): Desk {
    Desk.#ofPage ??= new Desk();
    return Desk.#ofPage;
  }

  /** Calls `listener` after each change, until the function that it returns is called. */
  follow(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Starts the backend at the first call. Rejects with a NotIsolatedError where memory cannot be shared. */
  host(): Promise<UsbHost> {
    this.#host ??= this.#startHost().catch((error) => {
      this.#host = undefined;
      throw error;
    });
    return this.#host;
  }

  /** The backend, if it has started. */
  get running(): UsbHost | undefined {
    return this.#running;
  }

  async #startHost(): Promise<UsbHost> {
    const host = await this.#start();
    host.onNotice = ({ controller, path, reason }: Notice) => {
      this.#hubs.find((hub) => hub.controller === controller)?.noticed(path, reason);
    };
    this.#running = host;
    return host;
  }

  // ------------------------------------------------------------------ hubs

  get hubs(): readonly Hub[] {
    return this.#hubs;
  }

  /** A hub of another guest, without power until it has a controller. */
  addHub(name: string, ports: number): Hub {
    const hub = new Hub(this, name, ports);
    this.#hubs = [...this.#hubs, hub];
    this.#sampler ??= setInterval(() => {
      if (this.#hubs.map((each) => each.sample()).includes(true)) this.changed();
    }, SAMPLE_MS);
    this.changed();
    return hub;
  }

  /** The hub's guest is gone for good. */
  async removeHub(hub: Hub): Promise<void> {
    this.#hubs = this.#hubs.filter((each) => each !== hub);
    if (this.#hubs.length === 0) {
      clearInterval(this.#sampler);
      this.#sampler = undefined;
    }
    await hub.retire();
    this.changed();
  }

  /** Where a card of which there is one is plugged. */
  whereIs(card: Card): Spot | undefined {
    for (const hub of card.single ? this.#hubs : []) {
      const path = hub.find(card);
      if (path !== undefined) return { hub, path };
    }
    return undefined;
  }

  /** Where a device without a port of its own goes: the port that was chosen, or the first free one of a hub that has power. */
  get freeSpot(): Spot | undefined {
    const powered = this.#hubs.filter(({ power }) => power);
    const chosen = powered.find(({ selected }) => selected !== undefined) ?? powered.find(({ isCurrent }) => isCurrent);
    for (const hub of chosen ? [chosen, ...powered] : powered) {
      const path = hub.freePath;
      if (path !== undefined) return { hub, path };
    }
    return undefined;
  }

  get canPlug(): boolean {
    return this.#hubs.some(({ power }) => power);
  }

  /** The port at a place such as "1:0:3", if nothing is in it. */
  #freeAt(place: string): Spot | undefined {
    const { guest, controller, path } = parsePlace(place) ?? {};
    const hub = this.#hubs.find(({ controller: each }) => {
      return each?.number === controller && (each?.guest.name === guest || String(each?.guest.number) === guest);
    });
    return hub && path !== undefined && hub.isFree(path) ? { hub, path } : undefined;
  }

  // ------------------------------------------------------------------ devices

  get cards(): readonly Card[] {
    return this.#list.all;
  }

  /** Why real devices cannot be had here, if they cannot. */
  get usbTrouble(): Words | undefined {
    return this.#list.trouble;
  }

  /** Reads the rules that are kept, and follows the devices that were granted to the page. */
  watch(): Promise<void> {
    this.#watching ??= this.#watch();
    return this.#watching;
  }

  async #watch(): Promise<void> {
    this.rules.offer(this.cards);
    addEventListener("beforeunload", (event) => {
      if (this.disks.isUnsaved) event.preventDefault(); // the browser asks whether to leave
    });
    await Promise.all([this.rules.start(), this.#list.watch()]);
    this.changed();
  }

  /** Opens the browser's chooser. */
  async grant(): Promise<void> {
    try {
      const device = await this.#list.request();
      if (device) this.announce(`${device.productName || "The device"} is in the list now.`);
    } catch (error) {
      const words = grantFailed(error);
      if (words) this.complain(words);
    }
  }

  /** Can the browser's chooser of HID devices be opened? */
  get hasHid(): boolean {
    return this.#list.hid.isThere;
  }

  /** Opens the browser's chooser of HID devices. */
  async grantHid(): Promise<void> {
    try {
      const [card] = await this.#list.hid.request();
      if (card) this.announce(`${card.short} is in the list now.`);
    } catch (error) {
      const words = grantFailed(error);
      if (words) this.complain(words);
    }
  }

  /** Plugs a card in, by default into the chosen or the first free port. Trouble is told to the person, not thrown. */
  async plug(card: Card, spot = this.freeSpot): Promise<boolean> {
    if (spot) return spot.hub.plug(card, spot.path);
    this.#carried = undefined;
    return this.refuse(this.canPlug ? ALL_TAKEN : NO_POWER);
  }

  get disks(): DiskCards {
    return this.#list.disks;
  }

  /**
   * Puts files on the list, as disks, and plugs them in: the first into `spot`, if it is given. What is an ISO image goes into a CD
   * drive, unless it is said.
   */
  async addFiles(list: Iterable<File | DiskFile>, spot?: Spot, as?: DiskKind): Promise<void> {
    let target = spot;
    for (const each of list) {
      const file = each instanceof File ? { name: each.name, blob: each } : each;
      const isDisc = (await fileKind(file.blob).catch(() => undefined))?.is === "cd";
      const card = this.disks.addFile(file, as ?? (isDisc ? "cd" : "drive"));
      if (this.canPlug) await this.plug(card, target ?? this.freeSpot);
      else this.announce(`${card.short} is in the list now.`);
      target = undefined;
    }
  }

  /** Asks for files with the browser's own picker, which lets them be written back. */
  async pickFiles(): Promise<void> {
    try {
      await this.addFiles(await pickFiles(true));
    } catch (error) {
      if (isNoChoice(error)) this.announce("Nothing was chosen.");
      else this.complain(actionFailed(error, "Disk or CD from a file"));
    }
  }

  /** Takes a card off the list, out of its port first; asks, when something would be lost by it. */
  async forget(card: Card): Promise<void> {
    const question = card.lossQuestion?.();
    if (question && !confirm(question)) return;
    const spot = this.whereIs(card);
    await spot?.hub.unplug(spot.path);
    try {
      await card.forget?.();
      this.announce(`${card.short} is off the list.`);
    } catch (error) {
      this.complain(actionFailed(error, card.forgetTitle ?? "Take it off the list"));
    }
  }

  /** A button beside a device or on a card. Trouble is told to the person, not thrown. */
  async run(action: FeedAction): Promise<void> {
    try {
      await action.run();
    } catch (error) {
      this.complain(actionFailed(error, action.label));
    }
  }

  /** Something left its port by itself: perhaps it is no longer there. */
  async refresh(): Promise<void> {
    await this.#list.refresh();
    this.rules.look();
  }

  /** Listens to what feeds a device. */
  adopt(feed: Feed): void {
    feed.onChange = () => this.changed();
    feed.onEnd = (reason) => {
      for (const hub of this.#hubs) void hub.feedEnded(feed, reason);
    };
  }

  // ------------------------------------------------------------------ a person's hand, and what is said

  get carried(): Carried | undefined {
    return this.#carried;
  }

  carry(carried: Carried | undefined): void {
    this.#carried = carried;
    this.changed();
  }

  announce(text: string): void {
    this.said.announcement = text;
    this.changed();
  }

  complain(words: Words): void {
    this.said.complain(words);
    this.changed();
  }

  dismiss(words: Words): void {
    this.said.dismiss(words);
    for (const hub of this.#hubs) hub.forgetFailures();
    this.changed();
  }

  refuse(text: string): false {
    this.announce(text);
    return false;
  }

  /** Unplugs everything and stops the backend. */
  async close(): Promise<void> {
    for (const hub of this.#hubs) await this.removeHub(hub);
    const host = this.#host;
    this.#host = undefined;
    this.#running = undefined;
    await (await host)?.close();
  }
}
