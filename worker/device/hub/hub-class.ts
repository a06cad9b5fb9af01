/** The hub class: its requests, feature selectors and hub descriptor (USB 2.0 §11.23, §11.24; USB 3.2 §10.15, §10.16). */

/** bmRequestType << 8 | bRequest (USB 2.0 table 11-15, USB 3.2 table 10-7). */
export const CLEAR_HUB_FEATURE = 0x2001;
export const SET_HUB_FEATURE = 0x2003;
export const SET_HUB_DEPTH = 0x200c;
export const GET_HUB_STATUS = 0xa000;
export const GET_HUB_DESCRIPTOR = 0xa006;
export const CLEAR_PORT_FEATURE = 0x2301;
export const SET_PORT_FEATURE = 0x2303;
export const CLEAR_TT_BUFFER = 0x2308;
export const RESET_TT = 0x2309;
export const GET_PORT_STATUS = 0xa300;
export const GET_PORT_ERR_COUNT = 0xa30d;

/** Features (USB 2.0 table 11-17, USB 3.2 table 10-9): of the hub… */
export const C_HUB_LOCAL_POWER = 0;
export const C_HUB_OVER_CURRENT = 1;
/** …of any port… */
export const PORT_RESET = 4;
export const PORT_POWER = 8;
export const C_PORT_CONNECTION = 16;
export const C_PORT_OVER_CURRENT = 19;
export const C_PORT_RESET = 20;
/** …of a USB 2.0 port… */
export const PORT_ENABLE = 1;
export const PORT_SUSPEND = 2;
export const C_PORT_ENABLE = 17;
export const C_PORT_SUSPEND = 18;
/** …and of a USB 3 port. */
export const PORT_LINK_STATE = 5;
export const PORT_U1_TIMEOUT = 23;
export const PORT_U2_TIMEOUT = 24;
export const C_PORT_LINK_STATE = 25;
export const C_PORT_CONFIG_ERROR = 26;
export const PORT_REMOTE_WAKE_MASK = 27;
export const BH_PORT_RESET = 28;
export const C_BH_PORT_RESET = 29;
export const FORCE_LINKPM_ACCEPT = 30;

export const DESCRIPTOR_HUB = 0x29;
export const DESCRIPTOR_SUPERSPEED_HUB = 0x2a;

/** wHubCharacteristics: power and over-current each port's own; at high speed TT Think Time 0, 8 bit times of full speed. */
const CHARACTERISTICS = 0x0009;
/** bPwrOn2PwrGood in units of 2 ms: the power of a virtual port is good at once. */
const POWER_ON_TO_POWER_GOOD = 0;

/** USB 2.0 §11.23.2.1. Every device can be removed; PortPwrCtrlMask is all ones, for software of USB 1.0. */
export function putHubDescriptor(into: Uint8Array, at: number, ports: number): number {
  const bitmap = bitmapLength(ports);
  const end = at + 7 + 2 * bitmap;
  into[at] = end - at;
  into[at + 1] = DESCRIPTOR_HUB;
  into[at + 2] = ports;
  into[at + 3] = CHARACTERISTICS & 0xff;
  into[at + 4] = CHARACTERISTICS >> 8;
  into[at + 5] = POWER_ON_TO_POWER_GOOD;
  into[at + 6] = 0; // bHubContrCurrent
  into.fill(0x00, at + 7, at + 7 + bitmap);
  into.fill(0xff, at + 7 + bitmap, end);
  return end;
}

/** USB 3.2 §10.15.2.1: no delays, and every device can be removed. */
export function putSuperSpeedHubDescriptor(into: Uint8Array, at: number, ports: number): number {
  const end = at + 12;
  into.fill(0, at, end);
  into[at] = 12;
  into[at + 1] = DESCRIPTOR_SUPERSPEED_HUB;
  into[at + 2] = ports;
  into[at + 3] = CHARACTERISTICS & 0xff;
  into[at + 4] = CHARACTERISTICS >> 8;
  into[at + 5] = POWER_ON_TO_POWER_GOOD;
  return end;
}

/** Bytes of a bit for the hub and one for each port. */
export function bitmapLength(ports: number): number {
  return (ports + 8) >> 3;
}
