/** Which keys are down, as the report of a boot keyboard says it (HID 1.11 appendix B.1). */
import type { Saved } from "../../../asm/saved.ts";
import { USAGE_CONTROL_LEFT, USAGE_ERROR_ROLL_OVER } from "./keyboard-usages.ts";

/**
 *   0           1          2 … 7
 *   modifiers   reserved   usages of the keys that are down, 0 where there are fewer
 */
export const REPORT_LENGTH = 8;
const KEYS_MAX = 6;

export class PressedKeys {
  #modifiers = 0;
  /** In the order they went down. */
  #usages: number[] = [];

  /** Answers whether it changes anything: a key that repeats does not. */
  set(usage: number, pressed: boolean): boolean {
    if (usage >= USAGE_CONTROL_LEFT) {
      const bit = 1 << (usage - USAGE_CONTROL_LEFT);
      if (((this.#modifiers & bit) !== 0) === pressed) return false;
      this.#modifiers ^= bit;
      return true;
    }
    const index = this.#usages.indexOf(usage);
    if (index >= 0 === pressed) return false;
    if (pressed) this.#usages.push(usage);
    else this.#usages.splice(index, 1);
    return true;
  }

  /** All up. Answers whether it changes anything. */
  release(): boolean {
    const changed = this.any;
    this.#modifiers = 0;
    this.#usages.length = 0;
    return changed;
  }

  get any(): boolean {
    return this.#modifiers !== 0 || this.#usages.length > 0;
  }

  save(): object {
    return { modifiers: this.#modifiers, usages: [...this.#usages] };
  }

  /** A way to become what `save` said, checked. */
  read(saved: Saved): () => void {
    const modifiers = saved.integer("modifiers", 0xff);
    const usages = saved.integers("usages", USAGE_CONTROL_LEFT - 1, USAGE_CONTROL_LEFT);
    return () => {
      this.#modifiers = modifiers;
      this.#usages = [...usages];
    };
  }

  /** With more keys than places, every place is ErrorRollOver; the modifiers are still told (appendix C). */
  report(): Uint8Array {
    const report = new Uint8Array(REPORT_LENGTH);
    report[0] = this.#modifiers;
    if (this.#usages.length > KEYS_MAX) report.fill(USAGE_ERROR_ROLL_OVER, 2);
    else report.set(this.#usages, 2);
    return report;
  }
}
