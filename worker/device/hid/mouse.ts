/** A boot mouse with five buttons and two wheels (HID 1.11 §4.2, appendix B.2): the boot report is the first three bytes. */
import { Saved } from "../../../asm/saved.ts";
import type { DeviceHost } from "../../device.ts";
import type { DeviceInput } from "../../protocol.ts";
import type { SoftwareDevice } from "../software-device.ts";
import type { HidConduct } from "./hid-conduct.ts";
import { createHid } from "./hid-function.ts";
import type { HidModel } from "./hid-model.ts";
import { addSteps, BUTTON_ITEMS, BUTTONS, distance, step, whole } from "./pointer-report.ts";

/**
 *   0         1   2   3       4
 *   buttons   X   Y   wheel   pan
 */
const REPORT_LENGTH = 5;
const BOOT_REPORT_LENGTH = 3;

const REPORT_DESCRIPTOR = Uint8Array.of(
  ...[0x05, 0x01, 0x09, 0x02, 0xa1, 0x01], // usage page generic desktop, usage mouse, collection application
  ...[0x09, 0x01, 0xa1, 0x00], // usage pointer, collection physical
  ...BUTTON_ITEMS,
  ...[0x05, 0x01, 0x09, 0x30, 0x09, 0x31, 0x09, 0x38], // usage page generic desktop, usages X, Y, wheel
  ...[0x15, 0x81, 0x25, 0x7f, 0x75, 0x08, 0x95, 0x03, 0x81, 0x06], // 3 bytes of -127 to 127: input variable relative
  ...[0x05, 0x0c, 0x0a, 0x38, 0x02, 0x95, 0x01, 0x81, 0x06], // usage page consumer, usage AC pan: a byte more
  ...[0xc0, 0xc0],
);

const MODEL: HidModel = {
  // pid.codes' last test product; bcdDevice tells its three devices from each other
  vendorId: 0x1209,
  productId: 0x0010,
  deviceVersion: 0x0100,
  product: "Mouse",
  bootProtocol: 2,
  inputLength: REPORT_LENGTH,
  interval: 4,
};

export function createMouse(host?: DeviceHost): SoftwareDevice {
  return createHid(MODEL, new Mouse(), host);
}

class Mouse implements HidConduct {
  readonly reportDescriptor = REPORT_DESCRIPTOR;
  /** Never, as HID 1.11 §7.2.4 recommends for mice. */
  readonly idle = 0;
  #buttons = 0;

  get held(): boolean {
    return this.#buttons !== 0;
  }

  current(id: number): Uint8Array | undefined {
    return id === 0 ? Uint8Array.of(this.#buttons, 0, 0, 0, 0) : undefined;
  }

  input(message: unknown): readonly Uint8Array[] {
    const input = message as DeviceInput | undefined | null;
    if (input?.type !== "mouse") return [];
    const buttons = input.buttons === undefined ? this.#buttons : whole(input.buttons, BUTTONS) & BUTTONS;
    const left = [distance(input.x), distance(input.y), distance(input.wheel), distance(input.pan)];
    const reports: Uint8Array[] = [];
    while (buttons !== this.#buttons || left.some((value) => value !== 0)) {
      this.#buttons = buttons;
      const steps = left.map(step);
      reports.push(Uint8Array.of(buttons, ...steps));
      for (const [index, moved] of steps.entries()) left[index] = (left[index] ?? 0) - moved;
    }
    return reports;
  }

  merge(before: Uint8Array, waiting: Uint8Array, next: Uint8Array): boolean {
    return before[0] === waiting[0] && waiting[0] === next[0] && addSteps(waiting, next, 1);
  }

  boot(report: Uint8Array): Uint8Array {
    return report.subarray(0, BOOT_REPORT_LENGTH);
  }

  save(): unknown {
    return { buttons: this.#buttons };
  }

  read(state: unknown): () => void {
    const buttons = new Saved(state, "the mouse").integer("buttons", BUTTONS);
    return () => {
      this.#buttons = buttons;
    };
  }
}
