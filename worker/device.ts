/**
 * The seam between the backend and what it drives: a WebUSB device (webusb.ts) or a software device (device/*).
 * The backend has answered SET_ADDRESS itself and knows ports and plugs; a device knows neither.
 */
import type { ActiveDescriptors, DeviceOutput, DeviceSource } from "./protocol.ts";
import type { Request } from "./request.ts";

export interface Device {
  /** SPEED_LOW … SPEED_SUPER of asm/layout.ts. */
  readonly speed: number;
  /** What it is, for people and for the report of a plug. */
  readonly identity: DeviceIdentity;
  /**
   * What a saved state has it made from again, or a sentence that says why it cannot be: for a device whose source cannot be
   * kept in a file as it is. Without it, the source that it was made from.
   */
  readonly origin?: DeviceSource | string | undefined;

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

  /**
   * Something a person or a source of the page does to a software device, such as a key press. Resolves when it has it, and
   * rejects with a sentence for the person when it cannot be done.
   */
  input?(message: unknown): Promise<void> | void;

  /** What a software device has for a person since it was asked last, such as the sound it played. */
  output?(): DeviceOutput | undefined;

  /** The configuration that the guest has chosen, if it has. */
  configured?(): ActiveDescriptors | undefined;

  /** Begins to read what is in a drive, as it is now. Undefined for what has nothing of the kind. Throws when its store fails. */
  openImage?(): ImageReading | undefined;

  /**
   * What a saved state keeps of it: plain data (asm/saved.ts), taken between two transfers. Transfers that it holds are not
   * part of it: they count as not begun, and come again. Undefined when it can only come back as an unplug and a plug.
   */
  save?(): unknown;

  /**
   * Becomes what `save` said, of this device or of one from the same source. It holds no transfers. Answers a sentence for
   * the person, if there is anything to say. Throws a StateError, and stays as it was, for what no `save` says, and an
   * ImageError when its store is not the one of then.
   */
  restore?(state: unknown): string | undefined;

  /** Only a hub has it: its downstream ports. */
  readonly hub?: Hub;
  /** The USB 2.0 half of a USB 3 hub, which is a device of its own in the same socket (USB 3.2 §10.1). */
  readonly companion?: Device;
}

/** What a hub is to the backend, beside a device. The backend puts devices into its ports, and asks it what may pass. */
export interface Hub {
  /** In order: port n is at index n - 1. At most 15. */
  readonly ports: readonly HubPort[];
}

/** A downstream port as the hub has it. */
export interface HubPort extends PortOwner {
  /** Called once, at the hub's plug: how the hub reaches what is plugged into this port. */
  connect(downstream: DownstreamPort): void;
}

/** Who has a port: the link its own, a hub its downstream ports. */
export interface PortOwner {
  /** Transfers pass: a hub's port is enabled and awake. */
  readonly forwards: boolean;
  /** A plug (SPEED_LOW and up), an unplug (SPEED_NONE), a remote wake-up (EVENT_WAKE). `plug` is what URBs call the device. */
  event(speed: number, plug: number): void;
}

/** What a hub can do to the device in one of its ports. */
export interface DownstreamPort {
  /** Ends every transfer and resets the device; `done` is called unless the device left meanwhile. */
  reset(done: () => void): void;
  /** Ends every transfer of the device, and of all behind it. */
  quiesce(): void;
}

/** A drive's image on its way to a person. */
export interface ImageReading {
  /** Bytes of all of it. */
  readonly size: number;
  /** The next piece, or undefined behind the last. Rejects with an ImageError. */
  next(): Promise<Uint8Array | undefined>;
  /** What was read is about to be written over the Blob that the drive is made of: until `close` nothing is read from that. Throws. */
  hold(): void;
  /**
   * Nobody wants more of it. What was read was `saved` elsewhere, so the drive counts as not changed by what came before. After
   * `hold`, `blob` is what the drive is made of from now on.
   */
  close(saved: boolean, blob?: Blob): void;
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
  /**
   * Remote wake-up: the device wants to be resumed, if its port sleeps. Only for devices that were allowed to (USB 2.0
   * §9.4.9). A companion says itself as `half`.
   */
  wake(half?: Device): void;
  /** There is something for `output()` now, and there was nothing before. May be said again before anybody has asked. */
  hasOutput(): void;
}
