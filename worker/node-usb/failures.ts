/** What npm `usb` says of a call that failed: there are only words, those of the Rust library under it (nusb 0.2). */

export type Failure = "stall" | "cancelled" | "disconnected" | "denied" | "busy" | "missing" | "other";

/** The first that fits. Transfers use the bare name, control transfers a sentence, other calls one with an errno. */
const WORDS: readonly (readonly [Failure, RegExp])[] = [
  ["stall", /\bstall(ed)?\b/i],
  ["cancelled", /\bcancelled\b|\btimed out\b/i],
  // ENODEV, ESHUTDOWN.
  ["disconnected", /\bdisconnected\b|\berrno (19|108)\b/i],
  // EPERM, EACCES.
  ["denied", /\bpermission denied\b|\berrno (1|13)\b/i],
  // EBUSY.
  ["busy", /\bbusy\b|\berrno 16\b/i],
  // ENOENT.
  ["missing", /\berrno 2\b/i],
];

export function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  return WORDS.find(([, words]) => words.test(message))?.[0] ?? "other";
}

/** In Chromium's words, by which transfer-status.ts knows them. */
export const disconnected = () => new DOMException("The device was disconnected.", "NotFoundError");
export const transferError = () => new DOMException("A transfer error has occurred.", "NetworkError");
export const transferCancelled = () => new DOMException("The transfer was cancelled.", "AbortError");
