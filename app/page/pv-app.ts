/** The whole page. */
import { html, LitElement, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { carryKey, takeFiles } from "../hub/carried.ts";
import type { PvPorts } from "../hub/pv-ports.ts";
import { droppedFiles } from "./dropped-items.ts";
import type { PvConsole } from "./pv-console.ts";
import type { MachineWish } from "./pv-machines.ts";
import { Session } from "./session.ts";
import "../hub/pv-devices.ts";
import "../hub/pv-ports.ts";
import "../hub/pv-problems.ts";
import "../hub/pv-status.ts";
import "./pv-console.ts";
import "./pv-machines.ts";
import "./pv-panels.ts";
import "./pv-top-bar.ts";

export class PvApp extends LitElement {
  readonly session = new Session();

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.session.desk.follow(() => this.requestUpdate());
    addEventListener("keydown", this.#keyDown);
    addEventListener("dragover", this.#dragOver);
    addEventListener("drop", this.#drop);
    this.addEventListener("pv-machine-wish", this.#wish);
  }

  protected override render(): TemplateResult {
    const { session } = this;
    const { desk, machines, current, sideBySide } = session;
    return html`
      <pv-top-bar .desk=${desk} .session=${session}></pv-top-bar>
      <main>
        <div class="consoles" ?data-side-by-side=${sideBySide}>
          ${repeat(
            machines,
            ({ id }) => id,
            (machine) => html`<pv-console
              id=${`guest-${machine.id}`}
              role="tabpanel"
              aria-label=${machine.name}
              ?hidden=${!sideBySide && machine !== current}
              .desk=${desk}
              .machine=${machine}
              .kept=${session.kept}
              @focusin=${() => machine !== session.current && session.show(machine)}
            ></pv-console>`,
          )}
        </div>
        <div class="side" @pv-picked-up=${() => this.#hub?.go()}>
          <div class="hubs">
            <pv-problems .desk=${desk}></pv-problems>
          ${repeat(
            machines,
            ({ id }) => id,
            ({ hub }) => html`<pv-ports
              .desk=${desk}
              .hub=${hub}
              .compact=${!sideBySide && !hub.isCurrent}
              ?data-current=${hub.isCurrent}
            ></pv-ports>`,
          )}
          <pv-panels .desk=${desk} .session=${session}></pv-panels>
          <pv-status .desk=${desk}></pv-status>
          </div>
          <div class="shelf"><pv-devices .desk=${desk}></pv-devices></div>
        </div>
      </main>
      <pv-machines .session=${session}></pv-machines>
    `;
  }

  protected override firstUpdated(): void {
    void this.session.desk.watch();
    void this.session.kept.refresh();
    if (globalThis.crossOriginIsolated && new URLSearchParams(location.search).has("autostart")) void this.#autostart();
  }

  /** The console must be drawn first: it takes what the guest says. */
  async #autostart(): Promise<void> {
    await this.#console?.updateComplete;
    await this.session.current.start();
  }

  /** Of the guest that a person looks at. */
  get #console(): PvConsole | undefined {
    return [...this.querySelectorAll("pv-console")].find(({ machine }) => machine === this.session.current);
  }

  get #hub(): PvPorts | undefined {
    return [...this.querySelectorAll("pv-ports")].find(({ hub }) => hub === this.session.current.hub);
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
    if (!inConsole) carryKey(event, this.session.desk, this.#hub, this);
  };

  #dragOver = (event: DragEvent): void => {
    takeFiles(event, this.session.desk);
  };

  #drop = (event: DragEvent): void => {
    if (event.defaultPrevented || !takeFiles(event, this.session.desk)) return;
    void droppedFiles(event.dataTransfer).then((files) => this.querySelector("pv-machines")?.dropped(files));
  };

  #wish = ({ detail }: MachineWish): void => {
    void this.querySelector("pv-machines")?.fulfil(detail);
  };
}

customElements.define("pv-app", PvApp);
