/**
 * The device's side of a link, scripted: it answers, holds, stalls, or answers out of time, over the real ring and on the
 * same thread.
 */
import type { Core } from "../../../asm/core.ts";
import {
  EVENT_WAKE,
  OPERATION_ADDRESS,
  OPERATION_PORT_RESET,
  SPEED_NONE,
  STATUS_CANCELLED,
  STATUS_NO_DEVICE,
  STATUS_OK,
} from "../../../asm/layout.ts";
import { Link, type LinkClient } from "../../../worker/link.ts";
import type { Request } from "../../../worker/request.ts";

export class BackSide implements LinkClient {
  readonly link: Link;
  /** Transfers that wait for an answer, oldest first. */
  readonly held: Request[] = [];
  /** Port resets that wait for an answer. */
  readonly resets: Request[] = [];
  /** Port resets seen. */
  resetCount = 0;
  /** Every cancel asked for. */
  readonly cancels: Request[] = [];
  violation: number | undefined;
  /** What is done with a transfer; holds it by default. */
  onTransfer: (request: Request) => void = () => {};
  /** What is done with a cancel; answers CANCELLED by default. */
  onCancel: (request: Request) => void = (request) => this.answer(request, STATUS_CANCELLED, 0);
  /** What is done when a device behind hubs is addressed; by default there is none. */
  onAddress: (request: Request) => void = (request) => request.complete(STATUS_NO_DEVICE, 0);
  /** Answers port resets by itself. */
  resetsAtOnce = true;
  readonly #plugs: number[] = [];

  constructor(core: Core, generation: number) {
    this.link = new Link(core, generation, this);
  }

  submit(request: Request): void {
    if (request.operation === OPERATION_PORT_RESET) {
      this.resetCount++;
      if (this.resetsAtOnce) request.complete(STATUS_OK, 0);
      else this.resets.push(request);
      return;
    }
    if (request.operation === OPERATION_ADDRESS) {
      this.onAddress(request);
      return;
    }
    this.held.push(request);
    this.onTransfer(request);
  }

  cancel(request: Request): void {
    this.cancels.push(request);
    this.onCancel(request);
  }

  violated(reason: number): void {
    this.violation = reason;
  }

  /** Shown to the front at once, and taken up when the guest or `settle` next looks. */
  plug(port: number, speed: number): number {
    const plug = (this.#plugs[port] ?? 0) + 1;
    this.#plugs[port] = plug;
    this.link.event(port, plug, speed);
    this.link.pump();
    return plug;
  }

  unplug(port: number): void {
    this.link.event(port, this.#plugs[port] ?? 0, SPEED_NONE);
    this.link.pump();
  }

  /** Remote wake-up, from the device in the port. */
  wake(port: number): void {
    this.link.event(port, this.#plugs[port] ?? 0, EVENT_WAKE);
    this.link.pump();
  }

  /** Which plug of the port is in it now. */
  plugOf(port: number): number {
    return this.#plugs[port] ?? 0;
  }

  /** Answers a held transfer: IN data, or how many OUT bytes were taken. */
  answer(request: Request, status: number, moved: number | Uint8Array): void {
    const index = this.held.indexOf(request);
    if (index >= 0) this.held.splice(index, 1);
    request.complete(status, typeof moved === "number" ? moved : request.write(moved));
  }

  /** The oldest held transfer, of an endpoint if one is named. */
  first(endpoint?: number): Request {
    const found = this.held.find((request) => endpoint === undefined || request.endpoint === endpoint);
    if (!found) throw new Error("The device holds no such transfer.");
    return found;
  }
}
