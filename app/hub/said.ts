/** What the page says to a person: the last thing that happened, and what went wrong. */
import type { Words } from "./words.ts";

const PROBLEMS_MAX = 3;

export class Said {
  /** For those who do not see the page. */
  announcement = "";
  /** Most recent first, each until it is dismissed. */
  problems: readonly Words[] = [];

  complain(words: Words): void {
    this.announcement = "";
    this.problems = [words, ...this.problems.filter(({ title }) => title !== words.title)].slice(0, PROBLEMS_MAX);
  }

  dismiss(words: Words): void {
    this.problems = this.problems.filter((each) => each !== words);
  }
}
