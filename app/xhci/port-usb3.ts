/**
 * A USB3 port (xHCI 1.2 §4.19.1.2). A link that finds a device trains at once, so Polling never shows.
 *
 *                   connect                  PR, WPR              done
 *   Disconnected ──────────────▶ Enabled ─────────────▶ Reset ──────────▶ Enabled, U0
 *     ▲ ▲ ▲                      U0 ──PLS=U3──▶ U3        │  ▲ │ failed
 *     │ │ │ PLS=RxDetect          ▲           wake│       │  │ ▼
 *     │ │ └───── Disabled ◀─PED─  └──PLS=U0── Resume      │  │ Error (SS.Inactive)
 *     │ │           ▲                                     │  └─WPR, PR─┘
 *     │ │           └────────────────PED──────────────────┘
 *     │ └─disconnect── any but Disabled
 *     └─PP=1── Powered-off ◀──PP=0── any
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
  PLS_HOT_RESET,
  PLS_RESUME,
  PLS_RX_DETECT,
  PLS_U0,
  PLS_U3,
  PORTSC_CSC,
  PORTSC_PLC,
  PORTSC_PRC,
  PORTSC_WRC,
} from "./registers.ts";

const DISABLED: PortState = { name: "disabled", connected: false, link: PLS_DISABLED };
const HOT_RESET: PortState = { name: "reset", connected: true, link: PLS_HOT_RESET };
const WARM_RESET: PortState = { name: "reset", connected: true, link: PLS_RX_DETECT };

export const usb3Port: PortMachine = (state, event) => {
  if (event.type === "power" && !event.on) return state.name === "powered-off" ? undefined : to(POWERED_OFF);
  switch (state.name) {
    case "powered-off":
      return event.type === "power" ? to(DISCONNECTED) : undefined;
    case "disconnected":
      return event.type === "connect" ? to(ENABLED, PORTSC_CSC) : undefined;
    case "disabled":
      return event.type === "link" && event.target === PLS_RX_DETECT ? to(DISCONNECTED) : undefined;
    case "error":
      if (event.type === "reset") return to({ name: "reset", connected: false, link: PLS_RX_DETECT });
      return event.type === "disconnect" ? to(DISCONNECTED) : undefined;
    case "reset": {
      const done = PORTSC_PRC | (state.link === PLS_RX_DETECT ? PORTSC_WRC : 0);
      const lost = state.connected ? PORTSC_CSC : 0;
      if (event.type === "reset-done" && event.ok) return to(ENABLED, done | (state.connected ? 0 : PORTSC_CSC));
      if (event.type === "reset-done") return to({ name: "error" }, done | lost | PORTSC_PLC);
      // Ended by the guest: neither PRC nor WRC (table 5-27).
      if (event.type === "disable") return to(DISABLED, lost);
      return event.type === "disconnect" ? to(DISCONNECTED, done | lost) : undefined;
    }
    case "enabled":
      return enabled(state.link, event);
    default:
      return state satisfies never;
  }
};

/** The link states within Enabled. Recovery, between U3 or Resume and U0, is over before anybody looks. */
function enabled(link: number, event: PortEvent): Transition | undefined {
  switch (event.type) {
    case "disconnect":
      return to(DISCONNECTED, PORTSC_CSC);
    case "reset":
      // A hot reset needs a link that is up; a sleeping one takes a warm reset instead (USB 3.2 §7.4.2).
      return to(event.warm || link !== PLS_U0 ? WARM_RESET : HOT_RESET);
    case "disable":
      return to(DISABLED, PORTSC_CSC);
    case "wake":
      return link === PLS_U3 ? to({ name: "enabled", link: PLS_RESUME }, PORTSC_PLC) : undefined;
    case "link":
      if (event.target === PLS_U3 && link === PLS_U0) return to({ name: "enabled", link: PLS_U3 });
      if (event.target === PLS_U0 && link !== PLS_U0) return to(ENABLED, PORTSC_PLC);
      return undefined;
    default:
      return undefined;
  }
}
