/** Curves over a common x, drawn by uPlot. What it shows stands in a table, too: it is a picture for the eye. */
import { html, LitElement, type PropertyValues, type TemplateResult } from "lit";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export interface Curve {
  readonly name: string;
  /** One value for each x, or null. */
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly x: { readonly name: string; readonly values: readonly number[] };
  readonly y: {
    readonly name: string;
    readonly logarithmic?: boolean /** A line across, at this y. */;
    readonly mark?: number;
  };
  readonly curves: readonly Curve[];
}

const HEIGHT = 220;
/** As many colours as an eye tells apart, in light and dark; then they come again. */
const HUES = [187, 28, 265, 95, 340, 55, 220, 150] as const;

export function colourOf(index: number): string {
  const hue = HUES[index % HUES.length];
  return `light-dark(hsl(${hue} 75% 32%), hsl(${hue} 65% 65%))`;
}

export class PvChart extends LitElement {
  static override properties = { chart: { attribute: false }, focused: { type: Number } };
  declare chart: Chart;
  /** The curve that stands out, by its index. */
  declare focused: number | undefined;
  #plot: uPlot | undefined;
  #size: ResizeObserver | undefined;
  readonly #scheme = matchMedia("(prefers-color-scheme: dark)");
  readonly #remake = (): void => this.#make();

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#size = new ResizeObserver(() => this.#plot?.setSize({ width: this.clientWidth, height: HEIGHT }));
    this.#size.observe(this);
    this.#scheme.addEventListener("change", this.#remake);
  }

  override disconnectedCallback(): void {
    this.#size?.disconnect();
    this.#scheme.removeEventListener("change", this.#remake);
    this.#plot?.destroy();
    this.#plot = undefined;
    super.disconnectedCallback();
  }

  protected override render(): TemplateResult {
    return html`<div class="plot" aria-hidden="true"></div>`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("chart")) {
      const before = changed.get("chart")?.curves.length;
      if (this.#plot && before === this.chart.curves.length) this.#plot.setData(this.#data());
      else this.#make();
    }
    const { focused } = this;
    this.#plot?.setSeries(focused === undefined ? null : focused + 1, { focus: true });
  }

  #data(): uPlot.AlignedData {
    const { x, curves } = this.chart;
    return [[...x.values], ...curves.map(({ values }) => [...values])];
  }

  #make(): void {
    this.#plot?.destroy();
    const place = this.querySelector<HTMLElement>(".plot");
    if (!place) return;
    const { x, y, curves } = this.chart;
    const ink = this.#colour("var(--ink-soft)");
    const line = this.#colour("var(--line)");
    const axis = (label: string): uPlot.Axis => ({
      label,
      labelSize: 24,
      stroke: ink,
      grid: { stroke: line, width: 1 },
      ticks: { stroke: line, width: 1 },
    });
    this.#plot = new uPlot(
      {
        width: this.clientWidth,
        height: HEIGHT,
        scales: {
          x: {
            time: false,
            range: (_plot, least, most) => (least === most ? [least - 0.5, most + 0.5] : [least, most]),
          },
          y: y.logarithmic ? { distr: 3 } : {},
        },
        axes: [
          { ...axis(x.name), incrs: [1, 2, 5, 10, 20, 50, 100] },
          { ...axis(y.name), size: 56 },
        ],
        series: [
          {},
          ...curves.map(({ name }, index) => ({
            label: name,
            stroke: this.#colour(colourOf(index)),
            width: 2,
            points: { show: true, size: 6 },
          })),
        ],
        focus: { alpha: 0.15 },
        legend: { show: false },
        cursor: { show: false },
        hooks: { draw: [(plot) => this.#mark(plot)] },
      },
      this.#data(),
      place,
    );
  }

  #mark({ ctx, bbox, valToPos, scales: { y } }: uPlot): void {
    const { mark } = this.chart.y;
    const { min, max } = y ?? {};
    if (mark === undefined || min === undefined || max === undefined || mark < min || mark > max) return;
    const at = Math.round(valToPos(mark, "y", true));
    ctx.save();
    ctx.strokeStyle = this.#colour("var(--ink)");
    ctx.setLineDash([6, 4]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, at);
    ctx.lineTo(bbox.left + bbox.width, at);
    ctx.stroke();
    ctx.restore();
  }

  /** A canvas knows no variables of a style sheet. */
  #colour(value: string): string {
    const probe = document.createElement("i");
    probe.style.color = value;
    this.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  }
}

customElements.define("pv-chart", PvChart);
