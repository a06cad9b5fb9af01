/**
 * One port of a link: what is plugged in it, and the life of every transfer of that plug. A transfer is answered exactly
 * once, whatever the order of completion, cancel, reset, unplug and the device's own leaving:
 *
 *   empty ──plug──▶ opening ──▶ plugged ◀──▶ resetting
 *     ▲               │            │            │
 *     └───────────────┴── closing ◀┴────────────┘        unplug, or the device is gone
 */
import {
  EVENT_PLUG_MASK,
  EVENT_WAKE,
  OPERATION_ADDRESS,
  OPERATION_PORT_RESET,
  SPEED_NONE,
  STATUS_CANCELLED,
  STATUS_NO_DEVICE,
  STATUS_OK,
  TYPE_CONTROL,
} from "../asm/layout.ts";
import type { Device, DeviceHost } from "./device.ts";
import type { Link } from "./link.ts";
import { PlugError, reasonOf } from "./plug-error.ts";
import type { DeviceInput, DeviceOutput, DeviceSource, PlugReport } from "./protocol.ts";
import type { Request } from "./request.ts";

/** Makes the device of a source, opened and ready for its first transfer. */
export type DeviceOpener = (source: DeviceSource, host: DeviceHost) => Promise<Device>;

interface Opening {
  readonly name: "opening";
  /** Why the device left before it was even plugged. */
  left: string | undefined;
}

interface Plugged {
  readonly name: "plugged";
  readonly plug: number;
  readonly device: Device;
  readonly host: DeviceHost;
}

interface Resetting {
  readonly name: "resetting";
  readonly plug: number;
  readonly device: Device;
  readonly host: DeviceHost;
  /** Transfers that came during the reset, in order. */
  readonly waiting: Request[];
}

type PortState =
  | { readonly name: "empty" }
  | Opening
  | Plugged
  | Resetting
  | { readonly name: "closing"; readonly closed: Promise<void> };

export class Port {
  readonly #number: number;
  readonly #link: Link;
  readonly #open: DeviceOpener;
  readonly #left: (reason: string) => void;
  #state: PortState = { name: "empty" };
  #plug = 0;
  /** The link is going away: no further plugs. */
  #retired = false;
  /** Plugs and unplugs take turns. */
  #turn: Promise<unknown> = Promise.resolve();

  /** `left` hears of a device that goes by itself. */
  constructor(number: number, link: Link, open: DeviceOpener, left: (reason: string) => void) {
    this.#number = number;
    this.#link = link;
    this.#open = open;
    this.#left = left;
  }

  get occupied(): boolean {
    return this.#state.name === "plugged" || this.#state.name === "resetting";
  }

  plug(source: DeviceSource): Promise<PlugReport> {
    return this.#inTurn(() => this.#plugNow(source));
  }

  unplug(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state.name === "plugged" || this.#state.name === "resetting") this.#drop(this.#state);
      if (this.#state.name === "closing") await this.#state.closed;
    });
  }

  /** Unplugs for good. */
  retire(): Promise<void> {
    this.#retired = true;
    return this.unplug();
  }

  input(message: DeviceInput): void {
    const state = this.#state;
    if (state.name === "plugged" || state.name === "resetting") state.device.input?.(message);
  }

  output(): DeviceOutput | undefined {
    const state = this.#state;
    if (state.name === "plugged" || state.name === "resetting") return state.device.output?.();
    return undefined;
  }

  submit(request: Request): void {
    const state = this.#state;
    switch (state.name) {
      case "plugged":
        if (request.plug !== state.plug) request.complete(STATUS_NO_DEVICE, 0);
        else this.#run(state, request);
        return;
      case "resetting":
        if (request.plug !== state.plug) request.complete(STATUS_NO_DEVICE, 0);
        else state.waiting.push(request);
        return;
      case "empty":
      case "opening":
      case "closing":
        request.complete(STATUS_NO_DEVICE, 0);
        return;
      default:
        state satisfies never;
    }
  }

  cancel(request: Request): void {
    const state = this.#state;
    if (state.name !== "plugged" && state.name !== "resetting") return;
    if (state.name === "resetting") {
      // Once it is answered its slot is the ring's again, and may come back as another transfer.
      const index = state.waiting.indexOf(request);
      if (index >= 0) state.waiting.splice(index, 1);
    }
    this.#cancel(state.device, request, STATUS_CANCELLED);
  }

  async #plugNow(source: DeviceSource): Promise<PlugReport> {
    if (this.#state.name === "closing") await this.#state.closed;
    if (this.#retired) throw new PlugError("NotFoundError", "The virtual controller of this port is gone.");
    if (this.#state.name !== "empty") {
      throw new PlugError("PortOccupiedError", `Port ${this.#number} is occupied. Unplug its device first.`);
    }
    const opening: Opening = { name: "opening", left: undefined };
    const host: DeviceHost = {
      gone: (reason) => this.#gone(host, opening, reason),
      wake: () => this.#wake(host),
    };
    this.#setState(opening);
    let device: Device;
    try {
      device = await this.#open(source, host);
    } catch (error) {
      this.#setState({ name: "empty" });
      throw error;
    }
    if (opening.left !== undefined || this.#retired) {
      const reason = opening.left ?? "the virtual controller is gone";
      await this.#close(device);
      throw new PlugError("NotFoundError", `The device left while it was being plugged: ${reason}`);
    }
    this.#plug = (this.#plug + 1) & EVENT_PLUG_MASK || 1;
    this.#setState({ name: "plugged", plug: this.#plug, device, host });
    this.#link.event(this.#number, this.#plug, device.speed);
    return { plug: this.#plug, speed: device.speed, ...device.identity };
  }

  #run(state: Plugged, request: Request): void {
    if (request.operation === OPERATION_ADDRESS || request.route !== 0) {
      request.complete(STATUS_NO_DEVICE, 0); // there is no hub here
    } else if (request.operation === OPERATION_PORT_RESET) {
      this.#reset(state, request);
    } else if (isSetAddress(request)) {
      request.complete(STATUS_OK, 0);
    } else {
      request.held = true;
      try {
        state.device.submit(request);
      } catch (error) {
        state.host.gone(`it failed inside pvusb: ${reasonOf(error)}`);
      }
    }
  }

  /** USB 2.0 §9.1.1.5, §11.5.1.5. A device that answers at once is reset before this returns. */
  #reset({ plug, device, host }: Plugged, request: Request): void {
    const state: Resetting = { name: "resetting", plug, device, host, waiting: [] };
    const { serial } = request;
    this.#setState(state);
    this.#cancelAll(device, STATUS_CANCELLED, serial);
    const done = () => {
      if (this.#state !== state) return;
      this.#setState({ name: "plugged", plug, device, host });
      if (request.serial === serial) request.complete(STATUS_OK, 0);
      for (const waiting of state.waiting) this.submit(waiting);
    };
    const failed = (error: unknown) => host.gone(`it did not come back from a reset: ${reasonOf(error)}`);
    try {
      const pending = device.reset();
      if (pending) pending.then(done, failed);
      else done();
    } catch (error) {
      failed(error);
    }
  }

  /** The device says that it is gone. Only the first word counts, and only while it is this port's device. */
  #gone(host: DeviceHost, opening: Opening, reason: string): void {
    const state = this.#state;
    if (state === opening) {
      opening.left ??= reason;
    } else if ((state.name === "plugged" || state.name === "resetting") && state.host === host) {
      this.#drop(state);
      this.#left(reason);
    }
  }

  #wake(host: DeviceHost): void {
    const state = this.#state;
    if ((state.name === "plugged" || state.name === "resetting") && state.host === host) {
      this.#link.event(this.#number, state.plug, EVENT_WAKE);
    }
  }

  /** The order matters: the guest hears of the unplug first, then its transfers end, then the device is closed. */
  #drop(state: Plugged | Resetting): void {
    this.#close(state.device);
    this.#link.event(this.#number, state.plug, SPEED_NONE);
    this.#cancelAll(state.device, STATUS_NO_DEVICE);
  }

  /**
   * Ends the transfers of the port, or those that came before the one with serial number `before`. Newest first, so that no
   * device begins a next one meanwhile.
   */
  #cancelAll(device: Device, status: number, before = Number.POSITIVE_INFINITY): void {
    for (const request of this.#link.pendingOf(this.#number).reverse()) {
      if (request.serial < before) this.#cancel(device, request, status);
    }
  }

  /** A transfer that the device does not hold waits for the end of a reset, or is the reset itself. */
  #cancel(device: Device, request: Request, status: number): void {
    const { serial } = request;
    request.cancelledAs = status;
    if (request.held) device.cancel(request);
    if (request.serial === serial) request.complete(status, 0);
  }

  /** Nothing gets through to the device from now on; it is closed once the caller has finished with it. */
  #close(device: Device): Promise<void> {
    const closed = Promise.resolve()
      .then(() => device.close())
      .catch(() => undefined) // gone already: there is nothing left to close
      .then(() => this.#setState({ name: "empty" }));
    this.#setState({ name: "closing", closed });
    return closed;
  }

  #setState(state: PortState): void {
    this.#state = state;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/**
 * SetAddress (USB 2.0 §9.4.6), which no device here ever sees: WebUSB refuses it, and the address is the controller's own
 * matter. Only the full bmRequestType tells: bRequest 5 is another request in every class.
 */
function isSetAddress(request: Request): boolean {
  return request.type === TYPE_CONTROL && request.bmRequestType === 0x00 && request.bRequest === 5;
}
