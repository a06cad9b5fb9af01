/** What a device calls back. It goes with the device, from socket to socket. */
import type { Device, DeviceHost } from "./device.ts";

/** The end that a device is tied to. */
export interface TieEnd {
  /** The device left by itself. */
  deviceGone(reason: string): void;
  /** One of the device's halves wants to be resumed. */
  deviceWakes(half: Device | undefined): void;
  /** There is output, of which nobody was told yet. */
  deviceHasOutput(): void;
}

export class Tie implements DeviceHost {
  /** None while the device is opened or moved, and none once it was dropped. */
  end: TieEnd | undefined;
  /** Why the device left while nobody had it. */
  left: string | undefined;
  /** Somebody was told of output, and has not asked for it. */
  told = false;

  readonly gone = (reason: string): void => {
    if (this.end) this.end.deviceGone(reason);
    else this.left ??= reason;
  };

  readonly wake = (half?: Device): void => this.end?.deviceWakes(half);

  readonly hasOutput = (): void => {
    if (this.told || !this.end) return;
    this.told = true;
    this.end.deviceHasOutput();
  };
}
