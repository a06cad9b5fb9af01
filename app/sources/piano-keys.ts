/** A piano on a computer's keyboard: two rows of keys, an octave and more each. */

/** KeyboardEvent.code → semitones above the lowest C. */
const SEMITONES: ReadonlyMap<string, number> = new Map(
  [
    ["KeyZ KeyS KeyX KeyD KeyC KeyV KeyG KeyB KeyH KeyN KeyJ KeyM Comma KeyL Period", 0] as const,
    ["KeyQ Digit2 KeyW Digit3 KeyE KeyR Digit5 KeyT Digit6 KeyY Digit7 KeyU KeyI", 12] as const,
  ].flatMap(([codes, first]) => codes.split(" ").map((code, index) => [code, first + index] as const)),
);

/** C to C, two octaves above. */
export const SPAN = 25;

const NAMES = ["C", "C sharp", "D", "D sharp", "E", "F", "F sharp", "G", "G sharp", "A", "A sharp", "B"] as const;

export function semitoneOf(code: string): number | undefined {
  return SEMITONES.get(code);
}

/** "C4" is the middle of a piano: 60. */
export function noteName(note: number): string {
  return `${NAMES[note % 12]} ${Math.floor(note / 12) - 1}`;
}

export function isBlack(note: number): boolean {
  return [1, 3, 6, 8, 10].includes(note % 12);
}
