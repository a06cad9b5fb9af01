/**
 * A HID device that the page has, such as one of WebHID's. What the guest sends waits until the page takes it; a feature report
 * that the guest asks for is the page's to bring, and its control transfer waits for that, though not for ever.
 */
import { STATUS_OK, STATUS_STALL } from "../../../asm/layout.ts";
import type { DeviceHost } from "../../device.ts";
import { PlugError } from "../../plug-error.ts";
import type { DeviceInput, HidOutput, HidRequest, HidSource } from "../../protocol.ts";
import type { Request } from "../../request.ts";
import type { SoftwareDevice } from "../software-device.ts";
import type { HidConduct } from "./hid-conduct.ts";
import { createHid } from "./hid-function.ts";
import { FEATURE_REPORT, OUTPUT_REPORT } from "./hid-requests.ts";
import { type ReportLengths, type Reports, readReports } from "./report-descriptor.ts";

/** Less than the 5 s that hosts give a control transfer. */
const PATIENCE_MS = 4000;
/** Reports that wait for the page; transfers beyond them wait at the endpoint. */
const REQUESTS_MAX = 64;
const PRODUCT_LENGTH_MAX = 126;

export function createPassThrough(source: HidSource, host?: DeviceHost): SoftwareDevice {
  const { vendorId, productId, product, reportDescriptor } = source;
  const reports = reportDescriptor instanceof Uint8Array ? readReports(reportDescriptor) : undefined;
  const areIds = [vendorId, productId].every((id) => Number.isInteger(id) && id >= 0 && id <= 0xffff);
  if (!reports || !areIds) {
    throw new PlugError(
      "UnsupportedError",
      "This input device describes its reports in a way that no guest understands.",
    );
  }
  const longest = (lengths: ReportLengths) => Math.max(0, ...lengths.values()) + (reports.hasIds ? 1 : 0);
  const model = {
    vendorId,
    productId,
    product: String(product || "HID device").slice(0, PRODUCT_LENGTH_MAX),
    inputLength: longest(reports.input),
    ...(reports.output.size > 0 && { outputLength: longest(reports.output) }),
    interval: 1,
  };
  return createHid(model, new PassThrough(reportDescriptor.slice(), reports, () => host?.hasOutput()), host);
}

/** A control transfer that waits for the page. */
interface Waiting {
  readonly answer: number;
  readonly request: Request;
  readonly serial: number;
  readonly timer: ReturnType<typeof setTimeout>;
}

class PassThrough implements HidConduct {
  readonly held = false;
  readonly reportDescriptor: Uint8Array;
  readonly #reports: Reports;
  readonly #hasOutput: () => void;
  /** The last input report of each id, as it was sent. */
  readonly #last = new Map<number, Uint8Array>();
  #requests: HidRequest[] = [];
  #waiting: Waiting | undefined;
  #answers = 0;

  constructor(reportDescriptor: Uint8Array, reports: Reports, hasOutput: () => void) {
    this.reportDescriptor = reportDescriptor;
    this.#reports = reports;
    this.#hasOutput = hasOutput;
  }

  /** WebHID has no way to ask for one: it is the last one that came. */
  current(id: number): Uint8Array | undefined {
    const length = this.#reports.input.get(id);
    if (length === undefined) return undefined;
    return this.#last.get(id) ?? this.#withId(id, new Uint8Array(length));
  }

  input(message: unknown): readonly Uint8Array[] {
    const input = message as DeviceInput | undefined | null;
    if (input?.type === "hid-answer") this.#answered(input.answer, input.bytes);
    if (input?.type !== "hid-report" || !(input.bytes instanceof Uint8Array)) return [];
    const length = this.#reports.input.get(input.id);
    if (length === undefined) return [];
    const bytes = new Uint8Array(length);
    bytes.set(input.bytes.subarray(0, length));
    const report = this.#withId(input.id, bytes);
    this.#last.set(input.id, report);
    return [report];
  }

  getReport(type: number, id: number, request: Request): boolean {
    if (type !== FEATURE_REPORT || !this.#reports.feature.has(id)) return false;
    return this.#ask(request, (answer) => ({ is: "receive", report: "feature", id, answer }));
  }

  setReport(type: number, id: number, request: Request): boolean {
    const report = type === OUTPUT_REPORT ? "output" : type === FEATURE_REPORT ? "feature" : undefined;
    const length = report && this.#reports[report].get(id);
    if (!report || length === undefined) return false;
    const bytes = this.#read(request, length);
    return this.#ask(request, (answer) => ({ is: "send", report, id, bytes, answer }));
  }

  takeOutput(request: Request): boolean {
    if (this.#requests.length >= REQUESTS_MAX) return false;
    const first = new Uint8Array(1);
    if (this.#reports.hasIds) request.read(first);
    const [id = 0] = first;
    const length = this.#reports.output.get(id);
    // Of a report that there is not, a device takes the data and does nothing.
    if (length !== undefined) this.#say({ is: "send", report: "output", id, bytes: this.#read(request, length) });
    return true;
  }

  output(): HidOutput | undefined {
    if (this.#requests.length === 0) return undefined;
    const requests = this.#requests;
    this.#requests = [];
    return { type: "hid", requests };
  }

  reset(): void {
    this.#refuse();
    this.#requests = [];
  }

  /** The device itself is the page's, and no state has it. */
  save(): unknown {
    return {};
  }

  read(): () => void {
    return () => this.reset();
  }

  #withId(id: number, bytes: Uint8Array): Uint8Array {
    return this.#reports.hasIds ? Uint8Array.of(id, ...bytes) : bytes;
  }

  /** The report that a transfer brings, without its id: hosts may send more than its length, and are filled up with zeros. */
  #read(request: Request, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    request.read(bytes, this.#reports.hasIds ? 1 : 0);
    return bytes;
  }

  #say(request: HidRequest): void {
    this.#requests.push(request);
    this.#hasOutput();
  }

  /** A host has one control transfer at a time: a new one means that it has given up the one before. */
  #ask(request: Request, ask: (answer: number) => HidRequest): boolean {
    this.#refuse();
    const asked = this.#requests.filter(({ is }) => is === "send");
    if (asked.length >= REQUESTS_MAX) return false;
    this.#requests = asked;
    const answer = ++this.#answers;
    const timer = setTimeout(() => this.#refuse(), PATIENCE_MS);
    (timer as { unref?(): void }).unref?.();
    this.#waiting = { answer, request, serial: request.serial, timer };
    this.#say(ask(answer));
    return true;
  }

  #answered(answer: unknown, bytes: unknown): void {
    if (answer !== this.#waiting?.answer) return;
    const waiting = this.#forget();
    if (!waiting) return;
    const { request } = waiting;
    if (!(bytes instanceof Uint8Array)) request.complete(STATUS_STALL, 0);
    else request.complete(STATUS_OK, request.isIn ? request.write(bytes) : request.length);
  }

  #refuse(): void {
    this.#forget()?.request.complete(STATUS_STALL, 0);
  }

  /** The transfer that waits, if it still does. */
  #forget(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    clearTimeout(waiting?.timer);
    return waiting?.request.serial === waiting?.serial ? waiting : undefined;
  }
}
