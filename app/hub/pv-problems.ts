/** What went wrong, most recent first, each until it is dismissed. */
import { html, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { DeskElement } from "./desk-element.ts";
import type { Words } from "./words.ts";
import { wordsBlock } from "./words-block.ts";

export class PvProblems extends DeskElement {
  #latest: Words | undefined;

  /** What is new is seen, wherever the page was scrolled to. */
  protected override updated(): void {
    const [latest] = this.desk.said.problems;
    if (latest && latest !== this.#latest) this.querySelector(".problem")?.scrollIntoView({ block: "nearest" });
    this.#latest = latest;
  }

  protected override render(): TemplateResult {
    return html`
      <div class="problems" role="alert" aria-live="assertive">
        ${repeat(
          this.desk.said.problems,
          (words) => words,
          (words) => html`<div class="problem" part="problem">
            <div class="problem-words">${wordsBlock(words)}</div>
            <button type="button" class="quiet" aria-label="Dismiss this message" @click=${() => this.desk.dismiss(words)}>×</button>
          </div>`,
        )}
      </div>
    `;
  }
}

customElements.define("pv-problems", PvProblems);
