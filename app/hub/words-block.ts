/** Draws a message with its steps, and a command with a button that copies it. */
import { html, nothing, type TemplateResult } from "lit";
import type { Words } from "./words.ts";

export function wordsBlock(words: Words): TemplateResult {
  const { title, text, steps = [], command, details } = words;
  return html`
    <p class="words-title">${title}</p>
    <p>${text}</p>
    ${
      steps.length > 1
        ? html`<ul class="words-steps">${steps.map((step) => html`<li>${step}</li>`)}</ul>`
        : steps.map((step) => html`<p>${step}</p>`)
    }
    ${
      command
        ? html`<div class="command">
            <pre tabindex="0" aria-label="Command">${command}</pre>
            <button type="button" class="quiet" @click=${(event: Event) => copy(event, command)}>Copy</button>
          </div>`
        : nothing
    }
    ${
      details
        ? html`<p>
            <button type="button" class="copy-details" @click=${(event: Event) => copy(event, details)}>Copy details</button>
          </p>`
        : nothing
    }
  `;
}

async function copy(event: Event, text: string): Promise<void> {
  const button = event.currentTarget as HTMLButtonElement;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // No permission: the text is selected instead, ready for the person's own copy.
    const pre = button.parentElement?.querySelector("pre");
    if (pre) getSelection()?.selectAllChildren(pre);
    else button.textContent = "The browser does not let this page copy";
  }
}
