/**
 * What periodic endpoints take of a bus, in parts of its time (xHCI 1.2 §4.16). Each root hub port is a bus of its own here.
 *
 * A bus carries so many bytes in a microframe, and periodic transfers may have 80 % of them at high and super speed, 90 % at
 * full and low speed (USB 2.0 §5.6.4, §5.7.4; USB 3.2 §8.12.5.1).
 */

import { SPEED_FULL, SPEED_HIGH, SPEED_LOW, SPEED_SUPER } from "../../asm/layout.ts";
import {
  type EndpointContext,
  EP_TYPE_INTERRUPT_IN,
  EP_TYPE_INTERRUPT_OUT,
  EP_TYPE_ISOCH_IN,
  EP_TYPE_ISOCH_OUT,
  serviceInterval,
} from "./context.ts";

interface Bus {
  readonly bytesPerMicroframe: number;
  /** Percent. */
  readonly periodic: number;
}

const BUSES: Readonly<Record<number, Bus>> = {
  [SPEED_LOW]: { bytesPerMicroframe: 187.5 / 8, periodic: 90 },
  [SPEED_FULL]: { bytesPerMicroframe: 1500 / 8, periodic: 90 },
  [SPEED_HIGH]: { bytesPerMicroframe: 7500, periodic: 80 },
  [SPEED_SUPER]: { bytesPerMicroframe: 62500, periodic: 80 },
};

/** A periodic endpoint's share: bytes in a service interval of so many microframes. */
export interface Share {
  readonly bytes: number;
  readonly microframes: number;
}

/** What an endpoint takes; undefined when it is not periodic. */
export function shareOf(fields: EndpointContext): Share | undefined {
  switch (fields.type) {
    case EP_TYPE_ISOCH_IN:
    case EP_TYPE_ISOCH_OUT:
    case EP_TYPE_INTERRUPT_IN:
    case EP_TYPE_INTERRUPT_OUT:
      return { bytes: fields.maxEsitPayload, microframes: serviceInterval(fields) };
    default:
      return undefined;
  }
}

/** Percent of the bus that is left for periodic transfers, rounded down; negative when there is too little. */
export function percentLeft(speed: number, shares: Iterable<Share>): number {
  const bus = BUSES[speed];
  if (!bus) return 0;
  let used = 0;
  for (const { bytes, microframes } of shares) used += bytes / microframes;
  return Math.floor(bus.periodic - (100 * used) / bus.bytesPerMicroframe);
}
