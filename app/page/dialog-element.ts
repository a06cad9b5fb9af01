/** An element that is a dialog: asked for an answer, it shows itself until there is one. */
import { LitElement } from "lit";

export abstract class DialogElement<T> extends LitElement {
  #answer: ((answer: T | undefined) => void) | undefined;
  /** Otherwise there is nothing in it: its labels are not the page's. */
  protected isShown = false;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.answer(undefined);
  }

  protected get dialog(): HTMLDialogElement | null {
    return this.querySelector("dialog");
  }

  /** Shows the dialog. Undefined when it is closed without an answer, or asked anew. */
  protected async show(): Promise<T | undefined> {
    this.answer(undefined);
    this.isShown = true;
    this.requestUpdate();
    await this.updateComplete;
    const { dialog } = this;
    if (!dialog) return undefined;
    return new Promise((resolve) => {
      this.#answer = resolve;
      dialog.showModal();
    });
  }

  /** For the dialog's close event: Escape is no answer. The event may come after the dialog was shown again. */
  protected readonly closed = (): void => {
    if (!this.dialog?.open) this.answer(undefined);
  };

  protected answer(answer: T | undefined): void {
    const tell = this.#answer;
    this.#answer = undefined;
    if (this.dialog?.open) this.dialog.close();
    this.isShown = false;
    this.requestUpdate();
    tell?.(answer);
  }
}
