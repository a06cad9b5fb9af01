/** A pointer that says where it is and not how far it went, with five buttons and two wheels. */
import { Saved } from "../../../asm/saved.ts";
import type { DeviceHost } from "../../device.ts";
import type { DeviceInput } from "../../protocol.ts";
import { put16 } from "../descriptor.ts";
import type { SoftwareDevice } from "../software-device.ts";
import type { HidConduct } from "./hid-conduct.ts";
import { createHid } from "./hid-function.ts";
import type { HidModel } from "./hid-model.ts";
import { addSteps, BUTTON_ITEMS, BUTTONS, distance, step, whole } from "./pointer-report.ts";

/**
 *   0         1 2   3 4   5       6
 *   buttons   X     Y     wheel   pan
 */
const REPORT_LENGTH = 7;
const POSITION = 1;
const WHEELS = 5;
/** Of X and Y, right and below. */
const POSITION_MAX = 0x7fff;

const REPORT_DESCRIPTOR = Uint8Array.of(
  ...[0x05, 0x01, 0x09, 0x02, 0xa1, 0x01], // usage page generic desktop, usage mouse, collection application
  ...[0x09, 0x01, 0xa1, 0x00], // usage pointer, collection physical
  ...BUTTON_ITEMS,
  ...[0x05, 0x01, 0x09, 0x30, 0x09, 0x31], // usage page generic desktop, usages X, Y
  ...[0x15, 0x00, 0x26, 0xff, 0x7f, 0x35, 0x00, 0x46, 0xff, 0x7f], // logical and physical 0 to 32767
  ...[0x75, 0x10, 0x95, 0x02, 0x81, 0x02], // 2 times 16 bits: input variable
  ...[0x09, 0x38, 0x15, 0x81, 0x25, 0x7f, 0x35, 0x00, 0x45, 0x00], // usage wheel, -127 to 127
  ...[0x75, 0x08, 0x95, 0x01, 0x81, 0x06], // a byte: input variable relative
  ...[0x05, 0x0c, 0x0a, 0x38, 0x02, 0x81, 0x06], // usage page consumer, usage AC pan: a byte more
  ...[0xc0, 0xc0],
);

const MODEL: HidModel = {
  vendorId: 0x1209, // as the mouse
  productId: 0x0010,
  deviceVersion: 0x0200,
  product: "Tablet",
  inputLength: REPORT_LENGTH,
  interval: 4,
};

export function createTablet(host?: DeviceHost): SoftwareDevice {
  return createHid(MODEL, new Tablet(), host);
}

class Tablet implements HidConduct {
  readonly reportDescriptor = REPORT_DESCRIPTOR;
  readonly idle = 0;
  #buttons = 0;
  #x = 0;
  #y = 0;

  get held(): boolean {
    return this.#buttons !== 0;
  }

  current(id: number): Uint8Array | undefined {
    return id === 0 ? this.#report(0, 0) : undefined;
  }

  input(message: unknown): readonly Uint8Array[] {
    const input = message as DeviceInput | undefined | null;
    if (input?.type !== "tablet") return [];
    const buttons = input.buttons === undefined ? this.#buttons : whole(input.buttons, BUTTONS) & BUTTONS;
    const x = input.x === undefined ? this.#x : Math.max(0, whole(input.x, POSITION_MAX));
    const y = input.y === undefined ? this.#y : Math.max(0, whole(input.y, POSITION_MAX));
    let wheel = distance(input.wheel);
    let pan = distance(input.pan);
    const reports: Uint8Array[] = [];
    if (buttons !== this.#buttons || x !== this.#x || y !== this.#y || wheel !== 0 || pan !== 0) {
      this.#buttons = buttons;
      this.#x = x;
      this.#y = y;
      do {
        const [down, right] = [step(wheel), step(pan)];
        reports.push(this.#report(down, right));
        wheel -= down;
        pan -= right;
      } while (wheel !== 0 || pan !== 0);
    }
    return reports;
  }

  merge(before: Uint8Array, waiting: Uint8Array, next: Uint8Array): boolean {
    if (before[0] !== waiting[0] || waiting[0] !== next[0] || !addSteps(waiting, next, WHEELS)) return false;
    waiting.set(next.subarray(POSITION, WHEELS), POSITION);
    return true;
  }

  save(): unknown {
    return { buttons: this.#buttons, x: this.#x, y: this.#y };
  }

  read(state: unknown): () => void {
    const saved = new Saved(state, "the tablet");
    const buttons = saved.integer("buttons", BUTTONS);
    const x = saved.integer("x", POSITION_MAX);
    const y = saved.integer("y", POSITION_MAX);
    return () => {
      this.#buttons = buttons;
      this.#x = x;
      this.#y = y;
    };
  }

  #report(wheel: number, pan: number): Uint8Array {
    const report = Uint8Array.of(this.#buttons, 0, 0, 0, 0, wheel, pan);
    put16(report, POSITION, this.#x);
    put16(report, POSITION + 2, this.#y);
    return report;
  }
}
