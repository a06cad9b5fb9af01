/** Bytes on their way in from the page, for a device that takes them in its own time: an `input` is over when it has them. */
export class Inflow {
  #waiting: { readonly bytes: Uint8Array; taken: number; readonly done: () => void }[] = [];

  /** Resolves when all of it is taken, or dropped. */
  add(bytes: Uint8Array): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ bytes, taken: 0, done });
    });
  }

  /** Hands over what there is: `take` takes some from `at` on, and says how much. */
  pour(take: (bytes: Uint8Array, at: number) => number): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      first.taken += take(first.bytes, first.taken);
      if (first.taken < first.bytes.length) return;
      this.#waiting.shift();
      first.done();
    }
  }

  drop(): void {
    for (const { done } of this.#waiting.splice(0)) done();
  }
}
