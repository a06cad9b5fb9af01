/** A device that can be plugged in: by its button, by picking the card up and choosing a port, or by dragging it. */
import { html, nothing, type TemplateResult } from "lit";
import type { FeedAction } from "../sources/feed.ts";
import type { Card } from "./card.ts";
import { DeskElement } from "./desk-element.ts";
import { carryCard } from "./drag.ts";
import { glyph } from "./icons.ts";
import { NO_POWER } from "./words.ts";

export class PvDeviceCard extends DeskElement {
  static override properties = { ...DeskElement.properties, card: { attribute: false } };
  declare card: Card;

  /** The card's name takes the focus. */
  override focus(): void {
    this.querySelector<HTMLElement>(".card-grip")?.focus();
  }

  protected override render(): TemplateResult {
    const { card, desk } = this;
    const { carried } = desk;
    const held = carried?.is === "card" && carried.card.id === card.id;
    const spot = desk.whereIs(card);
    return html`
      <div
        class="card" part="card"
        ?data-held=${held}
        draggable="true"
        @dragstart=${this.#dragStart}
        @dragend=${() => desk.carry(undefined)}
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
          spot
            ? html`<button
                type="button"
                class="quiet"
                aria-label=${`Unplug ${card.name} from port ${spot.path}`}
                @click=${() => spot.hub.unplug(spot.path)}
              >
                Unplug
              </button>`
            : html`<button type="button" class="plug-in" aria-label=${`Plug in ${card.name}`} @click=${this.#plug}>Plug in</button>`
        }
        ${
          card.forget
            ? html`<button
                type="button"
                class="quiet forget"
                aria-label=${card.forgetTitle ? `${card.forgetTitle}: ${card.name}` : `Take ${card.name} off the list`}
                title=${card.forgetTitle ?? "Take it off the list"}
                @click=${() => desk.forget(card)}
              >
                ×
              </button>`
            : nothing
        }
        ${spot ? nothing : (card.actions ?? []).map((action) => this.#action(action))}
      </div>
    `;
  }

  #action(action: FeedAction): TemplateResult {
    const { label, title } = action;
    return html`
      <button
        type="button"
        class="quiet action"
        aria-label=${`${label}: ${this.card.name}. ${title}`}
        title=${title}
        @click=${() => this.desk.run(action)}
      >
        ${label}
      </button>
    `;
  }

  #plug = (): void => {
    void this.desk.plug(this.card);
  };

  #pickUp = (event: MouseEvent): void => {
    const { desk, card } = this;
    const { carried } = desk;
    if (carried?.is === "card" && carried.card.id === card.id) {
      desk.carry(undefined);
      return;
    }
    if (!desk.canPlug) {
      desk.announce(NO_POWER);
      return;
    }
    desk.carry({ is: "card", card });
    desk.announce(`${card.short} picked up. Choose a port: keys 1 to 9 or the arrows, then Enter. Escape cancels.`);
    // `detail` is 0 when a key pressed the button: the keyboard goes on to the hub.
    if (event.detail === 0) this.dispatchEvent(new CustomEvent("pv-picked-up", { bubbles: true }));
  };

  #dragStart = (event: DragEvent): void => {
    carryCard(event, this.card.id);
    // Redrawing during dragstart would cancel the drag.
    setTimeout(() => this.desk.carry({ is: "card", card: this.card }));
  };
}

customElements.define("pv-device-card", PvDeviceCard);
declare global {
  interface HTMLElementTagNameMap {
    "pv-device-card": PvDeviceCard;
  }
}
