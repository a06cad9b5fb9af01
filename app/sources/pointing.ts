/** What mouse and tablet have in common: steps that are collected while the device takes the ones before, and wheels. */
import type { DeviceInput } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";
import { tell } from "./tell.ts";

/** Pixels and lines that are a notch of a wheel. */
const PIXELS_A_NOTCH = 100;
const LINES_A_NOTCH = 3;

/** Notches up and to the right: fractions, of wheels that have them. */
export function notches(event: WheelEvent): { readonly wheel: number; readonly pan: number } {
  const unit =
    event.deltaMode === WheelEvent.DOM_DELTA_PIXEL
      ? PIXELS_A_NOTCH
      : event.deltaMode === WheelEvent.DOM_DELTA_LINE
        ? LINES_A_NOTCH
        : 1;
  return { wheel: -event.deltaY / unit, pan: event.deltaX / unit };
}

/** Adds up, and gives away what is whole. */
export class Steps {
  #sum = 0;

  add(value: number): void {
    this.#sum += value;
  }

  take(): number {
    const whole = Math.trunc(this.#sum);
    this.#sum -= whole;
    return whole;
  }

  clear(): void {
    this.#sum = 0;
  }
}

/** One movement at a time is on its way; `collect` says what has come together meanwhile, if anything. */
export class Movement {
  readonly #collect: () => DeviceInput | undefined;
  #busy = false;
  port: UsbPort | undefined;

  constructor(collect: () => DeviceInput | undefined) {
    this.#collect = collect;
  }

  /** Something moved. */
  async moved(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let message = this.#collect(); message && this.port; message = this.#collect()) {
        await tell(this.port, message);
      }
    } finally {
      this.#busy = false;
    }
  }
}

/** The page, and an emulator's own mouse, do nothing with it. */
export function keep(event: Event): void {
  event.preventDefault();
  event.stopImmediatePropagation();
}
