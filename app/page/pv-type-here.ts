/** A button that, once pressed, sends the keys of the person's keyboard to the software keyboard in a port. */
import { html, type TemplateResult } from "lit";
import { SessionElement } from "./session-element.ts";

/** Two Escapes within this time give the keyboard back to the page. */
const LEAVE_MS = 500;

export class PvTypeHere extends SessionElement {
  static override properties = { ...SessionElement.properties, number: { type: Number }, typing: { state: true } };
  declare number: number;
  declare typing: boolean;
  readonly #down = new Set<string>();
  #lastEscape = -LEAVE_MS;

  protected override render(): TemplateResult {
    return html`
      <button
        type="button"
        class="type-here"
        aria-pressed=${String(this.typing ?? false)}
        aria-label=${this.typing ? "Typing into the guest. Press Escape twice to leave." : `Type on the keyboard in port ${this.number}`}
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
    this.session.announce("Your keys go to the guest now. Press Escape twice to leave.");
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
    this.session.key(this.number, event.code, true);
  };

  #keyUp = (event: KeyboardEvent): void => {
    if (!this.typing) return;
    event.preventDefault();
    event.stopPropagation();
    // The Enter that pressed this button comes up here, too.
    if (this.#down.delete(event.code)) this.session.key(this.number, event.code, false);
  };

  #leave = (): void => {
    if (!this.typing) return;
    this.typing = false;
    this.#down.clear();
    this.#lastEscape = -LEAVE_MS;
    this.session.releaseKeys(this.number);
    this.session.announce("Your keys go to the page again.");
  };
}

customElements.define("pv-type-here", PvTypeHere);
