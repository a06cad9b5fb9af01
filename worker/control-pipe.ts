/**
 * Endpoint 0 of a WebUSB device: one control transfer at a time, in order (USB 2.0 §5.5.5). A transfer that the guest gives
 * up is answered at once, but the next waits until its promise settles: on the bus they share one pipe.
 *
 * On a real bus the next SETUP would end it (USB 2.0 §8.5.3). WebUSB sends none before the promise settles, and closing the
 * device is the one call that settles it. That spoils what other endpoints have in flight, so it is done only when a transfer
 * waits behind one that the guest has given up LATE_MS ago: a slow device has answered by then, and the guest's driver,
 * which waits for 5 s, has not given up the next one, too.
 */
import { STATUS_CANCELLED } from "../asm/layout.ts";
import type { Setup } from "./control-requests.ts";
import { type FlightCount, NOTHING } from "./flight.ts";
import type { Request } from "./request.ts";

export interface ControlResult {
  readonly status: number;
  /** What an IN brought, also when it failed. */
  readonly data?: Uint8Array;
}

export interface ControlHandler {
  /** Does a control transfer. `data` is an OUT's. */
  perform(setup: Setup, data: Uint8Array<ArrayBuffer>): Promise<ControlResult>;
  /** The STATUS_… of what `perform` rejected with. Never rejects. */
  statusOf(error: unknown): Promise<number>;
  /** Ends what is in flight, unless the pipe is not held up any more. */
  unblock(): void;
}

/** ms that a transfer given up may hold up the next. */
export const LATE_MS = 1000;

interface Exchange {
  /** Undefined once the guest has given it up. */
  request: Request | undefined;
  /** Runs from then on. */
  timer: ReturnType<typeof setTimeout> | undefined;
  isLate: boolean;
}

export class ControlPipe {
  readonly #handler: ControlHandler;
  readonly #flights: FlightCount;
  readonly #waiting: Request[] = [];
  #current: Exchange | undefined;

  constructor(handler: ControlHandler, flights: FlightCount) {
    this.#handler = handler;
    this.#flights = flights;
  }

  submit(request: Request): void {
    this.#waiting.push(request);
    this.#next();
  }

  cancel(request: Request): void {
    const waiting = this.#waiting.indexOf(request);
    if (waiting >= 0) {
      this.#waiting.splice(waiting, 1);
    } else if (this.#current?.request === request) {
      const exchange = this.#current;
      exchange.request = undefined;
      exchange.timer = setTimeout(() => {
        exchange.isLate = true;
        this.#next();
      }, LATE_MS);
      this.#flights.add(0, 1);
    } else {
      return;
    }
    request.complete(STATUS_CANCELLED, 0);
  }

  /** A transfer that the guest has given up holds up endpoint 0. */
  get isHeldUp(): boolean {
    return this.#current?.isLate === true;
  }

  /** The browser ends what is in flight: what comes next need not wait for it. */
  restart(): void {
    clearTimeout(this.#current?.timer);
    this.#current = undefined;
    this.#next();
  }

  #next(): void {
    if (this.isHeldUp && this.#waiting.length > 0) this.#handler.unblock();
    if (this.#current) return;
    const request = this.#waiting.shift();
    if (!request) return;
    const exchange: Exchange = { request, timer: undefined, isLate: false };
    this.#current = exchange;
    const { bmRequestType, bRequest, wValue, wIndex, length } = request;
    const data = request.isIn ? NOTHING : new Uint8Array(length);
    request.read(data);
    this.#handler.perform({ bmRequestType, bRequest, wValue, wIndex, wLength: length }, data).then(
      (result) => this.#done(exchange, result),
      (error: unknown) => void this.#failed(exchange, error),
    );
  }

  /** What became of one that was given up is nobody's question. */
  async #failed(exchange: Exchange, error: unknown): Promise<void> {
    this.#done(exchange, { status: exchange.request ? await this.#handler.statusOf(error) : STATUS_CANCELLED });
  }

  #done(exchange: Exchange, { status, data }: ControlResult): void {
    const { request } = exchange;
    clearTimeout(exchange.timer);
    if (!request) this.#flights.add(0, -1);
    else if (request.isIn) request.complete(status, data ? request.write(data) : 0);
    else request.complete(status, status === 0 ? request.length : 0);
    if (this.#current !== exchange) return;
    this.#current = undefined;
    this.#next();
  }
}
