/** A boot keyboard (HID 1.11 §4.2, appendix B.1): keys of the page become reports, each change its own, in order. */
import { Saved } from "../../../asm/saved.ts";
import type { DeviceHost } from "../../device.ts";
import type { DeviceInput, KeyboardLights } from "../../protocol.ts";
import type { Request } from "../../request.ts";
import type { SoftwareDevice } from "../software-device.ts";
import { answerIn, answerOut } from "../standard-requests.ts";
import type { HidConduct } from "./hid-conduct.ts";
import { createHid } from "./hid-function.ts";
import type { HidModel } from "./hid-model.ts";
import { OUTPUT_REPORT } from "./hid-requests.ts";
import { usageOf } from "./keyboard-usages.ts";
import { PressedKeys, REPORT_LENGTH } from "./pressed-keys.ts";

/** Modifiers, a reserved byte, five LEDs out, six keys of the whole keyboard page (HID 1.11 §6.2.2, appendix E.6). */
const REPORT_DESCRIPTOR = Uint8Array.of(
  ...[0x05, 0x01, 0x09, 0x06, 0xa1, 0x01], // usage page generic desktop, usage keyboard, collection application
  ...[0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7], // usage page keyboard, usages Control left to Meta right
  ...[0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x81, 0x02], // 8 bits of 0 or 1: input variable
  ...[0x75, 0x08, 0x95, 0x01, 0x81, 0x01], // a byte: input constant
  ...[0x05, 0x08, 0x19, 0x01, 0x29, 0x05], // usage page LED, usages Num Lock to Kana
  ...[0x75, 0x01, 0x95, 0x05, 0x91, 0x02], // 5 bits: output variable
  ...[0x75, 0x03, 0x95, 0x01, 0x91, 0x01], // 3 bits: output constant
  ...[0x05, 0x07, 0x19, 0x00, 0x2a, 0xff, 0x00], // usage page keyboard, usages 0 to 255
  ...[0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x06, 0x81, 0x00], // 6 bytes: input array
  0xc0,
);

/** Bits of the output report: the usages 1 to 5 of the LED page (HID Usage Tables 1.12 §11). */
const LIGHT_NUM_LOCK = 0x01;
const LIGHT_CAPS_LOCK = 0x02;
const LIGHT_SCROLL_LOCK = 0x04;
const LIGHT_COMPOSE = 0x08;
const LIGHT_KANA = 0x10;
const LIGHTS = LIGHT_NUM_LOCK | LIGHT_CAPS_LOCK | LIGHT_SCROLL_LOCK | LIGHT_COMPOSE | LIGHT_KANA;

const MODEL: HidModel = {
  // pid.codes' vendor id and its second test product: ids that no product has
  vendorId: 0x1209,
  productId: 0x0002,
  product: "Keyboard",
  bootProtocol: 1,
  inputLength: REPORT_LENGTH,
  interval: 10,
};

export function createKeyboard(host?: DeviceHost): SoftwareDevice {
  return createHid(MODEL, new Keyboard(() => host?.hasOutput()), host);
}

class Keyboard implements HidConduct {
  readonly reportDescriptor = REPORT_DESCRIPTOR;
  /** 500 ms: what HID 1.11 §7.2.4 recommends for keyboards. */
  readonly idle = 125;
  readonly #keys = new PressedKeys();
  readonly #hasOutput: () => void;
  #lights = 0;

  constructor(hasOutput: () => void) {
    this.#hasOutput = hasOutput;
  }

  get held(): boolean {
    return this.#keys.any;
  }

  current(id: number): Uint8Array | undefined {
    return id === 0 ? this.#keys.report() : undefined;
  }

  input(message: unknown): readonly Uint8Array[] {
    return this.#change(message as DeviceInput | undefined | null) ? [this.#keys.report()] : [];
  }

  /** Both protocols have the same report (HID 1.11 §7.2.6). */
  boot(report: Uint8Array): Uint8Array {
    return report;
  }

  getReport(type: number, id: number, request: Request): boolean {
    return type === OUTPUT_REPORT && id === 0 && answerIn(request, Uint8Array.of(this.#lights));
  }

  setReport(type: number, id: number, request: Request): boolean {
    if (type !== OUTPUT_REPORT || id !== 0 || request.length !== 1) return false;
    this.#light((request.window(0)[0] ?? 0) & LIGHTS);
    return answerOut(request);
  }

  output(): KeyboardLights {
    const is = (light: number): boolean => (this.#lights & light) !== 0;
    return {
      type: "lights",
      numLock: is(LIGHT_NUM_LOCK),
      capsLock: is(LIGHT_CAPS_LOCK),
      scrollLock: is(LIGHT_SCROLL_LOCK),
      compose: is(LIGHT_COMPOSE),
      kana: is(LIGHT_KANA),
    };
  }

  reset(): void {
    this.#light(0);
  }

  save(): unknown {
    return { keys: this.#keys.save(), lights: this.#lights };
  }

  read(state: unknown): () => void {
    const saved = new Saved(state, "the keyboard");
    const becomeKeys = this.#keys.read(new Saved(saved.get("keys"), "the keyboard's keys"));
    const lights = saved.integer("lights", LIGHTS);
    return () => {
      becomeKeys();
      this.#light(lights);
    };
  }

  /** Answers whether it changes anything. */
  #change(input: DeviceInput | undefined | null): boolean {
    switch (input?.type) {
      case "key": {
        const usage = usageOf(input.code);
        return usage !== undefined && this.#keys.set(usage, input.pressed === true);
      }
      case "release-keys":
        return this.#keys.release();
      default:
        return false;
    }
  }

  #light(lights: number): void {
    if (lights === this.#lights) return;
    this.#lights = lights;
    this.#hasOutput();
  }
}
