/** A device made of software: chapter 9 from its literals, the rest from its function. */
import { STATUS_CANCELLED, STATUS_INVALID, STATUS_STALL, TYPE_CONTROL } from "../../asm/layout.ts";
import { Saved } from "../../asm/saved.ts";
import type { Device, DeviceIdentity, ImageReading } from "../device.ts";
import type { ActiveDescriptors, DeviceOutput, DeviceSource } from "../protocol.ts";
import type { Request } from "../request.ts";
import type { Buses } from "./bus.ts";
import type { DeviceFunction, DeviceModel } from "./device-model.ts";
import { StandardRequests } from "./standard-requests.ts";

/** bmRequestType's type field; 0 is standard (USB 2.0 table 9-2). */
const REQUEST_TYPE_MASK = 0x60;

export class SoftwareDevice implements Device {
  readonly speed: number;
  readonly identity: DeviceIdentity;
  readonly #origin: DeviceSource | string | (() => DeviceSource | string) | undefined;
  readonly #function: DeviceFunction;
  readonly #standard: StandardRequests;

  readonly #buses: Buses | undefined;

  /** `origin` (as in Device) is for one whose source cannot be kept in a saved state, or changes; `buses` for a slow one. */
  constructor(
    model: DeviceModel,
    conduct: DeviceFunction,
    notes: readonly string[] = [],
    origin?: DeviceSource | string | (() => DeviceSource | string),
    buses?: Buses,
  ) {
    const { device, strings } = model;
    const string = (index: number | undefined): string => (index ? (strings[index - 1] ?? "") : "");
    this.speed = model.speed;
    this.identity = {
      vendorId: device.vendorId,
      productId: device.productId,
      manufacturer: string(device.manufacturer),
      product: string(device.product),
      serialNumber: string(device.serialNumber),
      notes,
    };
    this.#origin = origin;
    this.#function = conduct;
    this.#standard = new StandardRequests(model, conduct, buses);
    this.#buses = buses;
    if (buses) buses.in.onFree = buses.out.onFree = () => this.#offer();
  }

  get origin(): DeviceSource | string | undefined {
    return typeof this.#origin === "function" ? this.#origin() : this.#origin;
  }

  submit(request: Request): void {
    if ((request.endpoint & 0x0f) === 0) {
      this.#control(request);
      return;
    }
    const endpoint = this.#standard.active?.endpoint(request.endpoint);
    if (!endpoint || request.type === TYPE_CONTROL || !endpoint.has(request.stream)) {
      request.complete(STATUS_INVALID, 0);
      return;
    }
    endpoint.queue(request);
    if (endpoint.headOf(request.stream) === request) this.#function.ready(endpoint, request.stream);
  }

  cancel(request: Request): void {
    if ((request.endpoint & 0x0f) === 0) {
      request.complete(STATUS_CANCELLED, 0);
      return;
    }
    const endpoint = this.#standard.active?.endpoint(request.endpoint);
    const withdrawn = endpoint?.isFirst(request);
    if (endpoint?.cancel(request) && withdrawn) this.#function.withdrawn?.(endpoint);
  }

  reset(): void {
    this.#standard.reset();
    this.#function.reset?.();
  }

  async close(): Promise<void> {
    this.#buses?.in.close();
    this.#buses?.out.close();
    this.#standard.reset();
    await this.#function.close?.();
  }

  input(message: unknown): Promise<void> | void {
    return this.#function.input?.(message);
  }

  output(): DeviceOutput | undefined {
    return this.#function.output?.();
  }

  configured(): ActiveDescriptors | undefined {
    return this.#standard.configured;
  }

  openImage(): ImageReading | undefined {
    return this.#function.openImage?.();
  }

  save(): unknown {
    if (!this.#function.save) return undefined;
    return { standard: this.#standard.save(), function: this.#function.save() };
  }

  restore(state: unknown): string | undefined {
    const saved = new Saved(state, `the ${this.identity.product}`);
    const standard = this.#standard.read(new Saved(saved.get("standard"), "the configuration of a device"));
    const note = this.#function.restore?.(saved.get("function"), standard.active);
    this.#standard.become(standard);
    return note;
  }

  /** A bus is free, and transfers may have waited for it. */
  #offer(): void {
    this.#standard.active?.offer((endpoint, stream) => this.#function.ready(endpoint, stream));
  }

  /** A stall ends with its request (USB 2.0 §8.5.3.4). */
  #control(request: Request): void {
    if (request.type !== TYPE_CONTROL) {
      request.complete(STATUS_INVALID, 0);
      return;
    }
    const standard = (request.bmRequestType & REQUEST_TYPE_MASK) === 0;
    if (standard && this.#standard.answer(request)) return;
    if (!this.#function.control(request)) request.complete(STATUS_STALL, 0);
  }
}
