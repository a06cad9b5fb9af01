/** What the benchmark's page and the program that opens it have of each other. */
import type { Row } from "../../app/bench/row.ts";

export interface PageScope {
  /** The page's. */
  runSections(names: readonly string[], rounds: number): Promise<void>;
  // The program's.
  tellRow(row: Row): Promise<void>;
  tellStage(words: string): Promise<void>;
  tellSkip(words: string): Promise<void>;
  /** Milliseconds, of all of Chromium. */
  cpuTime(): Promise<number>;
}
