/** Starts, stops and saves a capture of what the hub carries. */
import { html, nothing, type TemplateResult } from "lit";
import { SessionElement } from "./session-element.ts";

export class PvCapture extends SessionElement {
  protected override render(): TemplateResult {
    const { canPlug, capture } = this.session;
    const { file, running } = capture;
    const does = running ? "Stop capture" : file ? "Start new capture" : "Start capture";
    return html`
      <div class="capture" ?data-running=${running}>
        <button type="button" aria-describedby="capture-note" ?disabled=${!canPlug} @click=${this.#press}>
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
