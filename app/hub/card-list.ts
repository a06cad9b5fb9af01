/** The cards on the page: disks, other software devices, and the real devices that were granted to it. */

import { GrantedDevices, hasWebUsb } from "../granted-devices.ts";
import type { UsbHost } from "../host.ts";
import type { Card } from "./card.ts";
import { SOFTWARE, webUsbCard } from "./cards.ts";
import { DiskCards } from "./disk-cards.ts";
import { HidCards } from "./hid-cards.ts";
import { NO_WEBUSB, USB_FORBIDDEN, type Words } from "./words.ts";

export class CardList {
  readonly #granted = new GrantedDevices();
  readonly hid: HidCards;
  readonly #changed: () => void;
  #devices: readonly Card[] = [];
  /** Why real devices cannot be had here, if they cannot. */
  trouble: Words | undefined;

  readonly disks: DiskCards;

  /** `changed` hears of each change; `returned` when the tab is seen again; `host` has what is written to disks. */
  constructor(changed: () => void, returned: () => void, host: () => UsbHost | undefined) {
    this.#changed = changed;
    this.disks = new DiskCards(host, changed);
    this.hid = new HidCards(changed);
    this.#granted.onReturn = returned;
    this.#granted.onChange = (devices) => {
      this.#devices = devices.map((device) => webUsbCard(device, () => this.#granted.forget(device)));
      changed();
    };
  }

  get all(): readonly Card[] {
    return [...this.disks.all, ...SOFTWARE, ...this.#devices, ...this.hid.all];
  }

  /** Lists the disks of earlier visits, and follows the devices that were granted to the page. */
  async watch(): Promise<void> {
    await this.disks.start();
    // A policy may forbid WebHID; then there are none of them.
    await this.hid.watch().catch(() => undefined);
    if (hasWebUsb()) await this.#granted.start().catch(() => this.#fail(USB_FORBIDDEN));
    else this.#fail(NO_WEBUSB);
  }

  /** Opens the browser's chooser. Undefined when it is closed without a choice. */
  request(): Promise<USBDevice | undefined> {
    return this.#granted.request();
  }

  /** Something left its port by itself: perhaps it is no longer there. */
  refresh(): Promise<void> {
    return this.#granted.refresh();
  }

  #fail(trouble: Words): void {
    this.trouble = trouble;
    this.#changed();
  }
}
