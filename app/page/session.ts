/**
 * Everything the page knows, in one place: the guest, the hub's ports, the devices to plug, what went wrong. Elements read it
 * and are told when it changed.
 *
 *     pv-app ─ has a ─ Session ─┬─ UsbHost ─ UsbController ─ UsbPort 1…8
 *                               ├─ Guest (console in and out)
 *                               ├─ CardList (what can be plugged, WebUSB among it)
 *                               ├─ CardRules (what plugs itself)
 *                               ├─ UsbCapture (a file for Wireshark)
 *                               └─ Words[] (what went wrong)
 */

import type { Card, Opened } from "../hub/card.ts";
import type { DeviceSource, UsbController, UsbHost } from "../index.ts";
import { CardList } from "./card-list.ts";
import { CardRules, placeOf } from "./card-rules.ts";
import type { PageGuest, StartProgress } from "./guest.ts";
import { Said } from "./said.ts";
import { PORTS, Sockets } from "./sockets.ts";
import { UsbCapture } from "./usb-capture.ts";
import { type Carried, type GuestState, type PortView, stateOf } from "./views.ts";
import {
  cameBack,
  grantFailed,
  linkLost,
  type Platform,
  platformOf,
  plugFailed,
  pulledOut,
  rulesFailed,
  startFailed,
  type Words,
} from "./words.ts";

const SAMPLE_MS = 500;

export class Session {
  readonly #listeners = new Set<() => void>();
  readonly #list = new CardList(
    () => {
      this.#rules.offer(this.cards);
      this.#changed();
    },
    () => void this.#rules.returned(),
  );
  readonly #rules = new CardRules(
    {
      holds: (card) => this.#sockets.find(card) !== undefined,
      isFree: (place) => this.#freeAt(place) !== undefined,
      plug: async (card, place) => {
        const number = this.#freeAt(place);
        if (number !== undefined && !(await this.#plugInto(card, number))) throw new Error("told to the person");
      },
    },
    (error) => this.complain(rulesFailed(error)),
  );
  readonly #sockets = new Sockets();
  readonly #said = new Said();
  readonly #platform: Platform = platformOf(navigator.userAgent);
  #host: UsbHost | undefined;
  #controller: UsbController | undefined;
  #guest: PageGuest | undefined;
  #state: GuestState = { is: "off" };
  #carried: Carried | undefined;
  #selected: number | undefined;
  #size: [columns: number, rows: number] | undefined;
  #sampler: ReturnType<typeof setInterval> | undefined;
  readonly capture = new UsbCapture({
    host: () => this.#host,
    announce: (words) => this.announce(words),
  });
  /** Where the guest's console goes. */
  onConsole: ((bytes: Uint8Array) => void) | undefined;
  /** Where v86 draws the guest's screen. */
  screen: HTMLElement | undefined;

  /** Calls `listener` after each change, until the function that it returns is called. */
  follow(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get guest(): GuestState {
    return this.#state;
  }

  get cards(): readonly Card[] {
    return this.#list.all;
  }

  /** Why real devices cannot be had here, if they cannot. */
  get usbTrouble(): Words | undefined {
    return this.#list.trouble;
  }

  get problems(): readonly Words[] {
    return this.#said.problems;
  }

  /** The last thing that happened, for those who do not see the page. */
  get announcement(): string {
    return this.#said.announcement;
  }

  get carried(): Carried | undefined {
    return this.#carried;
  }

  /** The port that a person chose for the next plug. */
  get selected(): number | undefined {
    return this.#selected;
  }

  get canPlug(): boolean {
    return this.#controller !== undefined;
  }

  /** Which port a card of which there is one is in. */
  portOf(card: Card): number | undefined {
    return card.single ? this.#sockets.find(card) : undefined;
  }

  port(number: number): PortView {
    const place = this.#sockets.at(number);
    const port = this.#controller?.ports[number - 1];
    const plugged = port?.plugged;
    const status = port?.status;
    return {
      number,
      state: stateOf(port, place.failed),
      card: place.card,
      name: place.card?.short ?? plugged?.product ?? "",
      speed: status?.speed ?? 0,
      bytesPerSecond: place.rate.perSecond,
      inFlight: status?.counters.inFlight ?? 0,
      errors: status?.counters.errors ?? 0,
      notes: plugged?.notes ?? [],
      ruled: place.card && place.card.names.length > 0 ? this.#rules.has(place.card, number) : undefined,
    };
  }

  get freePort(): number | undefined {
    const selected = this.#selected;
    return selected !== undefined && !this.#sockets.at(selected).card ? selected : this.#sockets.firstFree;
  }

  // ------------------------------------------------------------------ real devices

  /** Reads the rules that are kept, and follows the devices that were granted to the page. */
  async watchDevices(): Promise<void> {
    this.#rules.offer(this.cards);
    await Promise.all([this.#rules.start(), this.#list.watch()]);
    this.#changed();
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

  // ------------------------------------------------------------------ the guest

  async start(): Promise<void> {
    if (this.#state.is === "starting") return;
    const again = this.#sockets.cards;
    await this.stop();
    const since = performance.now();
    // A start that failed may still have files on their way.
    let over = false;
    const progress = (step: StartProgress) => {
      if (!over) this.#setGuest({ is: "starting", since, ...step });
    };
    progress({ stage: "Starting", fraction: 0 });
    try {
      // Loaded now and not with the page: they do not even load where memory cannot be shared, and the page must say so.
      if (!globalThis.crossOriginIsolated) throw new NotIsolated();
      const [{ createUsbHost }, { startGuest }] = await Promise.all([import("../index.ts"), import("./guest.ts")]);
      const host = await createUsbHost();
      this.#host = host;
      host.onNotice = ({ controller, port, path, reason }) => {
        // The page plugs into the controller's own ports only.
        if (path !== String(port)) return;
        if (controller.find(path)?.plugged) this.complain(cameBack(port, reason));
        else this.#lost(port, reason);
      };
      if (!this.screen) throw new Error("The page has no place for the guest's screen.");
      const guest = await startGuest(host, {
        ports: PORTS,
        screen: this.screen,
        onProgress: progress,
        onConsole: (bytes) => this.onConsole?.(bytes),
      });
      over = true;
      this.#guest = guest;
      if (this.#size) guest.resize(...this.#size);
      const seconds = (performance.now() - since) / 1000;
      this.#setGuest({ is: "running", seconds, resumed: guest.resumed });
      this.announce(`Linux is ready after ${seconds.toFixed(0)} seconds.`);
      this.#connected(guest.controller, again);
    } catch (error) {
      over = true;
      await this.stop();
      this.#setGuest({ is: "failed" });
      this.complain(startFailed(error));
    }
  }

  /** Stops the guest; its hub is without power then. */
  async stop(): Promise<void> {
    clearInterval(this.#sampler);
    this.capture.stop();
    const guest = this.#guest;
    const host = this.#host;
    this.#guest = undefined;
    this.#host = undefined;
    this.#controller = undefined;
    this.#sockets.emptyAll();
    this.#setGuest({ is: "off" });
    await guest?.stop();
    await host?.close();
  }

  type(text: string): void {
    this.#guest?.type(text);
  }

  /** The size of the console, in characters. */
  resize(columns: number, rows: number): void {
    this.#size = [columns, rows];
    this.#guest?.resize(columns, rows);
  }

  async forgetSavedState(): Promise<void> {
    const { forgetSavedState } = await import("./guest.ts");
    await forgetSavedState();
    this.announce("The saved state is forgotten. The next start boots from the beginning.");
  }

  /** From here on devices can be plugged. Not before: what is plugged while the guest boots would be in its saved state. */
  #connected(controller: UsbController, again: readonly (Card | undefined)[]): void {
    this.#controller = controller;
    controller.onChange = () => this.#changed();
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#changed();
    again.forEach((card, index) => {
      if (card) void this.#plugInto(card, index + 1);
    });
    this.#rules.retry();
  }

  // ------------------------------------------------------------------ plug and unplug

  /** Plugs a card into a port, by default the selected or the first free one. Trouble is told on the page, not thrown. */
  async plug(card: Card, number = this.freePort): Promise<boolean> {
    this.#carried = undefined;
    const controller = this.#controller;
    if (!controller) return this.#refuse("Start Linux first: the hub has no power.");
    if (number === undefined) return this.#refuse("All ports are taken. Unplug something first.");
    const place = this.#sockets.at(number);
    if (place.card) return this.#refuse(`Port ${number} is taken. Unplug what is there, or choose another port.`);
    const elsewhere = this.portOf(card);
    if (elsewhere !== undefined) await this.unplug(elsewhere);
    return this.#plugInto(card, number);
  }

  /** The port is free. */
  async #plugInto(card: Card, number: number): Promise<boolean> {
    const controller = this.#controller;
    if (!controller) return false;
    const place = this.#sockets.at(number);
    place.card = card;
    place.failed = false;
    if (this.#selected === number) this.#selected = undefined;
    this.announce(`Plugging ${card.short} into port ${number}.`);
    try {
      const report = await controller.port(number).plug(deviceOf(await card.open()));
      this.announce([`${card.short} plugged into port ${number}.`, ...report.notes].join(" "));
      return true;
    } catch (error) {
      if (this.#controller !== controller) return false;
      this.#sockets.empty(number);
      place.failed = true;
      this.complain(plugFailed(error, number, card.ids, this.#platform));
      this.#rules.look();
      return false;
    }
  }

  async unplug(number: number): Promise<void> {
    const place = this.#sockets.at(number);
    const { card } = place;
    if (!card || !this.#controller) return;
    this.#carried = undefined;
    try {
      await this.#controller.port(number).unplug();
      this.announce(`${card.short} unplugged from port ${number}.`);
    } catch (error) {
      this.complain(plugFailed(error, number, card.ids, this.#platform));
    } finally {
      this.#sockets.empty(number);
      this.#rules.unplugged(card, "person");
      this.#rules.look();
      this.#changed();
    }
  }

  /** What is in the port goes there by itself from now on, or does so no more. */
  async setRule(number: number, always: boolean): Promise<void> {
    const { card } = this.#sockets.at(number);
    if (!card) return;
    const kept = always ? this.#rules.set(card, number) : this.#rules.delete(card);
    this.#changed();
    if (!(await kept)) return;
    this.announce(
      always
        ? `${card.short} is always plugged into port ${number} from now on.`
        : `${card.short} is not plugged in by itself any more.`,
    );
  }

  /** A key of the person's keyboard, to the software keyboard in a port. */
  key(number: number, code: string, pressed: boolean): void {
    void this.#controller
      ?.port(number)
      .input({ type: "key", code, pressed })
      .catch(() => undefined);
  }

  releaseKeys(number: number): void {
    if (!this.#sockets.at(number).card) return;
    void this.#controller
      ?.port(number)
      .input({ type: "release-keys" })
      .catch(() => undefined);
  }

  /** Puts files on the list, as flash drives, and plugs them in: the first into `port`, if it is given. */
  async addFiles(list: Iterable<File>, port?: number): Promise<void> {
    let target = port;
    for (const file of list) {
      const card = this.#list.addFile(file);
      if (this.canPlug) await this.plug(card, target ?? this.freePort);
      else this.announce(`${card.short} is in the list now.`);
      target = undefined;
    }
  }

  /** Takes a card off the list, out of its port first. */
  async forget(card: Card): Promise<void> {
    const port = this.portOf(card);
    if (port !== undefined) await this.unplug(port);
    await card.forget?.();
    this.announce(`${card.short} is off the list.`);
  }

  // ------------------------------------------------------------------ a person's hand

  carry(carried: Carried | undefined): void {
    this.#carried = carried;
    this.#changed();
  }

  select(port: number | undefined): void {
    this.#selected = port;
    this.#changed();
  }

  // ------------------------------------------------------------------ what is said

  announce(text: string): void {
    this.#said.announcement = text;
    this.#changed();
  }

  complain(words: Words): void {
    this.#said.complain(words);
    this.#changed();
  }

  dismiss(words: Words): void {
    this.#said.dismiss(words);
    this.#sockets.forgetFailures();
    this.#changed();
  }

  #refuse(text: string): false {
    this.announce(text);
    return false;
  }

  #lost(number: number, reason: string): void {
    if (number === 0) {
      this.#sockets.emptyAll();
      this.complain(linkLost(reason));
      return;
    }
    const place = this.#sockets.at(number);
    const { card } = place;
    this.#sockets.empty(number);
    if (card) this.#rules.unplugged(card, "device");
    this.announce(pulledOut(number, reason));
    void this.#list.refresh().then(() => this.#rules.look());
  }

  /** The number of the port at this place, if nothing is in it. */
  #freeAt(text: string): number | undefined {
    const { ports = [] } = this.#controller ?? {};
    const port = ports.find(({ number }) => placeOf(number) === text && !this.#sockets.at(number).card);
    return port && !port.plugged && !port.busy ? port.number : undefined;
  }

  #sample(): void {
    if (this.#sockets.sample(this.#controller?.ports ?? []) || this.capture.running) this.#changed();
  }

  #setGuest(state: GuestState): void {
    this.#state = state;
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function deviceOf(opened: Opened): USBDevice | DeviceSource {
  return "source" in opened ? opened.source : opened;
}

class NotIsolated extends Error {
  override readonly name = "NotIsolatedError";
}
