/**
 * The keys of a keyboard: KeyboardEvent.code (UI Events KeyboardEvent code Values §3) to the usage id of HID's keyboard
 * page (HID Usage Tables 1.12 §10). Both name places on the keyboard, not characters, so the guest's layout decides.
 */

/** Usages from here on are modifiers: one bit each of a report's first byte. */
export const USAGE_CONTROL_LEFT = 0xe0;
/** Stands in every place of a report with more keys than it has places. */
export const USAGE_ERROR_ROLL_OVER = 0x01;

/** Consecutive usages, from the first one on. */
function run(first: number, ...codes: string[]): [string, number][] {
  return codes.map((code, index) => [code, first + index]);
}

const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].map((letter) => `Key${letter}`);
const DIGITS = [..."1234567890"].map((digit) => `Digit${digit}`);
const NUMPAD = [..."1234567890"].map((digit) => `Numpad${digit}`);
const FUNCTIONS = Array.from({ length: 24 }, (_, index) => `F${index + 1}`);

const USAGES: ReadonlyMap<string, number> = new Map([
  ...run(0x04, ...LETTERS),
  ...run(0x1e, ...DIGITS),
  ...run(0x28, "Enter", "Escape", "Backspace", "Tab", "Space", "Minus", "Equal", "BracketLeft", "BracketRight"),
  ...run(0x31, "Backslash"),
  ...run(0x33, "Semicolon", "Quote", "Backquote", "Comma", "Period", "Slash", "CapsLock"),
  ...run(0x3a, ...FUNCTIONS.slice(0, 12)),
  ...run(0x46, "PrintScreen", "ScrollLock", "Pause", "Insert", "Home", "PageUp", "Delete", "End", "PageDown"),
  ...run(0x4f, "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"),
  ...run(0x53, "NumLock", "NumpadDivide", "NumpadMultiply", "NumpadSubtract", "NumpadAdd", "NumpadEnter"),
  ...run(0x59, ...NUMPAD, "NumpadDecimal"),
  ...run(0x64, "IntlBackslash", "ContextMenu", "Power", "NumpadEqual"),
  ...run(0x68, ...FUNCTIONS.slice(12)),
  ...run(0x74, "Open", "Help", "Props", "Select"),
  ...run(0x79, "Again", "Undo", "Cut", "Copy", "Paste", "Find"),
  ...run(0x7f, "AudioVolumeMute", "AudioVolumeUp", "AudioVolumeDown"),
  ...run(0x85, "NumpadComma"),
  ...run(0x87, "IntlRo", "KanaMode", "IntlYen", "Convert", "NonConvert"),
  ...run(0x90, "Lang1", "Lang2", "Lang3", "Lang4", "Lang5"),
  ...run(0x9b, "Abort"),
  ...run(0xb6, "NumpadParenLeft", "NumpadParenRight"),
  ...run(0xbb, "NumpadBackspace"),
  ...run(0xd0, "NumpadMemoryStore", "NumpadMemoryRecall", "NumpadMemoryClear", "NumpadMemoryAdd"),
  ...run(0xd4, "NumpadMemorySubtract"),
  ...run(0xd8, "NumpadClear", "NumpadClearEntry"),
  ...run(0xe0, "ControlLeft", "ShiftLeft", "AltLeft", "MetaLeft"),
  ...run(0xe4, "ControlRight", "ShiftRight", "AltRight", "MetaRight"),
]);

/** The usage id of a key, or undefined for one that keyboards of this kind do not have. */
export function usageOf(code: string): number | undefined {
  return USAGES.get(code);
}
