/**
 * A URB on the backend's side: one object a slot, reused. Its fields are private copies, checked when they were taken.
 * A device holds it from `Device.submit` until it is completed, and not a moment longer; code that waits for a promise
 * in between remembers `serial` and looks whether it is still the same.
 */
import type { Core } from "../asm/core.ts";
import { STATUS_CANCELLED, TYPE_CONTROL } from "../asm/layout.ts";
import type { Device } from "./device.ts";

/** Where a request's answer goes. */
export interface RequestOwner {
  completed(request: Request, status: number, actual: number): void;
}

export class Request {
  readonly slot: number;
  readonly #core: Core;
  readonly #owner: RequestOwner;

  /** Counts up with each URB taken, over all slots of the link; 0 while the slot holds none. */
  serial = 0;
  operation = 0;
  port = 0;
  plug = 0;
  /** bEndpointAddress; 0 for the control endpoint. */
  endpoint = 0;
  /** TYPE_CONTROL … TYPE_INTERRUPT. */
  type = 0;
  flags = 0;
  stream = 0;
  /** µs between packets, 0 where the endpoint has none. */
  interval = 0;
  /** Hubs between the port and the device: a route string, 4 bits each, the nearest hub's port lowest; 0 without hubs. */
  route = 0;
  /** Isochronous: the microframe of the guest's bus (125 µs, counted as u32) in which the packet is due. */
  frame = 0;
  /** Bytes: the room for an IN, the data of an OUT, wLength of a control transfer. */
  length = 0;
  /** What STATUS_CANCELLED becomes on the ring: STATUS_NO_DEVICE once the port is being emptied. */
  cancelledAs: number = STATUS_CANCELLED;

  /** The device that has it. */
  holder: Device | undefined;

  // The setup packet (USB 2.0 §9.3), when type is TYPE_CONTROL.
  bmRequestType = 0;
  bRequest = 0;
  wValue = 0;
  wIndex = 0;

  constructor(core: Core, slot: number, owner: RequestOwner) {
    this.#core = core;
    this.slot = slot;
    this.#owner = owner;
  }

  /** True while it waits for its answer. */
  get pending(): boolean {
    return this.serial !== 0;
  }

  /** Does data go from the device to the host? */
  get isIn(): boolean {
    return ((this.type === TYPE_CONTROL ? this.bmRequestType : this.endpoint) & 0x80) !== 0;
  }

  /** Copies the OUT data from byte `offset` on into `target`, as much as both have. Answers the bytes copied. */
  read(target: Uint8Array, offset = 0): number {
    const count = Math.max(0, Math.min(target.length, this.length - offset));
    if (count > 0) this.#core.read(this.slot, offset, count === target.length ? target : target.subarray(0, count));
    return count;
  }

  /** Copies IN data to byte `offset` on, as much as fits. Answers the bytes copied. */
  write(source: Uint8Array, offset = 0): number {
    const count = Math.max(0, Math.min(source.length, this.length - offset));
    if (count > 0) this.#core.write(this.slot, offset, count === source.length ? source : source.subarray(0, count));
    return count;
  }

  /**
   * The payload in place, from byte `offset` on: at most `length` bytes, and fewer where a block ends. Allocates the view.
   * The front can write to it meanwhile: copy what you decide on.
   */
  window(offset: number, length = this.length - offset): Uint8Array<SharedArrayBuffer> {
    return this.#core.window(this.slot, offset, Math.max(0, Math.min(length, this.length - offset)));
  }

  /** Ends it early. One that no device has waits for the end of a reset, or is the reset itself. */
  cancel(status: number): void {
    const { serial, holder } = this;
    this.cancelledAs = status;
    holder?.cancel(this);
    if (this.serial === serial) this.complete(status, 0);
  }

  /** Answers it: STATUS_… and the bytes moved. A second answer is ignored. */
  complete(status: number, actual: number): void {
    if (this.serial === 0) return;
    this.serial = 0;
    this.#owner.completed(this, status === STATUS_CANCELLED ? this.cancelledAs : status, Math.min(actual, this.length));
  }
}
