/** A line of transfers of npm `usb`, one at a time, in order: of an endpoint, or the control transfers. */
import type { NativeDevice } from "./native.ts";
import type { Turns } from "./turns.ts";

/** What a line needs of its device. */
export interface LineDevice {
  readonly native: NativeDevice;
  readonly turns: Turns;
  /** What a call's failure is in WebUSB's terms. */
  rejection(error: unknown): DOMException;
}

export class Line {
  readonly #device: LineDevice;
  /** Of transfers whose promises are open. */
  readonly #open = new Set<(error: DOMException) => void>();
  #transfers: Promise<unknown> = Promise.resolve();
  #calls: Promise<unknown> = Promise.resolve();
  isOver = false;

  constructor(device: LineDevice) {
    this.#device = device;
  }

  /** Does a transfer when those before it are done. */
  transfer<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#open.add(reject);
      this.#transfers = this.#transfers.then(async () => {
        if (this.isOver) return;
        try {
          resolve(await work());
        } catch (error) {
          reject(this.#device.rejection(error));
        } finally {
          this.#open.delete(reject);
        }
      });
    });
  }

  /** Calls the package when the calls before it are done: a transfer may take several, and others come between them. */
  call<T>(work: (native: NativeDevice) => Promise<T>): Promise<T> {
    const { native, turns } = this.#device;
    const call = this.#calls.then(() => turns.use(() => work(native)));
    this.#calls = call.catch(() => undefined);
    return call;
  }

  /** All transfers are rejected now. A call that is under way still has to end. */
  end(error: DOMException): void {
    this.isOver = true;
    for (const reject of this.#open) reject(error);
    this.#open.clear();
  }
}
