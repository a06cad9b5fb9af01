import { defineConfig } from "vitest/config";

/** `npm run soak`: what takes too long for `npm test`. */
export default defineConfig({
  test: {
    include: ["test/soak/**/*.test.ts"],
    reporters: ["default", "./test/plain-reporter.ts"],
    testTimeout: 3_600_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
