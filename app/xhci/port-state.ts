/** The states of a root hub port and what moves it from one to another (xHCI 1.2 §4.19.1). PORTSC is made of the state. */
import {
  PLS_DISABLED,
  PLS_HOT_RESET,
  PLS_INACTIVE,
  PLS_POLLING,
  PLS_RESUME,
  PLS_RX_DETECT,
  PLS_U0,
  PLS_U3,
  PORTSC_CCS,
  PORTSC_PED,
  PORTSC_PLS,
  PORTSC_PLS_SHIFT,
  PORTSC_PP,
  PORTSC_PR,
} from "./registers.ts";

export type Protocol = "usb2" | "usb3";

/** What is not said by a state's name, is what PORTSC shows of it. */
export type PortState =
  | { readonly name: "powered-off" }
  | { readonly name: "disconnected" }
  /** USB2: a device waits for its reset. USB3: the link is off, and nobody looks whether a device is there. */
  | { readonly name: "disabled"; readonly connected: boolean; readonly link: typeof PLS_POLLING | typeof PLS_DISABLED }
  /** USB3: the link does not come up, and only a warm reset helps. */
  | { readonly name: "error" }
  /** A USB3 link in RxDetect is in a warm reset. */
  | {
      readonly name: "reset";
      readonly connected: boolean;
      readonly link: typeof PLS_POLLING | typeof PLS_HOT_RESET | typeof PLS_RX_DETECT;
    }
  /** U1 and U2 never show: the link of software is at work whenever somebody looks. */
  | { readonly name: "enabled"; readonly link: typeof PLS_U0 | typeof PLS_U3 | typeof PLS_RESUME };

export type PortEvent =
  // from the socket and its device
  | { readonly type: "connect" }
  | { readonly type: "disconnect" }
  | { readonly type: "wake" }
  | { readonly type: "reset-done"; readonly ok: boolean }
  // written by the guest
  | { readonly type: "power"; readonly on: boolean }
  | { readonly type: "reset"; readonly warm: boolean }
  | { readonly type: "disable" }
  | { readonly type: "link"; readonly target: number };

export interface Transition {
  readonly state: PortState;
  /** The change bits that it sets (table 5-27). */
  readonly changes: number;
}

/** The state after an event; undefined when the event does not concern a port in this state. */
export type PortMachine = (state: PortState, event: PortEvent) => Transition | undefined;

export const POWERED_OFF: PortState = { name: "powered-off" };
export const DISCONNECTED: PortState = { name: "disconnected" };
export const ENABLED: PortState = { name: "enabled", link: PLS_U0 };

export function to(state: PortState, changes = 0): Transition {
  return { state, changes };
}

/** PP, CCS, PED, PR and PLS. */
export function portscOf(state: PortState): number {
  switch (state.name) {
    case "powered-off": // PLS is undefined without power
      return PLS_DISABLED << PORTSC_PLS_SHIFT;
    case "disconnected":
      return PORTSC_PP | (PLS_RX_DETECT << PORTSC_PLS_SHIFT);
    case "disabled":
      return PORTSC_PP | (state.connected ? PORTSC_CCS : 0) | (state.link << PORTSC_PLS_SHIFT);
    case "error":
      return PORTSC_PP | (PLS_INACTIVE << PORTSC_PLS_SHIFT);
    case "reset":
      return PORTSC_PP | PORTSC_PR | (state.connected ? PORTSC_CCS : 0) | (state.link << PORTSC_PLS_SHIFT);
    case "enabled":
      return PORTSC_PP | PORTSC_CCS | PORTSC_PED | (state.link << PORTSC_PLS_SHIFT);
    default:
      return state satisfies never;
  }
}

/** The other way round: a saved state keeps registers. What no port can show is an empty one. */
export function stateOf(portsc: number): PortState {
  if (!(portsc & PORTSC_PP)) return POWERED_OFF;
  const connected = (portsc & PORTSC_CCS) !== 0;
  const link = (portsc & PORTSC_PLS) >>> PORTSC_PLS_SHIFT;
  const isReset = (portsc & PORTSC_PR) !== 0;
  const isEnabled = (portsc & PORTSC_PED) !== 0;
  switch (link) {
    case PLS_POLLING:
      return isReset ? { name: "reset", connected, link } : { name: "disabled", connected, link };
    case PLS_HOT_RESET:
      return { name: "reset", connected, link };
    case PLS_RX_DETECT:
      return isReset ? { name: "reset", connected, link } : DISCONNECTED;
    case PLS_DISABLED:
      return { name: "disabled", connected, link };
    case PLS_INACTIVE:
      return { name: "error" };
    case PLS_U0:
    case PLS_U3:
    case PLS_RESUME:
      return isEnabled ? { name: "enabled", link } : DISCONNECTED;
    default:
      return DISCONNECTED;
  }
}
