/** Which hub splits the transactions of a low- or full-speed device, as far as an xHC checks it (xHCI 1.2 §4.3.3, §6.2.2). */
import { SPEED_FULL, SPEED_HIGH, SPEED_LOW } from "../../asm/layout.ts";
import type { GuestMemory } from "../guest/machine.ts";
import { readSlotContext, type SlotContext } from "./context.ts";
import type { Slot } from "./slot.ts";

/**
 * May a device with this slot context be addressed, beside these slots? One of low or full speed whose hub is a high-speed
 * one names that hub's slot and its port there; behind a slower hub, the translator is that hub's own. No other device has
 * a translator that anybody looks at.
 */
export function translatorFits(device: SlotContext, slots: readonly Slot[], memory: GuestMemory): boolean {
  const { speed, routeString, rootHubPort, ttHubSlot, ttPort } = device;
  if (routeString === 0 || (speed !== SPEED_LOW && speed !== SPEED_FULL)) return true;
  for (const slot of slots) {
    if (slot.address === 0) continue;
    const hub = readSlotContext(memory, slot.context);
    if (hub.rootHubPort !== rootHubPort || hub.routeString !== hubOf(routeString)) continue;
    if (hub.speed === SPEED_HIGH) return ttHubSlot === slot.id && ttPort === lastPort(routeString);
    return ttHubSlot === hub.ttHubSlot && ttPort === hub.ttPort;
  }
  return true; // the route leads nowhere: nobody will answer SET_ADDRESS
}

/** Bits below the last tier's four. */
function tierShift(route: number): number {
  return (31 - Math.clz32(route)) & ~3;
}

/** The port of the last hub on the way. */
function lastPort(route: number): number {
  return route >>> tierShift(route);
}

/** The route of the last hub itself. */
function hubOf(route: number): number {
  return route & ((1 << tierShift(route)) - 1);
}
