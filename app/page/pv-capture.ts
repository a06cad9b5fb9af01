/** Starts, stops and saves a capture of what the hub carries. */
import { html, nothing, type TemplateResult } from "lit";
import { DeskElement } from "../hub/desk-element.ts";
import type { Session } from "./session.ts";

const COUNT_MS = 500;

export class PvCapture extends DeskElement {
  static override properties = { ...DeskElement.properties, session: { attribute: false } };
  declare session: Session;
  #clock: ReturnType<typeof setInterval> | undefined;

  override disconnectedCallback(): void {
    clearInterval(this.#clock);
    this.#clock = undefined;
    super.disconnectedCallback();
  }

  protected override updated(): void {
    const { running } = this.session.capture;
    if (running) this.#clock ??= setInterval(() => this.requestUpdate(), COUNT_MS);
    else clearInterval(this.#clock);
    if (!running) this.#clock = undefined;
  }

  protected override render(): TemplateResult {
    const { capture } = this.session;
    const { canPlug } = this.desk;
    const { file, running } = capture;
    const does = running ? "Stop capture" : file ? "Start new capture" : "Start capture";
    return html`
      <div class="capture" ?data-running=${running}>
        <button type="button" aria-describedby="capture-note" ?disabled=${!canPlug && !running} @click=${this.#press}>
          <span class="capture-sign" aria-hidden="true"></span>${does}
        </button>
        ${
          file
            ? html`<a class="button" href=${file.url} download=${file.name} aria-describedby="capture-note">Save capture</a>`
            : nothing
        }
        <p class="pane-note" id="capture-note">${capture.note}</p>
      </div>
    `;
  }

  #press = (): void => {
    const { capture } = this.session;
    if (capture.running) capture.stop();
    else capture.start();
  };
}

customElements.define("pv-capture", PvCapture);
