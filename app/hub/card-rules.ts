/** The page's hotplug rules: kept in the browser, applied to the cards and the ports that a person sees. */

import { formatPlace } from "../place.ts";
import { Hotplug, type HotplugPorts } from "../rules/hotplug.ts";
import { idbRulesStore } from "../rules/idb-rules-store.ts";
import { Rules } from "../rules/rules.ts";
import { type Keeper, keepRules } from "../rules/store.ts";
import type { UsbController } from "../usb-controller.ts";
import type { Card } from "./card.ts";

/** A port in rules; that of the first guest while there is no controller. */
export function placeOf(controller: UsbController | undefined, path: string): string {
  return formatPlace({ guest: controller?.guest.name ?? "1", controller: controller?.number ?? 0, path });
}

export class CardRules {
  /** To be listed and edited. */
  readonly rules = new Rules();
  readonly #hotplug: Hotplug<Card>;
  readonly #complain: (error: unknown) => void;
  #keeper: Keeper | undefined;

  /** `complain` hears why rules cannot be read or kept. */
  constructor(ports: HotplugPorts<Card>, complain: (error: unknown) => void) {
    this.#hotplug = new Hotplug(this.rules, ports);
    this.#complain = complain;
  }

  async start(): Promise<void> {
    try {
      this.#keeper = await keepRules(this.rules, idbRulesStore());
    } catch (error) {
      this.#complain(error);
    }
  }

  /** These are there to be plugged. */
  offer(cards: readonly Card[]): void {
    this.#hotplug.offerOnly(new Map(cards.map((card) => [card, card.names])));
  }

  unplugged(card: Card, by: "person" | "device"): void {
    this.#hotplug.unplugged(card, by);
  }

  look(): void {
    this.#hotplug.look();
  }

  retry(): void {
    this.#hotplug.retry();
  }

  /** The tab is seen again: another one may have changed the rules. */
  async returned(): Promise<void> {
    await this.#keeper?.reload().catch(this.#complain);
    this.#hotplug.retry();
  }

  /** The card's rule names this place. */
  has(card: Card, place: string): boolean {
    return this.rules.match(card.names)?.place === place;
  }

  /** Resolves when that is kept: false if it cannot be, which has been said then. */
  set(card: Card, place: string): Promise<boolean> {
    const [name] = card.names;
    if (name !== undefined) this.rules.set(name, place);
    return this.kept();
  }

  /** As set(). */
  delete(card: Card): Promise<boolean> {
    const rule = this.rules.match(card.names);
    if (rule) this.rules.delete(rule.device);
    return this.kept();
  }

  /** Resolves when all that was changed is kept: false if it cannot be, which has been said then. */
  async kept(): Promise<boolean> {
    try {
      await this.#keeper?.saved();
      return true;
    } catch (error) {
      this.#complain(error);
      return false;
    }
  }
}
