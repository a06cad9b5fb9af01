/** A device that can be plugged, as a card that a person takes. */
import type { DeviceSource } from "../../worker/protocol.ts";
import type { Feed, FeedAction } from "../sources/feed.ts";
import type { Glyph } from "./icons.ts";

/** Cards of a group lie together. */
export type CardGroup = "disks" | "input" | "media" | "lines" | "more" | "real";

/** What is plugged: a granted device, a software device, or one that the browser feeds. */
export type Opened = USBDevice | DeviceSource | Feed;

/** Undefined for what nothing feeds. */
export function feedOf(opened: Opened | undefined): Feed | undefined {
  return opened && "onEnd" in opened ? opened : undefined;
}

export interface Card {
  readonly id: string;
  readonly group: CardGroup;
  readonly glyph: Glyph;
  readonly name: string;
  /** The name in a sentence, or beside a port. */
  readonly short: string;
  readonly detail: string;
  /** A sentence about what will not work. */
  readonly warning?: string | undefined;
  /** There is one of it: it is in one port at most. Others can be plugged as often as there are ports. */
  readonly single: boolean;
  /** What can be done with it while it is not plugged in. */
  readonly actions?: readonly FeedAction[];
  /** A person may take the card off the list. */
  readonly forget?: () => void | Promise<void>;
  /** What that is called, if it is more than taking it off the list. */
  readonly forgetTitle?: string;
  /** Asks, before it is taken off the list, if something would be lost by it. */
  readonly lossQuestion?: () => string | undefined;
  readonly ids: DeviceIds;
  /** What hotplug rules call it; none for what is gone with the page. */
  readonly names: readonly string[];
  /** Called in the person's click, so it may ask the browser. Rejects with a sentence for the person. */
  open(): Opened | Promise<Opened>;
}

/** A card of which there are as many as there are ports, and that rules call by its id, where nothing else is said. */
export function softwareCard(
  card: Pick<Card, "id" | "group" | "glyph" | "name" | "detail" | "open"> & Partial<Card>,
): Card {
  const { id, name } = card;
  return { short: name, single: false, ids: { name }, names: [id], ...card };
}

/** What is known of a device that does not work. */
export interface DeviceIds {
  readonly name: string;
  readonly vendorId?: number;
  readonly productId?: number;
  /** A serial adapter, which browsers have an API of its own for. */
  readonly isSerial?: boolean;
}
