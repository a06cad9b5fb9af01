/** ECM: a transfer is a frame (ECM 1.2 §3.3.1). */
import type { Request } from "../../request.ts";
import { CdcEthernet, type CdcEthernetOptions } from "./cdc-ethernet.ts";
import { FRAME_MAX } from "./ethernet-port.ts";

/** A frame, and what a host puts behind it so that its last packet is short: whole packets at any speed. */
const TRANSFER_MAX = 2048;

export class Ecm extends CdcEthernet {
  readonly #frame = new Uint8Array(FRAME_MAX);

  constructor(options: CdcEthernetOptions) {
    super(options, TRANSFER_MAX);
  }

  protected defaults(): void {}

  protected classRequest(): boolean {
    return false;
  }

  protected transmit(bytes: Uint8Array, length: number): void {
    this.port.send(bytes.subarray(0, length));
  }

  protected fill(request: Request): number {
    const length = this.port.take(this.#frame, 0);
    return request.write(this.#frame.subarray(0, length)) === length ? length : -1;
  }

  protected saveClass(): object {
    return {};
  }

  protected readClass(): () => void {
    return () => {};
  }
}
