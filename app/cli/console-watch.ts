/** Listens for words on the guest's console, which nobody may be looking at. */

const REMEMBERED = 4096;
const PANIC = /Kernel panic[^\r\n]*(?=[\r\n])/;

export class ConsoleWatch {
  /** Resolves with the kernel's own sentence when it gives up. */
  readonly panicked: Promise<string>;
  readonly #decoder = new TextDecoder();
  readonly #waiting: { readonly words: RegExp; readonly found: (match: string) => void }[] = [];
  #text = "";

  constructor() {
    this.panicked = this.heard(PANIC);
  }

  take(bytes: Uint8Array): void {
    this.#text = (this.#text + this.#decoder.decode(bytes, { stream: true })).slice(-REMEMBERED);
    for (const { words, found } of this.#waiting) {
      const match = words.exec(this.#text);
      if (match) found(match[0]);
    }
  }

  /** Resolves when the words are on the console, from now on. */
  heard(words: RegExp): Promise<string> {
    return new Promise((found) => this.#waiting.push({ words, found }));
  }
}
