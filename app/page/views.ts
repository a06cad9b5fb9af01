/** What a person sees of the guest, of a port, and of what they have in their hand. */

import type { Card } from "../hub/card.ts";
import type { UsbPort } from "../index.ts";
import type { StartProgress } from "./guest.ts";

export type GuestState =
  | { readonly is: "off" }
  | ({ readonly is: "starting"; readonly since: number } & StartProgress)
  | { readonly is: "running"; readonly seconds: number; readonly resumed: boolean }
  | { readonly is: "failed" };

/** What a person sees of a port. */
export interface PortView {
  readonly number: number;
  readonly state: "off" | "empty" | "connecting" | "ready" | "failed";
  readonly card: Card | undefined;
  readonly name: string;
  readonly speed: number;
  readonly bytesPerSecond: number;
  readonly inFlight: number;
  readonly errors: number;
  readonly notes: readonly string[];
  /** A rule plugs the card in here by itself; undefined for a card that can have none. */
  readonly ruled: boolean | undefined;
}

/** What is in a person's hand: a card, or what hangs at a port, or files from their computer. */
export type Carried =
  | { readonly is: "card"; readonly card: Card }
  | { readonly is: "port"; readonly port: number }
  | { readonly is: "files" };

export function stateOf(port: UsbPort | undefined, failed: boolean): PortView["state"] {
  if (!port) return "off";
  if (port.plugged) return port.status.enabled && port.status.address !== 0 ? "ready" : "connecting";
  if (port.busy) return "connecting";
  return failed ? "failed" : "empty";
}
