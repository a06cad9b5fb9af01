/** Bytes as programmers read them, 16 a line: `0000  55 53 42 43 01 00 00 00  24 00 00 00 80 00 06 12  USBC····$·······`. */
import { ascii } from "./bytes.ts";

const LINE = 16;

export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += LINE) {
    const line = bytes.subarray(at, at + LINE);
    const hex = Array.from(line, (byte) => byte.toString(16).padStart(2, "0"));
    const halves = [hex.slice(0, LINE / 2), hex.slice(LINE / 2)].map((half) =>
      half.join(" ").padEnd((LINE / 2) * 3 - 1),
    );
    lines.push(`${at.toString(16).padStart(4, "0")}  ${halves.join("  ")}  ${ascii(line)}`);
  }
  return lines.join("\n");
}
