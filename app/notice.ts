/** What a host tells a person by itself. */
import type { UsbController } from "./usb-controller.ts";

/**
 * Something a person should know about a port: a device that left by itself, that a restored state could not bring back
 * as it was, or that a rule could not plug. `port` 0 is the whole controller.
 */
export interface Notice {
  readonly controller: UsbController;
  readonly port: number;
  /** "1", or "1.2" for port 2 of the hub in port 1. */
  readonly path: string;
  readonly reason: string;
}
