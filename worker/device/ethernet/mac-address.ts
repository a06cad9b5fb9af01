/** MAC addresses: six bytes, the group bit lowest in the first one (IEEE 802, clause 8). */
import { PlugError } from "../../plug-error.ts";

export const ADDRESS_LENGTH = 6;
const GROUP = 0x01;
const LOCAL = 0x02;

/** As a person writes it. Rejects what is no single station's address. */
export function parseMacAddress(text: unknown): Uint8Array {
  const match = typeof text === "string" && /^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$/i.test(text);
  const bytes = match ? Uint8Array.from(text.split(/[:-]/), (part) => Number.parseInt(part, 16)) : undefined;
  if (!bytes || isGroup(bytes) || bytes.every((byte) => byte === 0)) {
    throw new PlugError(
      "UnsupportedError",
      `${text} is no MAC address of an adapter: write 02:00:00:00:00:01, with an even first byte.`,
    );
  }
  return bytes;
}

/** One that nobody else has: locally administered, the rest by chance. */
export function randomMacAddress(): Uint8Array {
  const bytes = crypto.getRandomValues(new Uint8Array(ADDRESS_LENGTH));
  bytes[0] = ((bytes[0] ?? 0) & ~GROUP) | LOCAL;
  return bytes;
}

export function formatMacAddress(bytes: Uint8Array, separator = ":"): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(separator);
}

/** Is the destination of a frame a group: multicast or broadcast? */
export function isGroup(frame: Uint8Array): boolean {
  return ((frame[0] ?? 0) & GROUP) !== 0;
}

/** Do `a` from `at` on and `b` begin with the same address? */
export function sameAddress(a: Uint8Array, at: number, b: Uint8Array): boolean {
  for (let index = 0; index < ADDRESS_LENGTH; index++) if (a[at + index] !== b[index]) return false;
  return true;
}
