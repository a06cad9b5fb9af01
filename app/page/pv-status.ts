/** The last thing that happened, in words: seen, and read out politely. */
import { html, type TemplateResult } from "lit";
import { SessionElement } from "./session-element.ts";

export class PvStatus extends SessionElement {
  protected override render(): TemplateResult {
    return html`<p class="status" role="status" aria-live="polite">${this.session.announcement}</p>`;
  }
}

customElements.define("pv-status", PvStatus);
