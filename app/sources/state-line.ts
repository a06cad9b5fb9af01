/** A sentence beside a device, about how it is. */
export class StateLine {
  #element: HTMLElement | undefined;

  /** Undefined when there is nothing to say. */
  show(words: string): HTMLElement | undefined {
    if (words === "") return undefined;
    this.#element ??= document.createElement("p");
    this.#element.className = "device-state";
    this.#element.textContent = `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`;
    return this.#element;
  }
}
