import { defineConfig } from "vitest/config";

/** Guests that are not to be late for a frame of their bus. */
const CLOCKED = ["guest/audio", "guest/camera", "guest/usbtest", "browser/media"].map((name) => `test/${name}.test.ts`);
const PATIENCE = { testTimeout: 300_000, hookTimeout: 300_000 };
/**
 * v86 makes a module of every piece of the guest's code that runs often. V8 would compile each a second time, to optimize it, on
 * the core that another guest wants: together the guests are half as fast with that. Soak and bench run with V8 as it comes.
 */
const V8 = "--liftoff-only";
const GUESTS = { ...PATIENCE, execArgv: [V8], env: { PVUSB_V8: V8 } };

// A guest wants a core, and CI has two. Groups run one after another; in the first, the short unit tests come last and fill both.
export default defineConfig({
  test: {
    reporters: ["default", "./test/plain-reporter.ts"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/property/**/*.test.ts"],
          testTimeout: 30_000,
          maxWorkers: 2,
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
          ...GUESTS,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "clock",
          include: CLOCKED,
          ...GUESTS,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          exclude: CLOCKED,
          ...GUESTS,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
    ],
  },
});
