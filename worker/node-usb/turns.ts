/**
 * Turns at an object of npm `usb`: calls that only use it go on beside each other, and one that changes it goes alone. What
 * comes while a change waits or is under way waits behind it.
 */
/** ms that a change waits for calls that cannot be cancelled. */
export const PATIENCE = 2000;

export class Turns {
  #uses = 0;
  /** Changes that wait or are under way. */
  #changes = 0;
  #lastChange: Promise<unknown> = Promise.resolve();
  #onIdle: (() => void) | undefined;

  async use<T>(work: () => Promise<T>): Promise<T> {
    while (this.#changes > 0) await this.#lastChange;
    this.#uses++;
    try {
      return await work();
    } finally {
      this.#uses--;
      if (this.#uses === 0) this.#onIdle?.();
    }
  }

  /** Rejects with what `late` makes when calls that only use the object are not over in `patience` ms. */
  change<T>(work: () => Promise<T>, patience: number, late: () => Error): Promise<T> {
    this.#changes++;
    const turn = this.#lastChange.then(async () => {
      try {
        if (this.#uses > 0) await this.#idle(patience, late);
        return await work();
      } finally {
        this.#changes--;
      }
    });
    this.#lastChange = turn.catch(() => undefined);
    return turn;
  }

  async #idle(patience: number, late: () => Error): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#onIdle = resolve;
        timer = setTimeout(() => reject(late()), patience);
      });
    } finally {
      clearTimeout(timer);
      this.#onIdle = undefined;
    }
  }
}
