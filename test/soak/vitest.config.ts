import { defineConfig } from "vitest/config";

/** `npm run soak`: what takes too long for `npm test`; and its guests once more, longer, with V8 as it comes. */
export default defineConfig({
  test: {
    include: ["soak", "guest", "browser"].map((folder) => `test/${folder}/**/*.test.ts`),
    env: { PVUSB_SOAK: "1" },
    reporters: ["default", "./test/plain-reporter.ts"],
    testTimeout: 3_600_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
