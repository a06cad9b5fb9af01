import { expect, test } from "vitest";
import { hexDump } from "../../../../app/trace/decode/hex-dump.ts";

test("sixteen bytes a line, and what they are as text", () => {
  const bytes = Uint8Array.from({ length: 18 }, (_, at) => (at === 16 ? 0x0a : 0x41 + at));
  expect(hexDump(bytes)).toBe(
    [
      "0000  41 42 43 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  ABCDEFGHIJKLMNOP",
      "0010  0a 52                                             ·R",
    ].join("\n"),
  );
  expect(hexDump(new Uint8Array(0))).toBe("");
});
