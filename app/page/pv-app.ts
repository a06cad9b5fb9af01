/** The whole page. */
import { html, LitElement, type TemplateResult } from "lit";
import { carriedBy } from "./drag.ts";
import type { PvConsole } from "./pv-console.ts";
import type { PvDeviceCard } from "./pv-device-card.ts";
import type { PvHub } from "./pv-hub.ts";
import { Session } from "./session.ts";
import { NOT_ISOLATED } from "./words.ts";
import "./pv-console.ts";
import "./pv-devices.ts";
import "./pv-hub.ts";
import "./pv-problems.ts";
import "./pv-status.ts";
import "./pv-top-bar.ts";

export class PvApp extends LitElement {
  readonly session = new Session();

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("keydown", this.#keyDown);
    addEventListener("dragover", this.#dragOver);
    addEventListener("drop", this.#drop);
  }

  override disconnectedCallback(): void {
    removeEventListener("keydown", this.#keyDown);
    removeEventListener("dragover", this.#dragOver);
    removeEventListener("drop", this.#drop);
    super.disconnectedCallback();
  }

  protected override render(): TemplateResult {
    const { session } = this;
    return html`
      <pv-top-bar .session=${session}></pv-top-bar>
      <main>
        <pv-console .session=${session}></pv-console>
        <div class="side" @pv-picked-up=${() => this.#hub?.go()} @pv-typing=${() => this.#console?.show("screen")}>
          <pv-problems .session=${session}></pv-problems>
          <pv-hub .session=${session}></pv-hub>
          <pv-status .session=${session}></pv-status>
          <pv-devices .session=${session}></pv-devices>
        </div>
      </main>
    `;
  }

  protected override firstUpdated(): void {
    void this.session.watchDevices();
    if (!globalThis.crossOriginIsolated) this.session.complain(NOT_ISOLATED);
    else if (new URLSearchParams(location.search).has("autostart")) void this.#autostart();
  }

  /** The console must be drawn first: it takes what the guest says. */
  async #autostart(): Promise<void> {
    await this.#console?.updateComplete;
    await this.session.start();
  }

  get #console(): PvConsole | null {
    return this.querySelector("pv-console");
  }

  get #hub(): PvHub | null {
    return this.querySelector("pv-hub");
  }

  #keyDown = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    const target = event.target as HTMLElement;
    const inConsole = target.closest("pv-console .face") !== null;
    if (event.key === "F6") {
      event.preventDefault();
      if (inConsole) void this.#hub?.go();
      else this.#console?.focus();
      return;
    }
    const { carried } = this.session;
    if (inConsole || carried?.is !== "card") return;
    if (event.key === "Escape") {
      this.session.carry(undefined);
      this.session.announce("Put back.");
      const cards = [...this.querySelectorAll<PvDeviceCard>("pv-device-card")];
      cards.find(({ card }) => card.id === carried.card.id)?.focus();
    } else if (/^[1-8]$/.test(event.key)) {
      event.preventDefault();
      void this.#hub?.go(Number(event.key));
    }
  };

  /** A file may be dropped anywhere; the browser would open it otherwise. */
  #dragOver = (event: DragEvent): void => {
    if (carriedBy(event, this.session)?.is === "files") event.preventDefault();
  };

  #drop = (event: DragEvent): void => {
    if (event.defaultPrevented || carriedBy(event, this.session)?.is !== "files") return;
    event.preventDefault();
    void this.session.addFiles(event.dataTransfer?.files ?? []);
  };
}

customElements.define("pv-app", PvApp);
