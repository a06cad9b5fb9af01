/** Before the guest runs: what this is, and the button that starts it; then how far it is. */
import { html, nothing, type TemplateResult } from "lit";
import { DeskElement } from "../hub/desk-element.ts";
import type { Machine } from "./machine.ts";

/** How far apart the guest's steps are at most, and how long they take. */
const NEXT_STEP = 0.25;
const CREEP_MS = 12_000;

export class PvStart extends DeskElement {
  static override properties = { ...DeskElement.properties, machine: { attribute: false } };
  declare machine: Machine;
  #clock: ReturnType<typeof setInterval> | undefined;
  #reached = { fraction: 0, at: 0 };

  override disconnectedCallback(): void {
    clearInterval(this.#clock);
    super.disconnectedCallback();
  }

  protected override updated(): void {
    const starting = this.machine.state.is === "starting";
    if (starting && this.#clock === undefined) {
      this.#clock = setInterval(() => this.requestUpdate(), 250);
    } else if (!starting) {
      clearInterval(this.#clock);
      this.#clock = undefined;
    }
  }

  /** A booting kernel says nothing for long; meanwhile the bar goes on, ever slower, towards what comes next. */
  #creep(fraction: number): number {
    const now = performance.now();
    if (fraction !== this.#reached.fraction) this.#reached = { fraction, at: now };
    const room = Math.min(NEXT_STEP, 1 - fraction);
    return fraction + room * (1 - Math.exp((this.#reached.at - now) / CREEP_MS));
  }

  protected override render(): TemplateResult | typeof nothing {
    const { state } = this.machine;
    switch (state.is) {
      case "off":
      case "failed":
        return html`
          <div class="start">
            <h1>Plug USB devices into a Linux that runs in this tab.</h1>
            <p>
              Real devices by WebUSB, or software ones: a flash drive, a keyboard. Linux finds them on a virtual USB hub with
              its own drivers.
            </p>
            <button type="button" class="primary" @click=${() => this.machine.start()}>
              ${state.is === "failed" ? "Try again" : "Start Linux"}
            </button>
            <p class="small">Nothing leaves this browser. The first start takes about ten seconds, the next ones a second or two.</p>
          </div>
        `;
      case "starting": {
        const percent = Math.round(this.#creep(state.fraction) * 100);
        const seconds = Math.max(0, (performance.now() - state.since) / 1000);
        return html`
          <div class="progress">
            <span class="progress-stage">${state.stage}…</span>
            <span class="progress-time">${seconds.toFixed(0)} s</span>
            <div
              class="progress-bar"
              role="progressbar"
              aria-label="Linux is starting"
              aria-valuenow=${percent}
              aria-valuemin="0"
              aria-valuemax="100"
              aria-valuetext=${`${state.stage}, ${percent} %`}
            >
              <div style=${`width: ${percent}%`}></div>
            </div>
          </div>
        `;
      }
      case "running":
        return nothing;
    }
  }
}

customElements.define("pv-start", PvStart);
