/** What an adapter says on its interrupt endpoint (CDC 1.2 §6.3, PSTN 1.2 §6.5, ECM 1.2 §6.3). */
import { put16 } from "../descriptor.ts";

/** bmRequestType: class, interface, device to host. */
const NOTIFICATION = 0xa1;
const NETWORK_CONNECTION = 0x00;
const SERIAL_STATE = 0x20;
const CONNECTION_SPEED_CHANGE = 0x2a;

export const NETWORK_CONNECTION_LENGTH = 8;
export const SERIAL_STATE_LENGTH = 10;
export const CONNECTION_SPEED_CHANGE_LENGTH = 16;

/** CDC 1.2 §6.3.1. */
export function networkConnection(interfaceNumber: number, connected: boolean): Uint8Array {
  return header(NETWORK_CONNECTION_LENGTH, NETWORK_CONNECTION, connected ? 1 : 0, interfaceNumber);
}

/** PSTN 1.2 §6.5.4: the UART state bitmap. */
export function serialState(interfaceNumber: number, state: number): Uint8Array {
  const bytes = header(SERIAL_STATE_LENGTH, SERIAL_STATE, 0, interfaceNumber);
  put16(bytes, 8, state);
  return bytes;
}

/** CDC 1.2 §6.3.3: bits a second, the same both ways. */
export function connectionSpeedChange(interfaceNumber: number, bitRate: number): Uint8Array {
  const bytes = header(CONNECTION_SPEED_CHANGE_LENGTH, CONNECTION_SPEED_CHANGE, 0, interfaceNumber);
  for (const at of [8, 12]) {
    put16(bytes, at, bitRate);
    put16(bytes, at + 2, bitRate >>> 16);
  }
  return bytes;
}

function header(length: number, notification: number, wValue: number, wIndex: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = NOTIFICATION;
  bytes[1] = notification;
  put16(bytes, 2, wValue);
  put16(bytes, 4, wIndex);
  put16(bytes, 6, length - 8);
  return bytes;
}
