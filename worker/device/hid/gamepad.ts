/** A gamepad: 16 buttons, a hat, two sticks and two triggers. */
import { Saved } from "../../../asm/saved.ts";
import type { DeviceHost } from "../../device.ts";
import type { DeviceInput } from "../../protocol.ts";
import { put16 } from "../descriptor.ts";
import type { SoftwareDevice } from "../software-device.ts";
import type { HidConduct } from "./hid-conduct.ts";
import { createHid } from "./hid-function.ts";
import type { HidModel } from "./hid-model.ts";
import { whole } from "./pointer-report.ts";

/**
 *   0 1       2     3 4   5 6   7 8   9 10   11 12   13 14
 *   buttons   hat   X     Y     Z     Rz     Rx      Ry
 */
const REPORT_LENGTH = 15;
const HAT = 2;
const AXES = 3;
/** X and Y are the left stick, Z and Rz the right one: -32767 to 32767. Rx and Ry are triggers: 0 to 32767. */
const STICK_AXES = 4;
const AXIS_COUNT = 6;
const AXIS_MAX = 0x7fff;
/** 1 is up, 3 right, 5 down, 7 left, with what is between; 0 is none. */
const HAT_MAX = 8;

const REPORT_DESCRIPTOR = Uint8Array.of(
  ...[0x05, 0x01, 0x09, 0x05, 0xa1, 0x01], // usage page generic desktop, usage gamepad, collection application
  ...[0x05, 0x09, 0x19, 0x01, 0x29, 0x10, 0x15, 0x00, 0x25, 0x01], // usage page button, usages 1 to 16, 0 or 1
  ...[0x75, 0x01, 0x95, 0x10, 0x81, 0x02], // 16 bits: input variable
  ...[0x05, 0x01, 0x09, 0x39, 0x15, 0x01, 0x25, 0x08], // usage page generic desktop, usage hat switch, 1 to 8
  ...[0x35, 0x00, 0x46, 0x3b, 0x01, 0x65, 0x14], // physical 0 to 315 degrees
  ...[0x75, 0x04, 0x95, 0x01, 0x81, 0x42, 0x65, 0x00, 0x81, 0x01], // 4 bits: input variable null state; 4 bits: constant
  ...[0x09, 0x30, 0x09, 0x31, 0x09, 0x32, 0x09, 0x35], // usages X, Y, Z, Rz
  ...[0x16, 0x01, 0x80, 0x26, 0xff, 0x7f, 0x36, 0x01, 0x80, 0x46, 0xff, 0x7f], // -32767 to 32767
  ...[0x75, 0x10, 0x95, 0x04, 0x81, 0x02], // 4 times 16 bits: input variable
  ...[0x09, 0x33, 0x09, 0x34, 0x15, 0x00, 0x35, 0x00, 0x95, 0x02, 0x81, 0x02], // usages Rx, Ry, 0 to 32767: 2 more
  0xc0,
);

const MODEL: HidModel = {
  vendorId: 0x1209, // as the mouse
  productId: 0x0010,
  deviceVersion: 0x0300,
  product: "Gamepad",
  inputLength: REPORT_LENGTH,
  interval: 4,
};

export function createGamepad(host?: DeviceHost): SoftwareDevice {
  return createHid(MODEL, new Gamepad(), host);
}

class Gamepad implements HidConduct {
  readonly reportDescriptor = REPORT_DESCRIPTOR;
  readonly idle = 0;
  #report = new Uint8Array(REPORT_LENGTH);

  get held(): boolean {
    return this.#report.some((byte) => byte !== 0);
  }

  current(id: number): Uint8Array | undefined {
    return id === 0 ? this.#report.slice() : undefined;
  }

  input(message: unknown): readonly Uint8Array[] {
    const input = message as DeviceInput | undefined | null;
    if (input?.type !== "gamepad") return [];
    const report = new Uint8Array(REPORT_LENGTH);
    put16(report, 0, whole(input.buttons, 0xffff) & 0xffff);
    const hat = whole(input.hat, HAT_MAX);
    report[HAT] = Math.max(0, hat);
    for (let axis = 0; axis < AXIS_COUNT; axis++) {
      const value = whole(input.axes?.[axis], AXIS_MAX);
      put16(report, AXES + 2 * axis, axis < STICK_AXES ? value : Math.max(0, value));
    }
    if (report.every((byte, at) => byte === this.#report[at])) return [];
    this.#report = report;
    return [report.slice()];
  }

  /** Sticks and triggers go on; each change of a button or the hat is its own report. */
  merge(before: Uint8Array, waiting: Uint8Array, next: Uint8Array): boolean {
    for (let at = 0; at < AXES; at++) {
      if (before[at] !== waiting[at] || waiting[at] !== next[at]) return false;
    }
    waiting.set(next);
    return true;
  }

  save(): unknown {
    return { report: this.#report.slice() };
  }

  read(state: unknown): () => void {
    const report = new Saved(state, "the gamepad").bytes("report", REPORT_LENGTH);
    return () => {
      this.#report = report.slice();
    };
  }
}
