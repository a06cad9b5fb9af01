/** A device that can be plugged in: by its button, by picking the card up and choosing a port, or by dragging it. */
import { html, nothing, type TemplateResult } from "lit";
import type { Card } from "../hub/card.ts";
import { glyph } from "../hub/icons.ts";
import { carryCard } from "./drag.ts";
import { SessionElement } from "./session-element.ts";

export class PvDeviceCard extends SessionElement {
  static override properties = { ...SessionElement.properties, card: { attribute: false } };
  declare card: Card;

  /** The card's name takes the focus. */
  override focus(): void {
    this.querySelector<HTMLElement>(".card-grip")?.focus();
  }

  protected override render(): TemplateResult {
    const { card, session } = this;
    const { carried } = session;
    const held = carried?.is === "card" && carried.card.id === card.id;
    const port = session.portOf(card);
    return html`
      <div
        class="card"
        ?data-held=${held}
        draggable="true"
        @dragstart=${this.#dragStart}
        @dragend=${() => session.carry(undefined)}
      >
        <button
          type="button"
          class="card-grip"
          aria-pressed=${String(held)}
          title=${held ? "Put it back" : "Pick it up, then choose a port"}
          @click=${this.#pickUp}
        >
          ${glyph(card.glyph)}
          <span class="card-words">
            <span class="card-name">${card.name}</span>
            <span class="card-detail">${card.detail}</span>
            ${card.warning ? html`<span class="card-warning">${card.warning}</span>` : nothing}
          </span>
        </button>
        ${
          port === undefined
            ? html`<button type="button" class="plug-in" aria-label=${`Plug in ${card.name}`} @click=${this.#plug}>Plug in</button>`
            : html`<button type="button" class="quiet" aria-label=${`Unplug ${card.name} from port ${port}`} @click=${() => session.unplug(port)}>
                Unplug
              </button>`
        }
        ${
          card.forget
            ? html`<button
                type="button"
                class="quiet forget"
                aria-label=${`Take ${card.name} off the list`}
                title="Take it off the list"
                @click=${() => session.forget(card)}
              >
                ×
              </button>`
            : nothing
        }
      </div>
    `;
  }

  #plug = (): void => {
    void this.session.plug(this.card);
  };

  #pickUp = (event: MouseEvent): void => {
    const { session, card } = this;
    const { carried } = session;
    if (carried?.is === "card" && carried.card.id === card.id) {
      session.carry(undefined);
      return;
    }
    if (!session.canPlug) {
      session.announce("Start Linux first: the hub has no power.");
      return;
    }
    session.carry({ is: "card", card });
    session.announce(`${card.short} picked up. Choose a port: keys 1 to 8 or the arrows, then Enter. Escape cancels.`);
    // `detail` is 0 when a key pressed the button: the keyboard goes on to the hub.
    if (event.detail === 0) this.dispatchEvent(new CustomEvent("pv-picked-up", { bubbles: true }));
  };

  #dragStart = (event: DragEvent): void => {
    carryCard(event, this.card.id);
    // Redrawing during dragstart would cancel the drag.
    setTimeout(() => this.session.carry({ is: "card", card: this.card }));
  };
}

customElements.define("pv-device-card", PvDeviceCard);
declare global {
  interface HTMLElementTagNameMap {
    "pv-device-card": PvDeviceCard;
  }
}
