/** The guest's two faces: its serial console, where a shell waits, and its screen, where a USB keyboard types. */
import { FitAddon } from "@xterm/addon-fit";
import { type ITheme, Terminal } from "@xterm/xterm";
import { html, type PropertyValues, type TemplateResult } from "lit";
import { DeskElement } from "../hub/desk-element.ts";
import type { KeptMachines } from "./kept-machines.ts";
import type { Machine } from "./machine.ts";
import "./pv-start.ts";

const DARK: ITheme = {
  background: "#12171c",
  foreground: "#dfe5ea",
  cursor: "#58b6c0",
  selectionBackground: "#2f4a55",
};
const LIGHT: ITheme = {
  background: "#fdfdfc",
  foreground: "#23292f",
  cursor: "#0b6e75",
  selectionBackground: "#c4e3e6",
  black: "#23292f",
  red: "#b3261e",
  green: "#1b7a3d",
  yellow: "#8a5a00",
  blue: "#1f5fb0",
  magenta: "#8a3a8f",
  cyan: "#0b6e75",
  white: "#6a737c",
  brightBlack: "#57606a",
  brightRed: "#c9302c",
  brightGreen: "#1a8f4c",
  brightYellow: "#9a6700",
  brightBlue: "#2a6fc9",
  brightMagenta: "#a044a5",
  brightCyan: "#0f7f87",
  brightWhite: "#23292f",
};

/** How long a size must last. */
const RESIZE_MS = 200;

type Face = "console" | "screen";

export class PvConsole extends DeskElement {
  static override properties = {
    ...DeskElement.properties,
    machine: { attribute: false },
    kept: { attribute: false },
    face: { state: true },
  };
  declare machine: Machine;
  declare kept: KeptMachines;
  declare face: Face;
  readonly #fit = new FitAddon();
  readonly #dark = matchMedia("(prefers-color-scheme: dark)");
  #terminal: Terminal | undefined;
  #resized: ReturnType<typeof setTimeout> | undefined;
  #resize: ResizeObserver | undefined;
  #wasStarting = false;

  constructor() {
    super();
    this.face = "console";
  }

  override focus(): void {
    if (this.face === "console") this.#terminal?.focus();
    else this.querySelector<HTMLElement>(".screen")?.focus();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resize?.disconnect();
    this.#dark.removeEventListener("change", this.#paint);
  }

  protected override render(): TemplateResult {
    const { name, state } = this.machine;
    const waiting = state.is === "off" || state.is === "failed";
    return html`
      <section class="console" aria-label=${name} data-guest=${state.is}>
        <div class="tabs" role="tablist" aria-label="Views of the guest" @keydown=${this.#tabKeys}>
          ${this.#tab("console", "Console")} ${this.#tab("screen", "Screen")}
          <span class="tabs-note">${state.is === "running" ? this.#note() : ""}</span>
        </div>
        <pv-start .desk=${this.desk} .machine=${this.machine} .kept=${this.kept} class=${waiting ? "covering" : ""}></pv-start>
        <div
          id=${this.#id("console")}
          class="face terminal"
          role="tabpanel"
          aria-label="Console. F6 leaves it."
          ?hidden=${this.face !== "console" || waiting}
        ></div>
        <div id=${this.#id("screen")} class="face screen" role="tabpanel" tabindex="0" aria-label="Screen. F6 leaves it." @focus=${() => this.machine.takeKeys(true)} @blur=${() => this.machine.takeKeys(false)} ?hidden=${this.face !== "screen" || waiting}>
          <div class="screen-container"><div></div><canvas hidden></canvas></div>
        </div>
        <p class="hint" ?hidden=${state.is !== "running"}>
          ${this.#hint()}
        </p>
      </section>
    `;
  }

  #hint(): TemplateResult {
    const isConsole = this.face === "console";
    if (!this.machine.isLinux) {
      return isConsole
        ? html`This is its first serial port: a Linux writes here with <kbd>console=ttyS0</kbd>.`
        : html`Click the screen, and your keys go to its keyboard; <kbd>F6</kbd> leaves it.`;
    }
    return isConsole
      ? html`Plug the flash drive, then type: <kbd>mount /dev/sda /mnt</kbd> <kbd>cat /mnt/README.TXT</kbd>`
      : html`Plug the keyboard and press <em>Type here</em>: a shell on this screen gets what you type.`;
  }

  #id(face: Face): string {
    return `face-${this.machine.id}-${face}`;
  }

  #note(): string {
    const { state } = this.machine;
    if (state.is !== "running") return "";
    return `${state.resumed ? "resumed" : "booted"} in ${state.seconds.toFixed(1)} s`;
  }

  #tab(face: Face, name: string): TemplateResult {
    const chosen = this.face === face;
    return html`<button
      type="button"
      role="tab"
      aria-selected=${String(chosen)}
      aria-controls=${this.#id(face)}
      tabindex=${chosen ? 0 : -1}
      @click=${() => this.show(face)}
    >
      ${name}
    </button>`;
  }

  show(face: Face): void {
    this.face = face;
  }

  #tabKeys = async (event: KeyboardEvent): Promise<void> => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    this.show(this.face === "console" ? "screen" : "console");
    await this.updateComplete;
    this.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
  };

  protected override firstUpdated(): void {
    const place = this.querySelector<HTMLElement>(".terminal");
    const screen = this.querySelector<HTMLElement>(".screen-container");
    if (!place || !screen) return;
    const terminal = new Terminal({
      cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
      fontSize: 14,
      lineHeight: 1.15,
      scrollback: 5000,
    });
    this.#terminal = terminal;
    terminal.loadAddon(this.#fit);
    terminal.open(place);
    terminal.textarea?.setAttribute("aria-label", `Console of ${this.machine.name}. F6 leaves it.`);
    terminal.onResize(({ cols, rows }) => this.#tellSize(cols, rows));
    terminal.onData((data) => this.machine.type(data));
    // Tab belongs to the shell, so another key must lead out.
    terminal.attachCustomKeyEventHandler((event) => event.key !== "F6");
    this.machine.screen = screen;
    this.machine.hub.showScreen = () => this.show("screen");
    this.machine.onConsole = (bytes) => terminal.write(bytes);
    this.#dark.addEventListener("change", this.#paint);
    this.#paint();
    this.#resize = new ResizeObserver(() => this.#refit());
    this.#resize.observe(place);
  }

  /** A guest of a person's own speaks on its screen first. */
  protected override willUpdate(): void {
    super.willUpdate();
    const isStarting = this.machine.state.is === "starting";
    if (isStarting && !this.#wasStarting) this.show(this.machine.isLinux ? "console" : "screen");
    this.#wasStarting = isStarting;
  }

  protected override updated(changed: PropertyValues<this>): void {
    super.updated(changed);
    if (changed.has("face")) this.#refit();
  }

  /** A window that is being drawn larger has many sizes; the guest hears of the last. */
  #tellSize(columns: number, rows: number): void {
    clearTimeout(this.#resized);
    this.#resized = setTimeout(() => this.machine.resize(columns, rows), RESIZE_MS);
  }

  #paint = (): void => {
    if (this.#terminal) this.#terminal.options.theme = this.#dark.matches ? DARK : LIGHT;
  };

  #refit(): void {
    const terminal = this.#terminal;
    const place = terminal?.element?.parentElement;
    if (!terminal || !place || place.offsetWidth === 0) return;
    terminal.options.fontSize = Math.round(Number.parseFloat(getComputedStyle(place).fontSize));
    this.#fit.fit();
  }
}

customElements.define("pv-console", PvConsole);
declare global {
  interface HTMLElementTagNameMap {
    "pv-console": PvConsole;
  }
}
