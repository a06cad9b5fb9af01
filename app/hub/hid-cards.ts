/** The HID devices that were granted to the page, as cards. */
import { browserHid, type HidConnectionEvent, type HidDevice } from "../sources/hid-api.ts";
import { hasBlockedReports } from "../sources/report-descriptor.ts";
import { openWebHid } from "../sources/web-hid.ts";
import type { Card } from "./card.ts";
import { HID_BLOCKED, hexId } from "./words.ts";

export class HidCards {
  readonly #hid = browserHid();
  readonly #changed: () => void;
  readonly #cards = new Map<HidDevice, Card>();
  #count = 0;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Has the browser WebHID? */
  get isThere(): boolean {
    return this.#hid !== undefined;
  }

  get all(): readonly Card[] {
    return [...this.#cards.values()];
  }

  /** Follows what is granted and connected. */
  async watch(): Promise<void> {
    const hid = this.#hid;
    if (!hid) return;
    hid.addEventListener("connect", (event) => this.#add([(event as HidConnectionEvent).device]));
    hid.addEventListener("disconnect", (event) => this.#remove((event as HidConnectionEvent).device));
    this.#add(await hid.getDevices());
  }

  /** Opens the browser's chooser. Answers what was chosen: nothing, or a card for each interface of the device. */
  async request(): Promise<readonly Card[]> {
    const devices = (await this.#hid?.requestDevice({ filters: [] })) ?? [];
    this.#add(devices);
    return devices.flatMap((device) => this.#cards.get(device) ?? []);
  }

  #add(devices: readonly HidDevice[]): void {
    for (const device of devices) {
      if (!this.#cards.has(device)) this.#cards.set(device, this.#card(device));
    }
    if (devices.length > 0) this.#changed();
  }

  #remove(device: HidDevice): void {
    if (this.#cards.delete(device)) this.#changed();
  }

  #card(device: HidDevice): Card {
    const { vendorId, productId, productName, collections } = device;
    const ids = `${hexId(vendorId)}:${hexId(productId)}`;
    const name = productName || `HID device ${ids}`;
    const equals = [...this.#cards.keys()].filter((each) => each.vendorId === vendorId && each.productId === productId);
    const isBlocked = collections.length === 0 || hasBlockedReports(collections);
    return {
      id: `hid-${++this.#count}`,
      group: "real",
      glyph: "gamepad",
      name,
      short: name,
      detail: `HID, ${ids}; keyboards, mice and security keys in it stay the browser's`,
      warning: isBlocked ? HID_BLOCKED : undefined,
      single: true,
      forget: async () => {
        await device.forget();
        this.#remove(device);
      },
      ids: { name, vendorId, productId },
      names: [`hid-${ids.replace(":", "-")}${equals.length > 0 ? `-${equals.length + 1}` : ""}`],
      open: () => {
        if (!this.#hid) throw new Error("This browser has no WebHID. Use Chrome or Edge on a computer.");
        return openWebHid(this.#hid, device);
      },
    };
  }
}
