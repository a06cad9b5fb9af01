/** A button that, once pressed, sends the keys of the person's keyboard to the software keyboard in a port. */
import { html, type TemplateResult } from "lit";
import type { DeviceInput } from "../index.ts";
import { DeskElement } from "./desk-element.ts";
import type { Hub } from "./hub.ts";

/** Two Escapes within this time give the keyboard back to the page. */
const LEAVE_MS = 500;

export class PvTypeHere extends DeskElement {
  static override properties = {
    ...DeskElement.properties,
    hub: { attribute: false },
    path: { type: String },
    typing: { state: true },
  };
  declare hub: Hub;
  declare path: string;
  declare typing: boolean;
  readonly #down = new Set<string>();
  #lastEscape = -LEAVE_MS;

  protected override render(): TemplateResult {
    return html`
      <button
        type="button"
        class="type-here"
        aria-pressed=${String(this.typing ?? false)}
        aria-label=${this.typing ? "Typing into the guest. Press Escape twice to leave." : `Type on the keyboard in port ${this.path}`}
        title=${this.typing ? "Escape twice leaves" : "Send what you type to the guest"}
        @click=${this.#toggle}
        @keydown=${this.#keyDown}
        @keyup=${this.#keyUp}
        @blur=${this.#leave}
      >
        ${this.typing ? html`<kbd>Esc</kbd> twice ends` : "Type here"}
      </button>
    `;
  }

  override disconnectedCallback(): void {
    this.#leave();
    super.disconnectedCallback();
  }

  #toggle = (event: Event): void => {
    // Safari gives a pressed button no focus.
    (event.currentTarget as HTMLElement).focus();
    if (this.typing) {
      this.#leave();
      return;
    }
    this.typing = true;
    this.dispatchEvent(new CustomEvent("pv-typing", { bubbles: true }));
    this.desk.announce("Your keys go to the guest now. Press Escape twice to leave.");
  };

  #keyDown = (event: KeyboardEvent): void => {
    if (!this.typing) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat || event.isComposing) return;
    if (event.code === "Escape") {
      if (event.timeStamp - this.#lastEscape < LEAVE_MS) {
        this.#leave();
        return;
      }
      this.#lastEscape = event.timeStamp;
    }
    this.#down.add(event.code);
    this.#send({ type: "key", code: event.code, pressed: true });
  };

  #keyUp = (event: KeyboardEvent): void => {
    if (!this.typing) return;
    event.preventDefault();
    event.stopPropagation();
    // The Enter that pressed this button comes up here, too.
    if (this.#down.delete(event.code)) this.#send({ type: "key", code: event.code, pressed: false });
  };

  #send(message: DeviceInput): void {
    void this.hub.controller
      ?.find(this.path)
      ?.input(message)
      .catch(() => undefined);
  }

  #leave = (): void => {
    if (!this.typing) return;
    this.typing = false;
    this.#down.clear();
    this.#lastEscape = -LEAVE_MS;
    this.#send({ type: "release-keys" });
    this.desk.announce("Your keys go to the page again.");
  };
}

customElements.define("pv-type-here", PvTypeHere);
