/** An element that shows the desk and is drawn again when that changed. Drawn into what is around it: one stylesheet. */
import { LitElement } from "lit";
import type { Desk } from "./desk.ts";

export abstract class DeskElement extends LitElement {
  static override properties = { desk: { attribute: false } };
  declare desk: Desk;
  #leave: (() => void) | undefined;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  /** Also when it comes to another place in the document: it follows the desk anew. */
  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#leave?.();
    this.#leave = undefined;
  }

  protected override willUpdate(): void {
    this.#leave ??= this.desk.follow(() => this.requestUpdate());
  }
}
