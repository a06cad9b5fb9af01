/** Before the guest runs: what this is, and the button that starts it; then how far it is. */
import { html, nothing, type TemplateResult } from "lit";
import { DeskElement } from "../hub/desk-element.ts";
import type { KeptMachines } from "./kept-machines.ts";
import type { Machine } from "./machine.ts";
import { MachineWish, type Wish } from "./pv-machines.ts";

/** How far apart the guest's steps are at most, and how long they take. */
const NEXT_STEP = 0.25;
const CREEP_MS = 12_000;

export class PvStart extends DeskElement {
  static override properties = { ...DeskElement.properties, machine: { attribute: false }, kept: { attribute: false } };
  declare machine: Machine;
  declare kept: KeptMachines;
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
        return this.#off(state.is === "failed");
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
              aria-label=${`${this.machine.name} is starting`}
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

  #off(failed: boolean): TemplateResult {
    const { machine } = this;
    return html`
      <div class="start">
        ${
          machine.isLinux
            ? html`<h1>Plug USB devices into a Linux that runs in this tab.</h1>
                <p>
                  Real devices by WebUSB, or software ones: a flash drive, a keyboard. Linux finds them on a virtual USB hub
                  with its own drivers.
                </p>`
            : html`<h1>${machine.name}</h1>`
        }
        <div class="start-buttons">
          <button type="button" class="primary" @click=${() => machine.start()}>
            ${failed ? "Try again" : machine.isLinux ? "Start Linux" : `Start ${machine.name}`}
          </button>
          ${
            failed || !machine.isLinux
              ? html`<button type="button" @click=${this.#wish({ is: "change" })}>Change it…</button>`
              : html`<button type="button" @click=${this.#wish({ is: "new" })}>Start something else…</button>`
          }
        </div>
        ${
          machine.isLinux
            ? html`<p class="small">
                Nothing leaves this browser. The first start takes about ten seconds, the next ones a second or two. You can
                also drop a disk, CD or kernel on this page.
              </p>`
            : nothing
        }
        ${this.#list()}
      </div>
    `;
  }

  #list(): TemplateResult | typeof nothing {
    const { list } = this.kept;
    if (list.length === 0) return nothing;
    return html`<section class="kept" aria-label="Kept machines">
      <h2>Kept</h2>
      <ul class="kept-machines">
        ${list.map((kept) => {
          const { name } = kept.machine;
          return html`<li>
            <button type="button" @click=${this.#wish({ is: "open", kept })}>
              ${kept.hasState ? `Go on with ${name}` : `Start ${name} as it was kept`}
            </button>
            <span class="small">${new Date(kept.savedAt).toLocaleString()}</span>
            <button type="button" class="quiet" aria-label=${`Forget ${name}`} @click=${() => this.kept.forget(kept)}>Forget</button>
          </li>`;
        })}
      </ul>
    </section>`;
  }

  #wish(wish: Wish): () => void {
    return () => this.dispatchEvent(new MachineWish(wish));
  }
}

customElements.define("pv-start", PvStart);
