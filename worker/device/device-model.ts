/** What a software device is, as literals, and what it does, as hooks. */
import type { ImageReading } from "../device.ts";
import type { DeviceOutput } from "../protocol.ts";
import type { Request } from "../request.ts";
import type { ActiveConfiguration } from "./active-configuration.ts";
import type { BosDescriptor, ConfigurationDescriptor, DeviceDescriptor } from "./descriptor.ts";
import type { Endpoint } from "./endpoint.ts";

export interface DeviceModel {
  /** SPEED_… of asm/layout.ts. */
  readonly speed: number;
  readonly device: Omit<DeviceDescriptor, "configurations">;
  readonly configurations: readonly ConfigurationDescriptor[];
  /** String 1, string 2, and so on. */
  readonly strings: readonly string[];
  readonly bos?: BosDescriptor;
  /** What a high-speed device would be at full speed. Without it, the qualifier is stalled. */
  readonly otherSpeed?: DeviceModel;
}

/**
 * The conduct of a software device beyond chapter 9. The hooks are called from inside `Device.submit`, so what a function
 * answers at once is answered inside the guest's doorbell. None of them throws.
 */
export interface DeviceFunction {
  /** SET_CONFIGURATION or SET_INTERFACE: begin anew with these endpoints, all of them empty and not halted. */
  start(active: ActiveConfiguration): void;
  /** Configuration 0, a reset of the port, or the unplug: the endpoints are gone. Forget what is under way. */
  stop(): void;
  /** A reset of the port, after `stop`. */
  reset?(): void;
  /**
   * A request that chapter 9 does not answer. Answers it and says true; false stalls it. One that is answered later may have been
   * cancelled meanwhile: then it has another `serial`.
   */
  control(request: Request): boolean;
  /** The head of the endpoint, or of one of its streams, is a new one. */
  ready(endpoint: Endpoint, stream: number): void;
  /** A head of the endpoint was taken away: cancelled, or halted by the host. The next one may be there already. */
  withdrawn?(endpoint: Endpoint): void;
  /** CLEAR_FEATURE(ENDPOINT_HALT). */
  haltCleared?(endpoint: Endpoint): void;
  /** The host lets the device wake it, or no longer does (USB 2.0 §9.4.9, USB 3.2 §9.4.9). */
  remoteWakeup?(allowed: boolean): void;
  input?(message: unknown): Promise<void> | void;
  output?(): DeviceOutput | undefined;
  openImage?(): ImageReading | undefined;

  /** What a saved state keeps of it beyond chapter 9: plain data. Without it, the device comes back as an unplug and a plug. */
  save?(): unknown;
  /**
   * Becomes what `save` said, with these empty endpoints (none without a configuration), in place of `start` or `stop`. Reads
   * everything before it changes anything, and throws as `Device.restore` does.
   */
  restore?(state: unknown, active: ActiveConfiguration | undefined): string | undefined;
  close?(): Promise<void> | void;
}
