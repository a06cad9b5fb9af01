/** An element that shows the session and is drawn again when it changed. Drawn into the page itself: one stylesheet. */
import { LitElement } from "lit";
import type { Session } from "./session.ts";

export abstract class SessionElement extends LitElement {
  static override properties = { session: { attribute: false } };
  declare session: Session;
  #leave: (() => void) | undefined;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#leave?.();
    this.#leave = undefined;
  }

  protected override willUpdate(): void {
    this.#leave ??= this.session.follow(() => this.requestUpdate());
  }
}
