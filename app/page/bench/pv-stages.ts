/** Where the time of transfers goes: a bar each, on one scale, cut into stages. The figures stand in the table below. */
import { html, LitElement, type nothing, type TemplateResult } from "lit";
import type { Row } from "../../bench/row.ts";
import { colourOf } from "./pv-chart.ts";

export class PvStages extends LitElement {
  static override properties = { rows: { attribute: false } };
  /** Those that have stages. */
  declare rows: readonly Row[];

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override render(): TemplateResult | typeof nothing {
    const { rows } = this;
    const longest = Math.max(...rows.map(({ ours }) => ours));
    const names = rows[0]?.stages?.map(({ name }) => name) ?? [];
    return html`
      <ul class="stage-names">
        ${names.map((name, index) => html`<li><span class="swatch" style=${`background: ${colourOf(index)}`} aria-hidden="true"></span>${name}</li>`)}
      </ul>
      <dl class="stages">
        ${rows.map(
          (row) => html`<dt>${row.name}</dt>
            <dd>
              <span class="stage-bar" style=${`width: ${(80 * row.ours) / longest}%`} aria-hidden="true">
                ${row.stages?.map(
                  ({ microseconds }, index) =>
                    html`<span style=${`flex-grow: ${microseconds}; background: ${colourOf(index)}`}></span>`,
                )}
              </span>
              <span>${row.ours.toFixed(1)} µs</span>
            </dd>`,
        )}
      </dl>
    `;
  }
}

customElements.define("pv-stages", PvStages);
