/** What went wrong, most recent first, each until it is dismissed. */
import { html, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { SessionElement } from "./session-element.ts";
import { wordsBlock } from "./words-block.ts";

export class PvProblems extends SessionElement {
  protected override render(): TemplateResult {
    return html`
      <div class="problems" role="alert" aria-live="assertive">
        ${repeat(
          this.session.problems,
          (words) => words,
          (words) => html`<div class="problem">
            <div class="problem-words">${wordsBlock(words)}</div>
            <button type="button" class="quiet" aria-label="Dismiss this message" @click=${() => this.session.dismiss(words)}>×</button>
          </div>`,
        )}
      </div>
    `;
  }
}

customElements.define("pv-problems", PvProblems);
