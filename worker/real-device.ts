/** A USBDevice that knows more than a browser's, because no browser is between it and the computer: npm `usb` in Node. */
import { SPEED_FULL, SPEED_HIGH, SPEED_LOW, SPEED_SUPER } from "../asm/layout.ts";
import type { RealDevice } from "./protocol.ts";

const SPEEDS = { low: SPEED_LOW, full: SPEED_FULL, high: SPEED_HIGH, super: SPEED_SUPER } as const;

export function isReal(device: USBDevice): device is USBDevice & RealDevice {
  return "path" in device;
}

/** SPEED_… of asm/layout.ts, where it is known and need not be inferred. */
export function knownSpeed(device: USBDevice): number | undefined {
  return isReal(device) && device.speed ? SPEEDS[device.speed] : undefined;
}
