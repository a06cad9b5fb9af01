/** A device behind the backend's seam that does nothing by itself: a test answers its transfers. */
import { SPEED_FULL, STATUS_CANCELLED } from "../../asm/layout.ts";
import type { Device, DeviceHost } from "../../worker/device.ts";
import type { Request } from "../../worker/request.ts";

export class StubDevice implements Device {
  readonly speed = SPEED_FULL;
  readonly identity = {
    ...{ vendorId: 1, productId: 2, manufacturer: "", product: "stub", serialNumber: "" },
    notes: [],
  };
  readonly host: DeviceHost;
  /** Transfers it holds. */
  readonly held: Request[] = [];
  /** Its calls, in words. */
  readonly log: string[] = [];
  /** What reset() and close() answer. */
  onReset: () => Promise<void> | void = () => undefined;
  onClose: () => Promise<void> | void = () => undefined;
  onSubmit: (request: Request) => void = () => undefined;

  constructor(host: DeviceHost) {
    this.host = host;
  }

  submit(request: Request): void {
    this.log.push("submit");
    this.held.push(request);
    this.onSubmit(request);
  }

  /** Answers the oldest transfer. */
  answer(status: number, actual = 0): void {
    this.held.shift()?.complete(status, actual);
  }

  cancel(request: Request): void {
    this.log.push("cancel");
    this.held.splice(this.held.indexOf(request), 1);
    request.complete(STATUS_CANCELLED, 0);
  }

  reset(): Promise<void> | void {
    this.log.push("reset");
    return this.onReset();
  }

  close(): Promise<void> | void {
    this.log.push("close");
    return this.onClose();
  }

  input(message: unknown): void {
    this.log.push(JSON.stringify(message));
  }
}
