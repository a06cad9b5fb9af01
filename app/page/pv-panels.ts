/** What is below the hub: the transfers and the capture, the rules, the snapshots. One of them is open, or none. */
import { html, nothing, type TemplateResult } from "lit";
import { DeskElement } from "../hub/desk-element.ts";
import type { KnownDevice } from "./pv-rules.ts";
import type { Session } from "./session.ts";
import "./pv-capture.ts";
import "./pv-rules.ts";
import "./pv-snapshots.ts";
import "./pv-transfers.ts";

const PANELS = ["Transfers", "Rules", "Snapshots"] as const;
type Panel = (typeof PANELS)[number];

export class PvPanels extends DeskElement {
  static override properties = { ...DeskElement.properties, session: { attribute: false } };
  declare session: Session;
  #open: Panel | undefined;

  protected override render(): TemplateResult {
    return html`
      <section class="panels" aria-label="Look inside" @pv-said=${this.#said}>
        <div class="panel-buttons">
          ${PANELS.map(
            (panel) => html`<button
              type="button"
              aria-expanded=${this.#open === panel}
              aria-controls="panel"
              @click=${() => this.#toggle(panel)}
            >${panel}</button>`,
          )}
          <pv-capture .desk=${this.desk} .session=${this.session}></pv-capture>
        </div>
        <div id="panel" class="panel" ?hidden=${!this.#open}>${this.#panel()}</div>
      </section>
    `;
  }

  #panel(): TemplateResult | typeof nothing {
    const { desk, session } = this;
    switch (this.#open) {
      case "Transfers":
        return html`<pv-transfers .controller=${session.current.hub.controller}></pv-transfers>`;
      case "Rules":
        return html`<pv-rules .rules=${desk.rules.rules} .known=${this.#known}></pv-rules>`;
      case "Snapshots":
        return html`<pv-snapshots .desk=${desk} .snapshots=${session.snapshots}></pv-snapshots>`;
      case undefined:
        return nothing;
    }
  }

  /** What is plugged comes first, then the other devices that are there. */
  get #known(): readonly KnownDevice[] {
    const { cards, hubs } = this.desk;
    const plugged = hubs.flatMap((hub) => {
      return hub.views.flatMap(({ card, path }) => (card ? known(card.name, card.names, hub.placeOf(path)) : []));
    });
    const others = cards.flatMap(({ name, names }) => known(name, names));
    return [...plugged, ...others.filter(({ device }) => !plugged.some((each) => each.device === device))];
  }

  async #toggle(panel: Panel): Promise<void> {
    this.#open = this.#open === panel ? undefined : panel;
    this.requestUpdate();
    await this.updateComplete;
    this.querySelector("#panel")?.scrollIntoView({ block: "nearest" });
  }

  /** A rule is said to be kept when it is. */
  #said = async ({ detail }: CustomEvent<string>): Promise<void> => {
    if (await this.desk.rules.kept()) this.desk.announce(detail);
  };
}

/** A device that rules have no name for can have none. */
function known(name: string, [device]: readonly string[], place?: string): readonly KnownDevice[] {
  return device === undefined ? [] : [{ name, device, place }];
}

customElements.define("pv-panels", PvPanels);
