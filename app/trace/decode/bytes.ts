/** Reads bytes that nobody has checked: what is not there is 0. */

const SHOWN = 16;

export function u8(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

export function u16(bytes: Uint8Array, at: number): number {
  return u8(bytes, at) | (u8(bytes, at + 1) << 8);
}

export function u32(bytes: Uint8Array, at: number): number {
  return (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0;
}

export function be16(bytes: Uint8Array, at: number): number {
  return (u8(bytes, at) << 8) | u8(bytes, at + 1);
}

export function be32(bytes: Uint8Array, at: number): number {
  return ((be16(bytes, at) << 16) | be16(bytes, at + 2)) >>> 0;
}

/** Exact up to 2^53. */
export function be64(bytes: Uint8Array, at: number): number {
  return be32(bytes, at) * 2 ** 32 + be32(bytes, at + 4);
}

export function i8(bytes: Uint8Array, at: number): number {
  return (u8(bytes, at) << 24) >> 24;
}

export function i16(bytes: Uint8Array, at: number): number {
  return (u16(bytes, at) << 16) >> 16;
}

/** 0x81 → "0x81". */
export function hex(value: number, digits = 2): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}

/** "1d50:6018". */
export function ids(bytes: Uint8Array, at: number): string {
  return [u16(bytes, at), u16(bytes, at + 2)].map((id) => id.toString(16).padStart(4, "0")).join(":");
}

/** The first bytes: "55 53 42 43 …". */
export function hexBytes(bytes: Uint8Array, shown = SHOWN): string {
  const head = Array.from(bytes.subarray(0, shown), (byte) => byte.toString(16).padStart(2, "0"));
  return bytes.length > shown ? `${head.join(" ")} …` : head.join(" ");
}

/** Characters that a person can see; others are "·". */
export function ascii(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** The names of the bits that are set, bit 0 first; a bit without a name is its number. */
export function bits(value: number, names: readonly string[], width = names.length): string[] {
  const set: string[] = [];
  for (let bit = 0; bit < width; bit++) if ((value >>> bit) & 1) set.push(names[bit] || `bit ${bit}`);
  return set;
}
