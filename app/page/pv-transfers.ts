/**
 * The last transfers as a table, and one of them with all its fields and bytes. It listens while it is in the page; only the rows
 * that are in sight are drawn.
 *
 * In the table: arrows, Page Up, Page Down, Home and End go from row to row, Enter opens one, Escape closes it.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { readSetup, setupFields } from "../trace/decode/describe.ts";
import type { Field, Transfer } from "../trace/decode/description.ts";
import { hexDump } from "../trace/decode/hex-dump.ts";
import { TransferWatch, type Watched } from "./transfer-watch.ts";

/** Rows beside those in sight. */
const OVERSCAN = 4;
/** Until a row was measured. */
const ROW_PX = 28;

export class PvTransfers extends LitElement {
  static override properties = { controller: { attribute: false } };
  /** Whose transfers; none while its guest is off. */
  declare controller: Watched | undefined;
  readonly watch = new TransferWatch(() => {
    this.requestUpdate();
    return this.updateComplete;
  });
  #paused = false;
  /** The newest rows stay in sight. */
  #follows = true;
  #rowPx = ROW_PX;
  /** The row that the keyboard is at, by its number. */
  #current: number | undefined;
  #opened: Transfer | undefined;
  /** The topmost row in sight, by its number, and how much of it is above. */
  #anchor: { readonly number: number; readonly above: number } | undefined;
  #rows: readonly number[] = [];

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.watch.stop();
  }

  protected override willUpdate(changed: PropertyValues): void {
    const { controller, watch } = this;
    if (changed.has("controller")) {
      watch.stop();
      if (controller !== changed.get("controller")) this.#opened = undefined;
    }
    if (controller && !this.#paused && !watch.running && this.isConnected) watch.start(controller);
    if (!controller) watch.stop();
    this.#rows = watch.rows;
  }

  protected override render(): TemplateResult {
    const { controller, watch } = this;
    const { heard, kept } = watch.counts;
    const rows = this.#rows;
    const note = !controller
      ? "The transfers of the guest are seen here once it runs."
      : `${number(rows.length)} of the last ${number(kept)} shown; ${number(heard)} heard${this.#paused ? ", paused" : ""}.`;
    return html`
      <div class="pane-tools">
        <button type="button" aria-pressed=${this.#paused} ?disabled=${!controller} @click=${this.#pause}>Pause</button>
        <button type="button" ?disabled=${kept === 0} @click=${this.#clear}>Clear</button>
        <label>Port
          <select @change=${this.#choosePort}>
            <option value="" ?selected=${watch.port === ""}>All</option>
            ${this.#places.map(
              ({ name, path }) =>
                html`<option value=${path} ?selected=${watch.port === path}>${path}: ${name}</option>`,
            )}
          </select>
        </label>
        <label>Find <input type="search" autocomplete="off" spellcheck="false" .value=${watch.text} @input=${this.#find} /></label>
      </div>
      <p class="pane-note">${note}</p>
      ${this.#table(rows)} ${this.#opened ? this.#details(this.#opened) : nothing}
    `;
  }

  /** The one that was chosen stays there when its device is pulled out. */
  get #places(): TransferWatch["places"] {
    const { places, port } = this.watch;
    const isThere = port === "" || places.some(({ path }) => path === port);
    return isThere ? places : [...places, { path: port, name: "empty" }];
  }

  #table(rows: readonly number[]): TemplateResult {
    const { from, to } = this.#inSight(rows);
    const drawn = rows.slice(from, to);
    const focusable = this.#current !== undefined && drawn.includes(this.#current) ? this.#current : drawn.at(-1);
    const room = `padding-block: ${from * this.#rowPx}px ${(rows.length - to) * this.#rowPx}px`;
    return html`
      <div class="transfers-scroll" @scroll=${this.#scrolled} @keydown=${this.#key}>
        <div style=${room}>
          <table role="grid" aria-label="The last transfers" aria-rowcount=${rows.length + 1}>
            <thead>
              <tr aria-rowindex="1">
                <th scope="col" class="wide">Time</th>
                <th scope="col">Port</th>
                <th scope="col">Endpoint</th>
                <th scope="col" class="wide">Took</th>
                <th scope="col" class="what">What</th>
              </tr>
            </thead>
            <tbody>
              ${drawn.map((each, index) => this.#row(each, from + index + 2, each === focusable))}
            </tbody>
          </table>
        </div>
      </div>
    `;
  }

  #row(number: number, index: number, isFocusable: boolean): TemplateResult | typeof nothing {
    const transfer = this.watch.at(number);
    if (!transfer) return nothing;
    const { duration, endpoint, port, time } = transfer;
    const { text } = this.watch.describe(transfer);
    return html`<tr
      data-number=${number}
      data-failed=${transfer.errors > 0 || nothing}
      aria-rowindex=${index}
      aria-selected=${this.#opened?.number === number}
      tabindex=${isFocusable ? 0 : -1}
      @click=${() => this.#open(number)}
      @focus=${() => this.#focused(number)}
    >
      <td class="wide">${clock(time)}</td>
      <td>${port}</td>
      <td>${(endpoint & 0x0f) === 0 ? "0" : `${endpoint & 0x0f} ${endpoint & 0x80 ? "in" : "out"}`}</td>
      <td class="wide">${duration === undefined ? "" : took(duration)}</td>
      <td class="what" title=${text}>${text}</td>
    </tr>`;
  }

  #details(transfer: Transfer): TemplateResult {
    const { actual, address, data, length, port, setup, stream } = transfer;
    const { fields, text } = this.watch.describe(transfer);
    const about: Field[] = [
      { name: "device", value: `address ${address} in port ${port}` },
      ...(stream ? [{ name: "stream", value: String(stream) }] : []),
      { name: "bytes", value: `${number(actual)} of ${number(length)}` },
    ];
    const all = actual > data.length && data.length > 0 ? ` (the first ${number(data.length)})` : "";
    return html`
      <section class="transfer-details" aria-label="Transfer" @keydown=${this.#detailsKey}>
        <div class="transfer-title">
          <h3>${text}</h3>
          <button type="button" class="quiet" @click=${this.#close}>Close</button>
        </div>
        <dl tabindex="0">
          ${[...about, ...(setup ? setupFields(readSetup(setup)) : []), ...fields].map(
            ({ name, value }) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
          )}
        </dl>
        ${
          data.length > 0
            ? html`<h4>Bytes${all}</h4>
                <pre tabindex="0" aria-label="Bytes of the transfer">${hexDump(data)}</pre>`
            : nothing
        }
      </section>
    `;
  }

  // ------------------------------------------------------------------ what is in sight

  get #scroller(): HTMLElement | null {
    return this.querySelector(".transfers-scroll");
  }

  /** Which rows are drawn, by their index. */
  #inSight(rows: readonly number[]): { readonly from: number; readonly to: number } {
    const height = this.#scroller?.clientHeight ?? 0;
    const count = Math.ceil(height / this.#rowPx) + 2 * OVERSCAN;
    const top = this.#follows ? rows.length - count : this.#indexOfAnchor(rows) - OVERSCAN;
    const from = Math.max(0, Math.min(top, rows.length - count));
    return { from, to: Math.min(rows.length, from + count) };
  }

  /** Where the topmost row in sight is now; if it is gone, the one behind it. */
  #indexOfAnchor(rows: readonly number[]): number {
    const anchor = this.#anchor?.number ?? 0;
    const index = rows.findIndex((each) => each >= anchor);
    return index < 0 ? rows.length : index;
  }

  protected override updated(): void {
    const scroller = this.#scroller;
    if (!scroller) return;
    const row = scroller.querySelector<HTMLElement>("tbody tr");
    if (row && row.offsetHeight > 0 && Math.abs(row.offsetHeight - this.#rowPx) >= 1) {
      this.#rowPx = row.offsetHeight;
      this.requestUpdate();
    }
    const top = this.#follows
      ? scroller.scrollHeight - scroller.clientHeight
      : this.#indexOfAnchor(this.#rows) * this.#rowPx + (this.#anchor?.above ?? 0);
    if (Math.abs(scroller.scrollTop - top) >= 1) scroller.scrollTop = top;
  }

  #scrolled = (): void => {
    const scroller = this.#scroller;
    if (!scroller) return;
    const { clientHeight, scrollHeight, scrollTop } = scroller;
    const index = Math.floor(scrollTop / this.#rowPx);
    const followed = this.#follows;
    this.#follows = scrollTop + clientHeight >= scrollHeight - this.#rowPx / 2;
    this.#anchor = { number: this.#rows[index] ?? 0, above: scrollTop - index * this.#rowPx };
    if (!followed || !this.#follows) this.requestUpdate();
  };

  // ------------------------------------------------------------------ what a person does

  #pause = (): void => {
    this.#paused = !this.#paused;
    if (this.#paused) this.watch.stop();
    this.requestUpdate();
  };

  #clear = (): void => {
    this.watch.clear();
    this.requestUpdate();
  };

  #choosePort = (event: Event): void => {
    this.watch.port = (event.target as HTMLSelectElement).value;
    this.requestUpdate();
  };

  #find = (event: Event): void => {
    this.watch.text = (event.target as HTMLInputElement).value;
    this.requestUpdate();
  };

  /** What a person looks at stands still, unless it is the newest. */
  #focused(number: number): void {
    this.#current = number;
    if (this.#follows) this.#scrolled();
    this.#follows = number === this.#rows.at(-1);
    this.requestUpdate();
  }

  #open(number: number): void {
    const transfer = this.watch.at(number);
    this.#current = number;
    // It stays as it is now, also when it has left the list.
    if (transfer) this.#opened = { ...transfer };
    this.requestUpdate();
  }

  #close = (): void => {
    this.#opened = undefined;
    this.requestUpdate();
    void this.#goTo(this.#current);
  };

  #detailsKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    this.#close();
  };

  #key = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const rows = this.#rows;
    const at = this.#current === undefined ? rows.length - 1 : Math.max(0, rows.indexOf(this.#current));
    const page = Math.max(1, Math.floor((this.#scroller?.clientHeight ?? 0) / this.#rowPx) - 2);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: rows.length - 1,
    };
    const to = steps[event.key];
    if (to !== undefined) void this.#goTo(rows[Math.max(0, Math.min(rows.length - 1, to))]);
    else if (event.key === "Enter" || event.key === " ") this.#open(rows[at] ?? 0);
    else if (event.key === "Escape" && this.#opened) this.#close();
    else return;
    event.preventDefault();
  };

  /** The row comes in sight and has the focus. */
  async #goTo(number: number | undefined): Promise<void> {
    if (number === undefined) return;
    this.#current = number;
    const scroller = this.#scroller;
    const index = this.#rows.indexOf(number);
    if (!scroller || index < 0) return;
    const head = scroller.querySelector<HTMLElement>("thead")?.offsetHeight ?? 0;
    const top = index * this.#rowPx;
    const room = scroller.clientHeight - head - this.#rowPx;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
    this.#scrolled();
    await this.updateComplete;
    this.querySelector<HTMLElement>(`tr[data-number="${number}"]`)?.focus({ preventScroll: true });
  }
}

function number(value: number): string {
  return value.toLocaleString("en");
}

/** µs since 1970 → "12:34:56.789012", in the person's own time. */
function clock(time: number): string {
  const date = new Date(time / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const seconds = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${seconds}.${String(time % 1e6).padStart(6, "0")}`;
}

/** µs → "850 µs", "12.3 ms". */
function took(duration: number): string {
  if (duration < 1000) return `${duration} µs`;
  return duration < 1e6 ? `${(duration / 1000).toFixed(1)} ms` : `${(duration / 1e6).toFixed(1)} s`;
}

customElements.define("pv-transfers", PvTransfers);
declare global {
  interface HTMLElementTagNameMap {
    "pv-transfers": PvTransfers;
  }
}
