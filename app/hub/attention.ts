/**
 * Whether the guest does anything with a device. One that has no driver for it reads its descriptors, selects a configuration,
 * and that is all: nothing fails, and nothing happens.
 */
import type { UsbPort } from "../usb-port.ts";

/** "ignored": the guest has given it no address. "driverless": it has, and nothing but the guest's USB core speaks to it. */
export type Neglect = "ignored" | "driverless";

/** Looks, two a second while the hub has power: half a minute, in which a slow guest on a busy computer loads a driver. */
const LOOKS = 60;

export class Attention {
  #plug: UsbPort["plugged"];
  #looks = 0;

  /** Looks at the port once more. What it answers stays so until the guest does something. */
  look(port: Pick<UsbPort, "plugged" | "status"> | undefined): Neglect | undefined {
    const { plugged } = port ?? {};
    if (plugged !== this.#plug) {
      this.#plug = plugged;
      this.#looks = 0;
    }
    if (!port || !plugged) return undefined;
    const { address, counters } = port.status;
    // In a restored state nobody has counted what was before.
    const isTaken = address !== 0 && (counters.driven > 0 || counters.transfers === 0);
    if (isTaken) this.#looks = 0;
    else if (++this.#looks >= LOOKS) return address === 0 ? "ignored" : "driverless";
    return undefined;
  }
}
