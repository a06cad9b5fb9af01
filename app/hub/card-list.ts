/** The cards on the page: software devices, flash drives made of files, and the real devices that were granted to it. */
import { GrantedDevices, hasWebUsb } from "../granted-devices.ts";
import type { Card } from "./card.ts";
import { fileCard, SOFTWARE, webUsbCard } from "./cards.ts";
import { NO_WEBUSB, USB_FORBIDDEN, type Words } from "./words.ts";

export class CardList {
  readonly #granted = new GrantedDevices();
  readonly #changed: () => void;
  #files: readonly Card[] = [];
  #devices: readonly Card[] = [];
  /** Why real devices cannot be had here, if they cannot. */
  trouble: Words | undefined;

  /** `changed` hears of each change; `returned` when the tab is seen again. */
  constructor(changed: () => void, returned: () => void) {
    this.#changed = changed;
    this.#granted.onReturn = returned;
    this.#granted.onChange = (devices) => {
      this.#devices = devices.map((device) => webUsbCard(device, () => this.#granted.forget(device)));
      changed();
    };
  }

  get all(): readonly Card[] {
    return [...SOFTWARE, ...this.#files, ...this.#devices];
  }

  /** Follows the devices that were granted to the page. */
  async watch(): Promise<void> {
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

  addFile(file: File): Card {
    const card = fileCard(file, (gone) => {
      this.#files = this.#files.filter(({ id }) => id !== gone.id);
      this.#changed();
    });
    this.#files = [...this.#files, card];
    this.#changed();
    return card;
  }

  #fail(trouble: Words): void {
    this.trouble = trouble;
    this.#changed();
  }
}
