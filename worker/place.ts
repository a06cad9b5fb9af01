/** Where a port is: a port of the link, and behind it as many hubs as `tier` says, along `route` (USB 3.2 §8.9). */
export interface Place {
  readonly port: number;
  readonly route: number;
  readonly tier: number;
}

/** Bits of a route string for each hub. */
export const TIER_BITS = 4;
/** Hubs in a row (USB 2.0 §4.1.1, USB 3.2 §10.16.2.9). */
export const TIERS_MAX = 5;
/** Ports of a hub that a route string can name. */
export const HUB_PORTS_MAX = 15;

/** Port `number` of the hub that is plugged in at `place`. */
export function behind({ port, route, tier }: Place, number: number): Place {
  return { port, route: route | (number << (TIER_BITS * tier)), tier: tier + 1 };
}

/** As a person writes it: "1" for a port of the controller, "1.2" for port 2 of the hub there. */
export function placeName({ port, route }: Pick<Place, "port" | "route">): string {
  const hops = [port];
  for (let rest = route; rest !== 0; rest >>>= TIER_BITS) hops.push(rest & HUB_PORTS_MAX);
  return hops.join(".");
}
