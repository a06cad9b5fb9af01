/** Calls of a fake USBDevice that do not end, because the device, or the system's driver, does not answer. */
import { nextTask } from "./usb-wire.ts";

export type StateChange =
  | "open"
  | "close"
  | "selectConfiguration"
  | "claimInterface"
  | "releaseInterface"
  | "selectAlternateInterface"
  | "clearHalt"
  | "reset";

export class Hang {
  readonly #names = new Set<StateChange>();
  #ends: (() => void)[] = [];

  /** Calls of this name do not end before `wake()`. */
  add(name: StateChange): void {
    this.#names.add(name);
  }

  /** What hung ends now, and nothing hangs any more. */
  wake(): void {
    this.#names.clear();
    for (const end of this.#ends.splice(0)) end();
  }

  /** The time that a call takes. */
  pass(name: StateChange): Promise<void> {
    if (!this.#names.has(name)) return nextTask();
    return new Promise((resolve) => {
      this.#ends.push(resolve);
    });
  }
}
