/**
 * Which interfaces of a device are claimed below: those that WebUSB has claimed, perhaps one for control transfers alone, which
 * the package makes by a claimed interface only, and those that were taken from drivers of the computer.
 */
import { failureOf } from "./failures.ts";
import type { NativeDevice } from "./native.ts";

/** Interface numbers that are tried, while the descriptors are not known. */
const INTERFACES_MAX = 32;

export class Claims {
  /** May interfaces be taken from drivers of the computer? */
  detach = false;
  readonly #native: NativeDevice;
  readonly #held = new Set<number>();
  /** Taken from drivers of the computer. */
  readonly #detached = new Set<number>();

  constructor(native: NativeDevice) {
    this.#native = native;
  }

  get any(): boolean {
    return this.#held.size > 0;
  }

  async hold(interfaceNumber: number): Promise<void> {
    if (this.#held.has(interfaceNumber)) return;
    try {
      await this.#native.claimInterface(interfaceNumber);
    } catch (error) {
      if (failureOf(error) !== "busy" || !this.detach) throw error;
      await this.take(interfaceNumber);
      await this.#native.claimInterface(interfaceNumber);
    }
    this.#held.add(interfaceNumber);
  }

  /** From a driver of the computer, if that may be. */
  async take(interfaceNumber: number): Promise<void> {
    if (!this.detach) return;
    await quietly(async () => {
      await this.#native.detachKernelDriver(interfaceNumber);
      this.#detached.add(interfaceNumber);
    });
  }

  /**
   * One interface for the control transfers: a free one rather than one that a driver has. Rejects with what the claim of the
   * first of those said, and with undefined when there is none at all.
   */
  async holdAny(known: readonly number[] = Array.from({ length: INTERFACES_MAX }, (_, index) => index)): Promise<void> {
    if (this.any) return;
    const busy: number[] = [];
    for (const number of known) {
      try {
        await this.#native.claimInterface(number);
        this.#held.add(number);
        return;
      } catch (error) {
        if (failureOf(error) === "disconnected") throw error;
        if (failureOf(error) === "busy") busy.push(number);
      }
    }
    const [first] = busy;
    if (first === undefined) throw undefined;
    await this.hold(first);
  }

  async release(interfaceNumber: number): Promise<void> {
    await this.#native.releaseInterface(interfaceNumber);
    this.#held.delete(interfaceNumber);
  }

  /** Rejects when one cannot be released. */
  async releaseAll(): Promise<void> {
    for (const number of this.#held) await this.#native.releaseInterface(number);
    this.#held.clear();
  }

  /** Whatever can be released; the rest counts as released too. */
  async forget(): Promise<void> {
    for (const number of this.#held) await quietly(() => this.#native.releaseInterface(number));
    this.#held.clear();
  }

  /** Back to the computer. */
  async giveBack(): Promise<void> {
    await this.forget();
    for (const number of this.#detached) await quietly(() => this.#native.attachKernelDriver(number));
    this.#detached.clear();
  }
}

export async function quietly(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch {
    // What follows does not depend on it.
  }
}
