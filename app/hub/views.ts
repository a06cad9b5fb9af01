/** What a person sees of a port, and of what they have in their hand. */
import type { UsbPort } from "../index.ts";
import type { FeedAction } from "../sources/feed.ts";
import type { Card } from "./card.ts";
import type { Hub } from "./hub.ts";

/** What a person sees of a port. */
export interface PortView {
  /** "3", or "3.2" for port 2 of the hub in port 3. */
  readonly path: string;
  readonly state: "off" | "empty" | "connecting" | "ready" | "failed";
  readonly card: Card | undefined;
  readonly name: string;
  readonly speed: number;
  readonly bytesPerSecond: number;
  /** Bytes per second of the last samples, oldest first. */
  readonly history: readonly number[];
  readonly inFlight: number;
  readonly errors: number;
  readonly notes: readonly string[];
  /** A rule plugs the card in here by itself; undefined for a card that can have none. */
  readonly ruled: boolean | undefined;
  readonly actions: readonly FeedAction[];
  readonly view: HTMLElement | undefined;
}

/** A port of a hub. */
export interface Spot {
  readonly hub: Hub;
  readonly path: string;
}

/** What is in a person's hand: a card, or what hangs at a port, or files from their computer. */
export type Carried =
  | { readonly is: "card"; readonly card: Card }
  | ({ readonly is: "device" } & Spot)
  | { readonly is: "files" };

export function stateOf(port: UsbPort | undefined, failed: boolean): PortView["state"] {
  if (!port) return "off";
  if (port.plugged) return port.status.enabled && port.status.address !== 0 ? "ready" : "connecting";
  if (port.busy) return "connecting";
  return failed ? "failed" : "empty";
}
