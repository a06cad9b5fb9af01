/** What the guest gets of the devices of this folder. Written by hand. */
import { SPEED_FULL, SPEED_HIGH, SPEED_LOW, SPEED_SUPER } from "../../asm/layout.ts";

/** Byte offsets and what the guest gets there. */
export type Differences = Readonly<Record<number, number>>;

export interface Expected {
  readonly speed: number;
  /** Interfaces that stay with the browser. */
  readonly held?: readonly number[];
  readonly device?: Differences;
  readonly configuration?: Differences;
}

/** Nothing can carry it. */
export const NO_REMOTE_WAKEUP = { 7: 0x80 };

export const PLUGGED: Readonly<Record<string, Expected>> = {
  "arduino-leonardo": {
    speed: SPEED_FULL,
    held: [2],
    configuration: { ...NO_REMOTE_WAKEUP, 80: 0xff },
  },
  "arduino-uno": { speed: SPEED_FULL },
  "canon-powershot": { speed: SPEED_HIGH },
  cp2102n: { speed: SPEED_FULL },
  ft2232h: { speed: SPEED_HIGH },
  ft232r: { speed: SPEED_FULL, configuration: NO_REMOTE_WAKEUP },
  "laserjet-3330": { speed: SPEED_FULL },
  microbit: {
    speed: SPEED_FULL,
    held: [0, 3],
    configuration: { 14: 0xff, 15: 0, 16: 0, 103: 0xff },
  },
  "nexus-4": { speed: SPEED_FULL },
  rtl2832u: { speed: SPEED_FULL },
  "sato-cg412": { speed: SPEED_FULL },
  "telit-ft980": { speed: SPEED_HIGH, configuration: NO_REMOTE_WAKEUP },
  "xperia-mini-pro": { speed: SPEED_HIGH },
};

/** Nothing of these is left for a page; the speed is that of a page which may have protected classes. */
export const PROTECTED: Readonly<Record<string, { readonly speed: number; readonly words: RegExp }>> = {
  "aureon-audio": { speed: SPEED_FULL, words: /\(audio\).*\(keyboards, mice and other HID\)/ },
  "holtek-gaming-keyboard": { speed: SPEED_FULL, words: /keyboards/ },
  "holtek-keyboard": { speed: SPEED_LOW, words: /keyboards/ },
  "kinesis-keyboard": { speed: SPEED_FULL, words: /keyboards/ },
  "sandisk-extreme": { speed: SPEED_SUPER, words: /mass storage/ },
  "sigma-micro-camera": { speed: SPEED_FULL, words: /video/ },
};

export function differing(bytes: Uint8Array, differences: Differences = {}): number[] {
  return Object.assign([...bytes], differences);
}

/** What a page gets that may have protected classes, too. */
export function unprotected(configuration: Uint8Array): number[] {
  const wakes = ((configuration[7] ?? 0) & 0x20) !== 0;
  return differing(configuration, wakes ? NO_REMOTE_WAKEUP : {});
}
