import { defineConfig } from "vitest/config";

/** Guests that are not to be late for a frame of their bus. */
const CLOCKED = ["guest/audio", "guest/camera", "guest/usbtest", "browser/media"].map((name) => `test/${name}.test.ts`);
const PATIENCE = { testTimeout: 300_000, hookTimeout: 300_000 };

// A guest wants a core, and CI has two. Groups run one after another.
export default defineConfig({
  test: {
    reporters: ["default", "./test/plain-reporter.ts"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/property/**/*.test.ts"],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "threads",
          include: ["test/threads/**/*.test.ts"],
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "guest",
          include: ["test/guest/**/*.test.ts"],
          exclude: CLOCKED,
          ...PATIENCE,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "clock",
          include: CLOCKED,
          ...PATIENCE,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          exclude: CLOCKED,
          ...PATIENCE,
          maxWorkers: 2,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
