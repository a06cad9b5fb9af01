/** Ends a run with the plain line `N passed, N failed, N skipped` that CI reads. */
import type { Reporter, TestModule, TestRunEndReason } from "vitest/node";

export default class PlainReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], _reason: TestRunEndReason): void {
    let passed = 0;
    let failed = errors.length;
    let skipped = 0;
    for (const module of modules) {
      if (module.errors().length > 0) failed++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed++;
        else if (state === "skipped") skipped++;
        else failed++;
      }
    }
    // After the default reporter's summary, so that it is the last line.
    process.once("exit", () =>
      console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`),
    );
  }
}
