/** What the benchmark's page and a program that drives it, as `npm run bench` does, have of each other. */
import type { Row } from "../../bench/row.ts";
import type { BenchOptions } from "../../bench/section.ts";

/** <pv-bench>, for the program. */
export interface Measures {
  /** Runs the sections of these names. What was measured before it is stopped, or fails, stays on the page. */
  measure(
    names: readonly string[],
    rounds: number,
    heard?: Pick<BenchOptions, "onRow" | "onStage" | "onSkip">,
  ): Promise<readonly Row[]>;
}

/** The program's, in the page's global scope. */
export interface DriverScope {
  tellRow(row: Row): Promise<void>;
  tellStage(words: string): Promise<void>;
  tellSkip(words: string): Promise<void>;
  /** Milliseconds of processor time, of all of the browser: a page itself does not know them. */
  cpuTime(): Promise<number>;
}
