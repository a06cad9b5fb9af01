/** The last thing that happened, in words: seen, and read out politely. */
import { html, type TemplateResult } from "lit";
import { DeskElement } from "./desk-element.ts";

export class PvStatus extends DeskElement {
  protected override render(): TemplateResult {
    return html`<p class="status" part="status" role="status" aria-live="polite">${this.desk.said.announcement}</p>`;
  }
}

customElements.define("pv-status", PvStatus);
