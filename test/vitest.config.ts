import { defineConfig } from "vitest/config";

// Guests and browsers want a core each, and CI has two: those projects run one file at a time.
export default defineConfig({
  test: {
    reporters: ["default", "./test/plain-reporter.ts"],
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts", "test/property/**/*.test.ts"] } },
      { test: { name: "threads", include: ["test/threads/**/*.test.ts"], testTimeout: 60_000 } },
      {
        test: {
          name: "guest",
          include: ["test/guest/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
