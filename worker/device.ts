/**
 * The seam between the backend and what it drives: a WebUSB device (webusb.ts) or a software device (device/*).
 * The backend has answered SET_ADDRESS itself and knows ports and plugs; a device knows neither.
 */
import type { DeviceOutput } from "./protocol.ts";
import type { Request } from "./request.ts";

export interface Device {
  /** SPEED_LOW … SPEED_SUPER of asm/layout.ts. */
  readonly speed: number;
  /** What it is, for people and for the report of a plug. */
  readonly identity: DeviceIdentity;

  /**
   * Takes a transfer. The device answers it with `request.complete()`, once, now or later; transfers of one endpoint are
   * answered in the order they came. It never throws.
   */
  submit(request: Request): void;

  /**
   * Answers a transfer it holds at once, with STATUS_CANCELLED and the bytes moved so far, unless its real outcome is
   * already there. Once answered, a request belongs to the ring again and must not be touched.
   */
  cancel(request: Request): void;

  /**
   * A reset of the port (USB 2.0 §9.1.1.5): configuration 0, alternates 0, halts cleared. The backend has cancelled all
   * transfers before it calls this, and hands over no new ones until it resolves. Rejects when the device is gone.
   */
  reset(): Promise<void> | void;

  /** Unplug. The backend has cancelled all transfers. After it the device is never called again. */
  close(): Promise<void> | void;

  /** Something a person or a source of the page does to a software device, such as a key press. */
  input?(message: unknown): void;

  /** What a software device has for a person since it was asked last, such as the sound it played. */
  output?(): DeviceOutput | undefined;
}

export interface DeviceIdentity {
  readonly vendorId: number;
  readonly productId: number;
  readonly manufacturer: string;
  readonly product: string;
  readonly serialNumber: string;
  /** Sentences for the person: interfaces held back and why, a speed that was inferred, and so on. */
  readonly notes: readonly string[];
}

/** What the backend offers a device at its plug. */
export interface DeviceHost {
  /** The device is gone by itself (pulled out, or its source ended). The port drops exactly once. */
  gone(reason: string): void;
  /** Remote wake-up: the device wants to be resumed, if its port sleeps. Only for devices that were allowed to (USB 2.0 §9.4.9). */
  wake(): void;
}
