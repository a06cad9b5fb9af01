/** Offers a newer version of the page. Nothing is loaded before a person says so. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import type { Update } from "./page-worker.ts";
import { UPDATE_ELSEWHERE, UPDATE_READY } from "./words.ts";

export class PvUpdate extends LitElement {
  static override properties = { offer: { state: true }, elsewhere: { state: true } };
  /** What is offered. */
  declare offer: Update | undefined;
  /** It was asked for, and another tab has the page. */
  declare elsewhere: boolean;

  constructor() {
    super();
    this.elsewhere = false;
  }

  static override styles = css`
    [aria-live]:not(:empty) {
      position: fixed;
      z-index: 20;
      right: 1rem;
      bottom: 1rem;
      left: 1rem;
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 0.5rem;
      max-width: 40rem;
      margin-inline: auto;
      padding: 0.5rem 0.75rem;
      border: 1px solid var(--line-strong);
      border-radius: var(--radius);
      background: var(--raised);
      box-shadow: 0 0.5rem 1.5rem rgb(0 0 0 / 18%);
    }
    p {
      flex: 1 1 14rem;
      margin: 0;
    }
    button {
      min-height: 2.125rem;
      padding: 0 0.75rem;
      border: 1px solid var(--line-strong);
      border-radius: var(--radius);
      background: none;
      color: inherit;
      font: inherit;
      cursor: pointer;
    }
    button:focus-visible {
      outline: 2px solid var(--accent);
      outline-offset: 2px;
    }
  `;

  protected override render(): TemplateResult {
    // The region is there from the beginning: what comes into it is read out.
    return html`<div aria-live="polite">${
      this.offer
        ? html`<p>${this.elsewhere ? UPDATE_ELSEWHERE : UPDATE_READY}</p>
            <button type="button" @click=${this.#apply}>Load it</button>
            <button type="button" @click=${() => this.#dismiss()}>Not now</button>`
        : nothing
    }</div>`;
  }

  #apply = async (): Promise<void> => {
    this.elsewhere = (await this.offer?.apply()) === false;
  };

  #dismiss(): void {
    this.offer = undefined;
    this.elsewhere = false;
  }
}

customElements.define("pv-update", PvUpdate);
