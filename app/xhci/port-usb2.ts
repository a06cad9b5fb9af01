/**
 * A USB2 port (xHCI 1.2 §4.19.1.1):
 *
 *                   connect             PR               done
 *   Disconnected ───────────▶ Disabled ────▶ Reset ───────────────▶ Enabled
 *        ▲ ▲                     ▲  ▲          │                    U0 ──PLS=U3──▶ U3
 *        │ │ disconnect          │  └───PED────┘                     ▲            │ wake, PLS=Resume
 *        │ └─────────────────────┼─────────────────── any            └─PLS=U0─ Resume
 *   PP=1 │                       └──────────PED───────────────────── Enabled
 *   Powered-off ◀──PP=0── any
 */
import {
  DISCONNECTED,
  ENABLED,
  POWERED_OFF,
  type PortEvent,
  type PortMachine,
  type PortState,
  type Transition,
  to,
} from "./port-state.ts";
import {
  PLS_DISABLED,
  PLS_POLLING,
  PLS_RESUME,
  PLS_U0,
  PLS_U3,
  PORTSC_CSC,
  PORTSC_PLC,
  PORTSC_PRC,
} from "./registers.ts";

/** A device is there and waits for its reset. */
const WAITING: PortState = { name: "disabled", connected: true, link: PLS_POLLING };
/** The guest has disabled the port: that sets no change bit (table 5-27, PEC and PRC). */
const SHUT: PortState = { name: "disabled", connected: true, link: PLS_DISABLED };
const RESET: PortState = { name: "reset", connected: true, link: PLS_POLLING };

export const usb2Port: PortMachine = (state, event) => {
  if (event.type === "power" && !event.on) return state.name === "powered-off" ? undefined : to(POWERED_OFF);
  switch (state.name) {
    case "powered-off":
      return event.type === "power" ? to(DISCONNECTED) : undefined;
    case "disconnected":
      return event.type === "connect" ? to(WAITING, PORTSC_CSC) : undefined;
    case "disabled":
      if (event.type === "reset") return to(RESET);
      return event.type === "disconnect" ? to(DISCONNECTED, PORTSC_CSC) : undefined;
    case "reset":
      // A device that does not come back waits for the next try.
      if (event.type === "reset-done") return to(event.ok ? ENABLED : WAITING, PORTSC_PRC);
      if (event.type === "disable") return to(SHUT);
      return event.type === "disconnect" ? to(DISCONNECTED, PORTSC_CSC | PORTSC_PRC) : undefined;
    case "enabled":
      return enabled(state.link, event);
    case "error": // no state of a USB2 port
      return undefined;
    default:
      return state satisfies never;
  }
};

/** The link states within Enabled (figure 4-26). Resume is 20 ms long because the guest waits that long to end it. */
function enabled(link: number, event: PortEvent): Transition | undefined {
  switch (event.type) {
    case "disconnect":
      return to(DISCONNECTED, PORTSC_CSC);
    case "reset":
      return to(RESET);
    case "disable":
      return to(SHUT);
    case "wake":
      return link === PLS_U3 ? to({ name: "enabled", link: PLS_RESUME }, PORTSC_PLC) : undefined;
    case "link":
      if (event.target === PLS_U3 && link === PLS_U0) return to({ name: "enabled", link: PLS_U3 });
      if (event.target === PLS_RESUME && link === PLS_U3) return to({ name: "enabled", link: PLS_RESUME });
      if (event.target === PLS_U0 && link !== PLS_U0) return to(ENABLED, PORTSC_PLC);
      return undefined;
    default:
      return undefined;
  }
}
