/** What the reports of mouse and tablet have in common: buttons, wheels, and numbers of a page that are not trusted. */

/** The first byte: bit 0 left, 1 right, 2 middle, 3 back, 4 forward, as MouseEvent.buttons has them. */
export const BUTTONS = 0x1f;

/** Relative values have eight bits. */
export const STEP_MAX = 127;
/** The most that one message moves: 16 reports. */
const DISTANCE_MAX = 16 * STEP_MAX;

/** Buttons 1 to 5 and three bits of padding, inside a collection. */
export const BUTTON_ITEMS = [
  ...[0x05, 0x09, 0x19, 0x01, 0x29, 0x05, 0x15, 0x00, 0x25, 0x01], // usage page button, usages 1 to 5, 0 or 1
  ...[0x75, 0x01, 0x95, 0x05, 0x81, 0x02], // 5 bits: input variable
  ...[0x75, 0x03, 0x95, 0x01, 0x81, 0x01], // 3 bits: input constant
];

/** A whole number of at most `max` either way; 0 for what is no number. */
export function whole(value: unknown, max: number): number {
  return typeof value === "number" && !Number.isNaN(value) ? Math.trunc(Math.max(-max, Math.min(max, value))) : 0;
}

export function distance(value: unknown): number {
  return whole(value, DISTANCE_MAX);
}

/** How far one report goes of what is left to go. */
export function step(left: number): number {
  return Math.max(-STEP_MAX, Math.min(STEP_MAX, left));
}

/** Adds relative values of `next`, from byte `first` on, if all of them fit. */
export function addSteps(waiting: Uint8Array, next: Uint8Array, first: number): boolean {
  for (let at = first; at < next.length; at++) {
    const sum = signed(waiting[at]) + signed(next[at]);
    if (sum < -STEP_MAX || sum > STEP_MAX) return false;
  }
  for (let at = first; at < next.length; at++) waiting[at] = signed(waiting[at]) + signed(next[at]);
  return true;
}

function signed(byte = 0): number {
  return (byte << 24) >> 24;
}
