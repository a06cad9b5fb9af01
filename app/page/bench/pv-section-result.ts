/** What a section has measured so far: a chart of its ratios round by round, and a table of its rows. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import { type Row, reaches } from "../../bench/row.ts";
import { type Chart, colourOf } from "./pv-chart.ts";
import "./pv-chart.ts";
import "./pv-stages.ts";

export class PvSectionResult extends LitElement {
  static override properties = { rows: { attribute: false }, heading: { attribute: false }, focused: { state: true } };
  declare rows: readonly Row[];
  declare heading: string;
  declare protected focused: number | undefined;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override render(): TemplateResult | typeof nothing {
    if (this.rows.length === 0) return nothing;
    const rows = this.rows.filter(({ stages }) => !stages);
    const charted = this.#charted();
    return html`
      ${this.#chart(charted)} ${this.#curves()} ${this.#stages()}
      <div class="rows-scroll" tabindex="0" role="region" aria-label=${`Table: ${this.heading}`}>
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">pvusb</th>
              <th scope="col">Rival</th>
              <th scope="col">Ratio</th>
              <th scope="col">Rounds between</th>
              <th scope="col">Wanted</th>
            </tr>
          </thead>
          <tbody>
            ${rows.map((row) => this.#row(row, charted.indexOf(row)))}
          </tbody>
        </table>
      </div>
    `;
  }

  /** `curve` is the index of its curve in the chart, or -1. */
  #row(row: Row, curve: number): TemplateResult {
    const { name, ours, rival, ratio, spread, bar, higherIsBetter } = row;
    const reached = reaches(row);
    return html`<tr
      ?data-wanted=${bar !== null}
      @pointerenter=${() => this.#focus(curve < 0 ? undefined : curve)}
      @pointerleave=${() => this.#focus(undefined)}
    >
      <th scope="row">
        <span class="swatch" style=${curve < 0 ? "" : `background: ${colourOf(curve)}`} aria-hidden="true"></span>${name}
      </th>
      <td>${inUnit(row, ours)}</td>
      <td>${rival === null ? "–" : inUnit(row, rival)}</td>
      <td><strong>${short(ratio)}</strong></td>
      <td>${short(spread.min)} to ${short(spread.max)}</td>
      <td>${
        bar === null
          ? nothing
          : html`${higherIsBetter ? "at least" : "at most"} ${bar}
              <span class="verdict" data-reached=${String(reached)}>${reached ? "reached" : "missed"}</span>`
      }</td>
    </tr>`;
  }

  /** What has a curve in the chart. Where something is wanted, the rest would only be in its way. */
  #charted(): readonly Row[] {
    const compared = this.rows.filter(({ rival, curve, stages }) => rival !== null && !curve && !stages);
    const wanted = compared.filter(({ bar }) => bar !== null);
    return wanted.length > 0 ? wanted : compared;
  }

  #chart(charted: readonly Row[]): TemplateResult | typeof nothing {
    if (charted.length === 0) return nothing;
    const curves = charted.map(({ name, figures: { ours, rival } }) => ({
      name,
      values: ours.map((figure, round) => (rival ? figure / (rival[round] ?? Number.NaN) : figure)),
    }));
    const rounds = Math.max(...curves.map(({ values }) => values.length));
    // A result out of a link has no rounds.
    if (rounds === 0) return nothing;
    const chart: Chart = {
      x: { name: "round", values: Array.from({ length: rounds }, (_, round) => round + 1) },
      y: { name: "pvusb ÷ rival", logarithmic: true, mark: 1 },
      curves: curves.map(({ name, values }) => ({
        name,
        values: Array.from({ length: rounds }, (_, round) => values[round] ?? null),
      })),
    };
    return html`<pv-chart .chart=${chart} .focused=${this.focused}></pv-chart>`;
  }

  /** How a figure grows with the number of what is at work. */
  #curves(): TemplateResult | typeof nothing {
    const rows = this.rows.filter(({ curve }) => curve !== undefined);
    if (rows.length === 0) return nothing;
    return html`<div class="curves">${rows.map((row) => curveOf(row))}</div>`;
  }

  /** Where the time of one goes. */
  #stages(): TemplateResult | typeof nothing {
    const rows = this.rows.filter(({ stages }) => stages !== undefined);
    const names = rows[0]?.stages?.map(({ name }) => name);
    if (!names) return nothing;
    const heading = "Where the time goes, in microseconds";
    return html`<pv-stages .rows=${rows}></pv-stages>
      <div class="rows-scroll" tabindex="0" role="region" aria-label=${heading}>
      <table class="rows">
        <caption>
          ${heading}
        </caption>
        <thead>
          <tr>
            <th scope="col">What</th>
            ${names.map((name) => html`<th scope="col">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ name, stages }) => html`<tr>
              <th scope="row">${name}</th>
              ${stages?.map(({ microseconds }) => html`<td>${short(microseconds)}</td>`)}
            </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  #focus(index: number | undefined): void {
    this.focused = index;
  }
}

function curveOf({ name, unit, curve }: Row): TemplateResult | typeof nothing {
  if (!curve) return nothing;
  const chart: Chart = {
    x: { name: curve.over, values: curve.points.map(({ x }) => x) },
    y: { name: unit },
    curves: [{ name, values: curve.points.map(({ ours }) => ours) }],
  };
  const inWords = curve.points.map(({ x, ours }) => `${x}: ${short(ours)} ${unit}`).join(", ");
  return html`<figure>
    <figcaption>${name}</figcaption>
    <pv-chart .chart=${chart}></pv-chart>
    <p class="visually-hidden">${inWords}</p>
  </figure>`;
}

function inUnit({ unit, bytesEach }: Row, value: number): string {
  const own = `${short(value)} ${unit === "1/s" ? "per s" : unit}`;
  return bytesEach === undefined ? own : `${own}, ${short((value * bytesEach) / 1e6)} MB/s`;
}

/** Three digits are more than the noise leaves. */
function short(value: number): string {
  return value.toLocaleString("en", { maximumSignificantDigits: 3, notation: value >= 1e4 ? "compact" : "standard" });
}

customElements.define("pv-section-result", PvSectionResult);
