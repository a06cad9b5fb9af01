/** The name, how the guest is, and what can be done with it as a whole. */
import { html, nothing, type TemplateResult } from "lit";
import { SessionElement } from "./session-element.ts";
import type { GuestState } from "./views.ts";

const STATES: Readonly<Record<GuestState["is"], string>> = {
  off: "Linux is off",
  starting: "Linux is starting",
  running: "Linux is running",
  failed: "Linux did not start",
};

export class PvTopBar extends SessionElement {
  protected override render(): TemplateResult {
    const { guest } = this.session;
    const on = guest.is === "running" || guest.is === "starting";
    return html`
      <header class="top-bar">
        <span class="brand"><img src="./icon.svg" alt="" width="28" height="28" />pvusb</span>
        <span class="guest-state" data-guest=${guest.is}><span class="led" aria-hidden="true"></span>${STATES[guest.is]}</span>
        <span class="gap"></span>
        ${
          on
            ? html`<button type="button" ?disabled=${guest.is === "starting"} @click=${() => this.session.start()}>Restart guest</button>`
            : nothing
        }
        <details class="menu" @focusout=${this.#focusOut} @keydown=${this.#keyDown}>
          <summary aria-label="More" title="More"><span aria-hidden="true">⋯</span></summary>
          <div class="menu-items">
            ${on ? html`<button type="button" @click=${this.#choose(() => this.session.stop())}>Stop guest</button>` : nothing}
            <button type="button" @click=${this.#choose(() => this.session.forgetSavedState())}>Forget saved state</button>
          </div>
        </details>
      </header>
    `;
  }

  #choose(work: () => Promise<void>): () => void {
    return () => {
      this.#close();
      void work();
    };
  }

  #close(): void {
    this.querySelector("details")?.removeAttribute("open");
  }

  #focusOut = (event: FocusEvent): void => {
    const menu = event.currentTarget as HTMLElement;
    if (event.relatedTarget instanceof Node && !menu.contains(event.relatedTarget)) this.#close();
  };

  #keyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    this.#close();
    this.querySelector<HTMLElement>("summary")?.focus();
  };
}

customElements.define("pv-top-bar", PvTopBar);
