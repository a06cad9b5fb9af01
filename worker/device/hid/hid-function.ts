/**
 * HID 1.11, for every kind of HID device: reports that wait for the guest, the class requests, the idle rate, the protocol,
 * remote wake-up, saved states. What the reports say is its HidConduct's.
 */
import { STATUS_BABBLE, STATUS_OK } from "../../../asm/layout.ts";
import { Saved } from "../../../asm/saved.ts";
import type { DeviceHost } from "../../device.ts";
import type { DeviceOutput } from "../../protocol.ts";
import type { Request } from "../../request.ts";
import type { ActiveConfiguration } from "../active-configuration.ts";
import { DESCRIPTOR_HID, DESCRIPTOR_HID_REPORT } from "../descriptor.ts";
import type { DeviceFunction } from "../device-model.ts";
import type { Endpoint } from "../endpoint.ts";
import { SoftwareDevice } from "../software-device.ts";
import { answerIn, answerOut } from "../standard-requests.ts";
import type { HidConduct } from "./hid-conduct.ts";
import { type HidModel, hidDescriptor, hidModel, INTERRUPT_IN, INTERRUPT_OUT } from "./hid-model.ts";
import * as hid from "./hid-requests.ts";

/** Reports kept for a guest that does not fetch them. */
const REPORTS_MAX = 256;
/** A saved report is no longer than this. */
const REPORT_LENGTH_MAX = 0xffff;

/** A HID device of this kind. `wake` asks for a resume of the port (USB 2.0 §7.1.7.7). */
export function createHid(model: HidModel, conduct: HidConduct, host?: Pick<DeviceHost, "wake">): SoftwareDevice {
  const descriptor = hidDescriptor(conduct.reportDescriptor);
  return new SoftwareDevice(hidModel(model, descriptor), new HidFunction(conduct, descriptor, () => host?.wake()));
}

class HidFunction implements DeviceFunction {
  readonly #conduct: HidConduct;
  readonly #descriptor: Uint8Array;
  readonly #wake: () => void;
  /** Reports that the guest has not fetched, oldest first. */
  #reports: Uint8Array[] = [];
  /** Here when it is configured. */
  #in: Endpoint | undefined;
  #out: Endpoint | undefined;
  #protocol = hid.REPORT_PROTOCOL;
  /** Units of 4 ms after which an unchanged report is sent again; 0 is never. */
  #idle: number;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #mayWake = false;

  constructor(conduct: HidConduct, descriptor: Uint8Array, wake: () => void) {
    this.#conduct = conduct;
    this.#descriptor = descriptor;
    this.#wake = wake;
    this.#idle = conduct.idle ?? 0;
  }

  start(active: ActiveConfiguration): void {
    this.stop();
    this.#join(active);
    const report = this.#conduct.held ? this.#conduct.current(0) : undefined;
    if (report) this.#reports.push(report);
  }

  stop(): void {
    this.#join(undefined);
    this.#reports.length = 0;
    this.#protocol = hid.REPORT_PROTOCOL;
    this.#idle = this.#conduct.idle ?? 0;
    this.#conduct.reset?.();
  }

  control(request: Request): boolean {
    const { wValue, wIndex, length } = request;
    if (!this.#in || wIndex !== 0) return false;
    const high = wValue >> 8;
    const id = wValue & 0xff;
    const conduct = this.#conduct;
    switch ((request.bmRequestType << 8) | request.bRequest) {
      case hid.GET_INTERFACE_DESCRIPTOR:
        if (wValue === DESCRIPTOR_HID << 8) return answerIn(request, this.#descriptor);
        return wValue === DESCRIPTOR_HID_REPORT << 8 && answerIn(request, conduct.reportDescriptor);
      case hid.GET_REPORT: {
        if (high !== hid.INPUT_REPORT) return conduct.getReport?.(high, id, request) ?? false;
        const report = conduct.current(id);
        return report !== undefined && answerIn(request, this.#inProtocol(report));
      }
      case hid.SET_REPORT:
        return conduct.setReport?.(high, id, request) ?? false;
      case hid.GET_IDLE:
        return this.#hasInput(id) && answerIn(request, Uint8Array.of(this.#idle));
      case hid.SET_IDLE:
        if (length !== 0 || !this.#hasInput(id) || (high !== 0 && conduct.idle === undefined)) return false;
        this.#idle = high;
        this.#armIdle();
        return answerOut(request);
      case hid.GET_PROTOCOL: // of boot devices only, as SET_PROTOCOL (HID 1.11 §7.2.5, §7.2.6)
        return conduct.boot !== undefined && wValue === 0 && answerIn(request, Uint8Array.of(this.#protocol));
      case hid.SET_PROTOCOL:
        if (!conduct.boot || wValue > hid.REPORT_PROTOCOL || length !== 0) return false;
        this.#protocol = wValue;
        return answerOut(request);
      default:
        return false;
    }
  }

  ready(endpoint: Endpoint): void {
    if (endpoint === this.#out) {
      this.#takeOutput();
      return;
    }
    this.#advance();
    this.#armIdle();
  }

  withdrawn(endpoint: Endpoint): void {
    this.ready(endpoint);
  }

  remoteWakeup(allowed: boolean): void {
    this.#mayWake = allowed;
  }

  input(message: unknown): void {
    const reports = this.#conduct.input(message);
    if (!this.#in) return;
    for (const report of reports) this.#tell(report);
    this.#advance();
  }

  output(): DeviceOutput | undefined {
    const output = this.#conduct.output?.();
    this.#takeOutput(); // there is room again
    return output;
  }

  save(): unknown {
    return {
      conduct: this.#conduct.save(),
      reports: [...this.#reports],
      protocol: this.#protocol,
      idle: this.#idle,
    };
  }

  restore(state: unknown, active: ActiveConfiguration | undefined): undefined {
    const saved = new Saved(state, "the input device");
    const become = this.#conduct.read(saved.get("conduct"));
    const reports = saved.list("reports", REPORTS_MAX);
    if (!reports.every((report) => report instanceof Uint8Array && report.length <= REPORT_LENGTH_MAX)) {
      throw saved.wrong("reports");
    }
    const protocol = saved.integer("protocol", hid.REPORT_PROTOCOL);
    const idle = saved.integer("idle", 0xff);
    this.#join(active);
    become();
    this.#reports = reports as Uint8Array[];
    this.#protocol = protocol;
    this.#idle = idle;
  }

  #join(active: ActiveConfiguration | undefined): void {
    clearTimeout(this.#idleTimer);
    this.#in = active?.endpoint(INTERRUPT_IN);
    this.#out = active?.endpoint(INTERRUPT_OUT);
  }

  /** SET_IDLE and GET_IDLE are of one input report, or with id 0 of all (HID 1.11 §7.2.4). */
  #hasInput(id: number): boolean {
    return id === 0 || this.#conduct.current(id) !== undefined;
  }

  #inProtocol(report: Uint8Array): Uint8Array {
    return this.#protocol === hid.BOOT_PROTOCOL ? (this.#conduct.boot?.(report) ?? report) : report;
  }

  /** A guest that does not fetch reports loses the oldest, never the last state. It may be asleep. */
  #tell(report: Uint8Array): void {
    const before = this.#reports.at(-2);
    const last = this.#reports.at(-1);
    const isMerged = before !== undefined && last !== undefined && this.#conduct.merge?.(before, last, report);
    const isFull = !isMerged && this.#reports.length === REPORTS_MAX;
    if (isFull) this.#reports.shift();
    else if (this.#mayWake && !this.#in?.head) this.#wake();
    if (!isMerged) this.#reports.push(report);
  }

  /** Each turn answers a request of the guest, so it ends. */
  #advance(): void {
    for (let report = this.#reports[0]; report && this.#in?.head; report = this.#reports[0]) {
      if (this.#send(report)) this.#reports.shift();
    }
  }

  /** Answers the head, if there is one. False when it has too little room for the report, which then waits. */
  #send(whole: Uint8Array): boolean {
    const endpoint = this.#in;
    const request = endpoint?.head;
    if (!endpoint || !request) return false;
    const report = this.#inProtocol(whole);
    if (request.length < report.length) {
      endpoint.complete(STATUS_BABBLE, 0);
      return false;
    }
    request.write(report);
    endpoint.complete(STATUS_OK, report.length);
    this.#armIdle();
    return true;
  }

  #takeOutput(): void {
    for (let request = this.#out?.head; request; request = this.#out?.head) {
      if (!this.#conduct.takeOutput?.(request)) return;
      this.#out?.complete(STATUS_OK, request.length);
    }
  }

  /** HID 1.11 §7.2.4. SeaBIOS makes its key repeat of it; Linux sets it to never. */
  #armIdle(): void {
    clearTimeout(this.#idleTimer);
    if (this.#idle === 0 || !this.#in?.head) return;
    const timer = setTimeout(() => {
      const report = this.#conduct.current(0);
      if (report) this.#send(report);
    }, this.#idle * 4);
    (timer as { unref?(): void }).unref?.();
    this.#idleTimer = timer;
  }
}
