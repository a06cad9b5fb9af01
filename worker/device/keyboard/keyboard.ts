/** A boot keyboard (HID 1.11 §4.2, appendix B.1): keys of the page become reports, each change its own, in order. */
import { SPEED_FULL, STATUS_BABBLE, STATUS_OK } from "../../../asm/layout.ts";
import { Saved } from "../../../asm/saved.ts";
import type { DeviceHost } from "../../device.ts";
import type { DeviceInput } from "../../protocol.ts";
import type { Request } from "../../request.ts";
import type { ActiveConfiguration } from "../active-configuration.ts";
import { bytesOf, CONFIGURATION_REMOTE_WAKEUP, DESCRIPTOR_HID, DESCRIPTOR_HID_REPORT, putHid } from "../descriptor.ts";
import type { DeviceFunction, DeviceModel } from "../device-model.ts";
import type { Endpoint } from "../endpoint.ts";
import { SoftwareDevice } from "../software-device.ts";
import { answerIn, answerOut } from "../standard-requests.ts";
import { usageOf } from "./keyboard-usages.ts";
import { PressedKeys, REPORT_LENGTH } from "./pressed-keys.ts";

/** bmRequestType << 8 | bRequest (HID 1.11 §7.1, §7.2). */
const GET_INTERFACE_DESCRIPTOR = 0x8106;
const GET_REPORT = 0xa101;
const GET_IDLE = 0xa102;
const GET_PROTOCOL = 0xa103;
const SET_REPORT = 0x2109;
const SET_IDLE = 0x210a;
const SET_PROTOCOL = 0x210b;

/** Report types, in the high byte of wValue (HID 1.11 §7.2.1). This keyboard has no report ids: the low byte is 0. */
const INPUT_REPORT = 0x0100;
const OUTPUT_REPORT = 0x0200;

const REPORT_PROTOCOL = 1;
/** 500 ms in units of 4 ms: what HID 1.11 §7.2.4 recommends for keyboards. */
const IDLE_DEFAULT = 125;

const INTERRUPT_IN = 0x81;
/** Reports kept for a guest that does not fetch them. */
const REPORTS_MAX = 256;

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

const HID_DESCRIPTOR = bytesOf((into) =>
  putHid(into, 0, { hidVersion: 0x0111, country: 0, reportLength: REPORT_DESCRIPTOR.length }),
);

const MODEL: DeviceModel = {
  speed: SPEED_FULL,
  device: {
    usbVersion: 0x0110,
    maxPacketSize0: 64,
    // pid.codes' vendor id and its second test product: ids that no product has
    vendorId: 0x1209,
    productId: 0x0002,
    deviceVersion: 0x0100,
    manufacturer: 1,
    product: 2,
  },
  configurations: [
    {
      value: 1,
      attributes: CONFIGURATION_REMOTE_WAKEUP,
      maxPower: 50,
      interfaces: [
        {
          number: 0,
          interfaceClass: 0x03, // HID
          subclass: 0x01, // boot interface
          protocol: 0x01, // keyboard
          extra: HID_DESCRIPTOR,
          endpoints: [{ address: INTERRUPT_IN, attributes: 0x03, maxPacketSize: REPORT_LENGTH, interval: 10 }],
        },
      ],
    },
  ],
  strings: ["pvusb", "Keyboard"],
};

export function createKeyboard(host?: DeviceHost): SoftwareDevice {
  return new SoftwareDevice(MODEL, new Keyboard(() => host?.wake()));
}

class Keyboard implements DeviceFunction {
  readonly #wake: () => void;
  readonly #keys = new PressedKeys();
  /** Reports that the guest has not fetched, oldest first. */
  #reports: Uint8Array[] = [];
  /** Here when it is configured. */
  #endpoint: Endpoint | undefined;
  #lights = 0;
  #protocol = REPORT_PROTOCOL;
  /** Units of 4 ms after which an unchanged report is sent again; 0 is never. */
  #idle = IDLE_DEFAULT;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #mayWake = false;

  /** `wake` asks for a resume of the port (USB 2.0 §7.1.7.7). */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  start(active: ActiveConfiguration): void {
    this.stop();
    this.#endpoint = active.endpoint(INTERRUPT_IN);
    if (this.#keys.any) this.#reports.push(this.#keys.report());
  }

  stop(): void {
    clearTimeout(this.#idleTimer);
    this.#endpoint = undefined;
    this.#reports.length = 0;
    this.#lights = 0;
    this.#protocol = REPORT_PROTOCOL;
    this.#idle = IDLE_DEFAULT;
  }

  control(request: Request): boolean {
    const { wValue, wIndex, length } = request;
    if (!this.#endpoint || wIndex !== 0) return false;
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case GET_INTERFACE_DESCRIPTOR:
        if (wValue === DESCRIPTOR_HID << 8) return answerIn(request, HID_DESCRIPTOR);
        return wValue === DESCRIPTOR_HID_REPORT << 8 && answerIn(request, REPORT_DESCRIPTOR);
      case GET_REPORT:
        if (wValue === INPUT_REPORT) return answerIn(request, this.#keys.report());
        return wValue === OUTPUT_REPORT && answerIn(request, Uint8Array.of(this.#lights));
      case SET_REPORT:
        return wValue === OUTPUT_REPORT && length === 1 && this.#setLights(request);
      case GET_IDLE:
        return wValue === 0 && answerIn(request, Uint8Array.of(this.#idle));
      case SET_IDLE:
        if ((wValue & 0xff) !== 0 || length !== 0) return false;
        this.#idle = wValue >> 8;
        this.#armIdle();
        return answerOut(request);
      case GET_PROTOCOL:
        return wValue === 0 && answerIn(request, Uint8Array.of(this.#protocol));
      case SET_PROTOCOL: // both protocols have the same report (HID 1.11 §7.2.6)
        if (wValue > REPORT_PROTOCOL || length !== 0) return false;
        this.#protocol = wValue;
        return answerOut(request);
      default:
        return false;
    }
  }

  ready(): void {
    this.#advance();
    this.#armIdle();
  }

  withdrawn(): void {
    this.#advance();
  }

  remoteWakeup(allowed: boolean): void {
    this.#mayWake = allowed;
  }

  input(message: unknown): void {
    const input = message as DeviceInput;
    switch (input?.type) {
      case "key": {
        const usage = usageOf(input.code);
        if (usage !== undefined && this.#keys.set(usage, input.pressed)) this.#changed();
        break;
      }
      case "release-keys":
        if (this.#keys.release()) this.#changed();
        break;
    }
  }

  save(): unknown {
    return {
      keys: this.#keys.save(),
      reports: [...this.#reports],
      lights: this.#lights,
      protocol: this.#protocol,
      idle: this.#idle,
    };
  }

  restore(state: unknown, active: ActiveConfiguration | undefined): undefined {
    const saved = new Saved(state, "the keyboard");
    const becomeKeys = this.#keys.read(new Saved(saved.get("keys"), "the keyboard's keys"));
    const reports = saved.list("reports", REPORTS_MAX);
    if (!reports.every((report) => report instanceof Uint8Array && report.length === REPORT_LENGTH)) {
      throw saved.wrong("reports");
    }
    const lights = saved.integer("lights", 0x1f);
    const protocol = saved.integer("protocol", REPORT_PROTOCOL);
    const idle = saved.integer("idle", 0xff);
    clearTimeout(this.#idleTimer);
    becomeKeys();
    this.#reports = reports as Uint8Array[];
    this.#lights = lights;
    this.#protocol = protocol;
    this.#idle = idle;
    this.#endpoint = active?.endpoint(INTERRUPT_IN);
  }

  /** A guest that does not fetch reports loses the oldest, never the keys' last state. It may be asleep. */
  #changed(): void {
    if (!this.#endpoint) return;
    if (this.#reports.length === REPORTS_MAX) this.#reports.shift();
    else if (this.#mayWake && !this.#endpoint.head) this.#wake();
    this.#reports.push(this.#keys.report());
    this.#advance();
  }

  /** Each turn answers a request of the guest, so it ends. */
  #advance(): void {
    for (let report = this.#reports[0]; report && this.#endpoint?.head; report = this.#reports[0]) {
      if (this.#send(report)) this.#reports.shift();
    }
  }

  /** Answers the head, if there is one. False when it has too little room for the report, which then waits. */
  #send(report: Uint8Array): boolean {
    const endpoint = this.#endpoint;
    const request = endpoint?.head;
    if (!endpoint || !request) return false;
    if (request.length < REPORT_LENGTH) {
      endpoint.complete(STATUS_BABBLE, 0);
      return false;
    }
    request.write(report);
    endpoint.complete(STATUS_OK, REPORT_LENGTH);
    this.#armIdle();
    return true;
  }

  /** HID 1.11 §7.2.4. SeaBIOS makes its key repeat of it; Linux sets it to never. */
  #armIdle(): void {
    clearTimeout(this.#idleTimer);
    if (this.#idle === 0 || !this.#endpoint?.head) return;
    const timer = setTimeout(() => this.#send(this.#keys.report()), this.#idle * 4);
    (timer as { unref?(): void }).unref?.();
    this.#idleTimer = timer;
  }

  #setLights(request: Request): true {
    this.#lights = (request.window(0)[0] ?? 0) & 0x1f;
    return answerOut(request);
  }
}
