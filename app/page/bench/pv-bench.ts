/** The benchmark for a person: what to measure, how far it is, what came out, and a link that carries it. */
import { html, LitElement, nothing, type TemplateResult } from "lit";
import wasmUrl from "v86/build/v86.wasm?url";
import { sections } from "../../bench/index.ts";
import { type Row, reaches } from "../../bench/row.ts";
import { type BenchOptions, type BenchPlace, runBench, type Section } from "../../bench/section.ts";
import { fetchFiles } from "../../guest/guest-files.ts";
import { grantFailed, hexId, type Words } from "../../hub/words.ts";
import { wordsBlock } from "../../hub/words-block.ts";
import { unexpected } from "../unexpected.ts";
import type { DriverScope, Measures } from "./driver.ts";
import { type BenchResult, fromLink, type Machine, type SectionResult, toJson, toLink } from "./result.ts";
import "./pv-section-result.ts";

/** From a quick look to figures for a report. */
const ROUNDS = [3, 7, 15] as const;
const USUAL_ROUNDS = 7;
/** The section that wants a device of the person. */
const USB_SECTION = "webusb";

interface Running {
  readonly stop: AbortController;
  readonly since: number;
  /** Sections that are done, and those that were chosen. */
  done: number;
  readonly of: number;
  stage: string;
}

export class PvBench extends LitElement implements Measures {
  static override properties = {
    chosen: { state: true },
    rounds: { state: true },
    result: { state: true },
    running: { state: true },
    problem: { state: true },
    skipped: { state: true },
    device: { state: true },
    said: { state: true },
  };
  declare protected chosen: ReadonlySet<string>;
  declare protected rounds: number;
  declare protected result: BenchResult | undefined;
  declare protected running: Running | undefined;
  declare protected problem: Words | undefined;
  /** Why a section has not all of its rows, by its name. */
  declare protected skipped: ReadonlyMap<string, string>;
  /** For the section that measures WebUSB. */
  declare protected device: USBDevice | undefined;
  declare protected said: string;
  #clock: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    this.chosen = new Set(sections.map(({ name }) => name));
    this.rounds = USUAL_ROUNDS;
    this.skipped = new Map();
    this.said = "";
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#clock = setInterval(() => this.running && this.requestUpdate(), 1000);
    window.addEventListener("hashchange", this.#readLink);
    void this.#readLink();
  }

  override disconnectedCallback(): void {
    clearInterval(this.#clock);
    window.removeEventListener("hashchange", this.#readLink);
    this.running?.stop.abort();
    super.disconnectedCallback();
  }

  complain(words: Words): void {
    this.problem = words;
  }

  async measure(
    names: readonly string[],
    rounds: number,
    { onRow, onStage, onSkip }: Pick<BenchOptions, "onRow" | "onStage" | "onSkip"> = {},
  ): Promise<readonly Row[]> {
    const wanted = sections.filter(({ name }) => names.includes(name));
    const running: Running = {
      stop: new AbortController(),
      since: performance.now(),
      done: 0,
      of: wanted.length,
      stage: "",
    };
    this.problem = undefined;
    this.result = { machine: thisMachine(), sections: wanted.map(({ name }) => ({ name, rows: [] })) };
    this.skipped = new Map();
    this.running = running;
    const all: Row[] = [];
    try {
      for (const section of wanted) {
        const rows = await runBench([section], this.#place(), {
          rounds,
          signal: running.stop.signal,
          onRow: (row) => {
            this.#take(section, row);
            onRow?.(row);
          },
          onStage: (words) => {
            running.stage = words;
            this.requestUpdate();
            onStage?.(words);
          },
          onSkip: (words) => {
            this.skipped = new Map([...this.skipped, [section.name, words]]);
            onSkip?.(words);
          },
        });
        all.push(...rows);
        running.done++;
      }
      return all;
    } finally {
      this.running = undefined;
    }
  }

  #take(section: Section, row: Row): void {
    const { result } = this;
    if (!result) return;
    const withRow = ({ name, rows }: SectionResult): SectionResult => {
      if (name !== section.name) return { name, rows };
      const at = rows.findIndex((each) => each.name === row.name);
      return { name, rows: at < 0 ? [...rows, row] : rows.with(at, row) };
    };
    this.result = { ...result, sections: result.sections.map(withRow) };
  }

  protected override render(): TemplateResult {
    const { running, result, problem } = this;
    return html`
      <header class="top-bar">
        <a class="brand" href="../">pvusb</a>
        <span class="gap"></span>
        <a href="../">To the hub and its guests</a>
      </header>
      <main class="bench">
        <h1>How fast is it here?</h1>
        <p class="bench-lead">
          Each measurement runs pvusb and its rival by turns in this very browser. Only the ratio counts: other work on this
          computer slows both.
        </p>
        <div role="alert">
          ${problem ? html`<div class="problem"><div class="problem-words">${wordsBlock(problem)}</div></div>` : nothing}
        </div>
        ${running ? this.#progress(running) : this.#form()}
        ${result ? this.#result(result) : nothing}
        <p class="bench-said" role="status">${this.said}</p>
      </main>
    `;
  }

  #form(): TemplateResult {
    const { chosen, rounds } = this;
    return html`<form class="bench-form" @submit=${this.#submit}>
      <fieldset class="choices">
        <legend>What to measure</legend>
        ${sections.map(
          ({ name, title }) => html`<label class="choice">
            <input type="checkbox" .checked=${chosen.has(name)} @change=${() => this.#toggle(name)} />
            <span>${title}</span>
          </label>`,
        )}
      </fieldset>
      <div class="bench-buttons">
        <label>
          Rounds
          <select @change=${(event: Event) => this.#setRounds(event)}>
            ${ROUNDS.map((count) => html`<option value=${count} ?selected=${count === rounds}>${count}</option>`)}
          </select>
        </label>
        ${
          chosen.has(USB_SECTION) && navigator.usb
            ? html`<button type="button" @click=${this.#chooseDevice}>
                ${this.device ? `USB device: ${nameOf(this.device)}` : "Choose a USB device…"}
              </button>`
            : nothing
        }
        <button type="submit" class="primary" ?disabled=${chosen.size === 0}>Measure</button>
      </div>
    </form>`;
  }

  #progress({ done, of, stage, since }: Running): TemplateResult {
    const seconds = Math.round((performance.now() - since) / 1000);
    const time = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
    return html`<div class="progress">
      <span class="progress-stage">${stage}…</span>
      <span class="progress-time">part ${done + 1} of ${of}, ${time}</span>
      <div
        class="progress-bar"
        role="progressbar"
        aria-label="The benchmark is running"
        aria-valuemin="0"
        aria-valuemax=${of}
        aria-valuenow=${done}
        aria-valuetext=${`${stage}, part ${done + 1} of ${of}`}
      >
        <div style=${`width: ${(100 * (done + 0.5)) / of}%`}></div>
      </div>
      <button type="button" @click=${this.#stop}>Stop</button>
    </div>`;
  }

  #result(result: BenchResult): TemplateResult {
    const { machine } = result;
    const rows = result.sections.flatMap((section) => section.rows);
    const wanted = rows.filter(({ bar }) => bar !== null);
    const reached = wanted.filter((row) => reaches(row)).length;
    return html`
      <section class="bench-result" aria-label="Result">
        ${
          rows.length > 0
            ? html`<p>
                ${wanted.length > 0 ? html`<strong>${reached} of ${wanted.length}</strong> of what we want is reached. ` : nothing}
                ${new Date(machine.at).toLocaleString()}, ${machine.cpus} processors, ${machine.browser}
              </p>`
            : nothing
        }
        ${
          rows.length > 0 && !this.running
            ? html`<div class="bench-buttons">
                <button type="button" @click=${() => this.#copyLink(result)}>Copy a link to this result</button>
                <button type="button" @click=${() => this.#save(result)}>Save as JSON</button>
              </div>`
            : nothing
        }
        ${result.sections.map((section) => this.#section(section))}
      </section>
    `;
  }

  #section({ name, rows }: SectionResult): TemplateResult | typeof nothing {
    const section = sections.find((each) => each.name === name);
    const skipped = this.skipped.get(name);
    if (!section || (rows.length === 0 && skipped === undefined)) return nothing;
    return html`<section class="bench-section">
      <h2>${section.title}</h2>
      <p class="small">${section.notes}</p>
      ${skipped === undefined ? nothing : html`<p class="bench-skipped">${skipped}</p>`}
      <pv-section-result .heading=${section.title} .rows=${rows}></pv-section-result>
    </section>`;
  }

  #place(): BenchPlace {
    const { cpuTime } = globalThis as Partial<DriverScope>;
    return {
      where: "chromium",
      guest: { files: fetchFiles(new URL("../guest/", document.baseURI)), wasm: wasmUrl },
      ...(cpuTime && { cpuTime }),
      // One that was granted before needs no question.
      usbDevice: async () => this.device ?? (await navigator.usb?.getDevices())?.[0],
    };
  }

  #chooseDevice = async (): Promise<void> => {
    try {
      this.device = await navigator.usb.requestDevice({ filters: [] });
    } catch (error) {
      const words = grantFailed(error);
      if (words) this.complain(words);
      else this.said = "No device was chosen.";
    }
  };

  #toggle(name: string): void {
    const chosen = new Set(this.chosen);
    if (!chosen.delete(name)) chosen.add(name);
    this.chosen = chosen;
  }

  #setRounds(event: Event): void {
    this.rounds = Number((event.target as HTMLSelectElement).value);
  }

  #submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    this.said = "";
    try {
      await this.measure([...this.chosen], this.rounds);
      this.said = "All is measured.";
    } catch (error) {
      if ((error as Error).name === "AbortError") this.said = "Stopped. What was measured until then is below.";
      else this.complain(measureFailed(error));
    }
  };

  #stop = (): void => {
    this.running?.stop.abort();
    this.said = "It stops after this measurement.";
  };

  #readLink = async (): Promise<void> => {
    try {
      const result = await fromLink(location.hash);
      if (result && !this.running) this.result = result;
    } catch {
      this.complain({
        title: "This link has no whole result",
        text: "A part of it is missing. Copy the whole link, or measure here.",
      });
    }
  };

  async #copyLink(result: BenchResult): Promise<void> {
    const link = new URL(await toLink(result), location.href).href;
    // It is in the address, too: from there it can be copied where a page may not.
    history.replaceState(history.state, "", link);
    this.said = await navigator.clipboard.writeText(link).then(
      () => "The link is copied. It has all of the result in it, and nothing was sent anywhere.",
      () => "The link is this page's address now: copy it from there.",
    );
  }

  #save(result: BenchResult): void {
    const url = URL.createObjectURL(new Blob([toJson(result)], { type: "application/json" }));
    const download = `pvusb-bench-${result.machine.at.slice(0, 10)}.json`;
    Object.assign(document.createElement("a"), { href: url, download }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}

function nameOf({ productName, vendorId, productId }: USBDevice): string {
  return productName || `${hexId(vendorId)}:${hexId(productId)}`;
}

function thisMachine(): Machine {
  return { cpus: navigator.hardwareConcurrency, browser: navigator.userAgent, at: new Date().toISOString() };
}

function measureFailed(error: unknown): Words {
  return {
    ...unexpected(error),
    title: "The measurement failed",
    steps: [
      "What was measured until then is below.",
      "Load the page again, and measure the part that failed by itself.",
    ],
  };
}

customElements.define("pv-bench", PvBench);
declare global {
  interface HTMLElementTagNameMap {
    "pv-bench": PvBench;
  }
}
