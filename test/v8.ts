const { PVUSB_V8 = "" } = process.env;

/** V8's flags for programs that run a guest, as vitest.config.ts has them; none for `npm run soak` and `npm run bench`. */
export const V8_FLAGS: readonly string[] = PVUSB_V8.split(" ").filter(Boolean);
