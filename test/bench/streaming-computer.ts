/**
 * A Chromium with a device to be measured with, and no hardware: gadget zero, whose sources and sinks are always ready, on a
 * high-speed bus. With PVUSB_BUS=none the bus takes no time: then it is Chromium's own limit that is measured, and that of the
 * stand-in (test/usbfs/).
 */
import type { Browser } from "playwright";
import { startComputer } from "../usbfs/launch.ts";
import { SoftwareWire } from "../usbfs/software-wire.ts";

/** Bytes a millisecond: 13 packets of 512 in each microframe (USB 2.0 §5.8.4). */
const HIGH_SPEED = 13 * 512 * 8;

export async function startStreamingComputer(
  origin: string,
  switches: readonly string[],
): Promise<{ readonly browser: Browser; stop(): Promise<void> }> {
  const computer = await startComputer(origin, switches);
  const gadget = await SoftwareWire.plug({ kind: "gadget-zero", speed: "high" });
  const { PVUSB_BUS } = process.env;
  const rate = PVUSB_BUS === "none" ? Number.POSITIVE_INFINITY : HIGH_SPEED;
  /** When the bus will have carried all that waits for it. */
  let free = 0;
  gadget.transfer = async (_endpoint, _packetSize, buffer) => {
    if (rate !== Number.POSITIVE_INFINITY) {
      free = Math.max(free, performance.now()) + buffer.length / rate;
      await new Promise((resolve) => setTimeout(resolve, free - performance.now()));
    }
    return { status: "ok", data: buffer };
  };
  computer.kernel.plug(gadget.fn, {}, gadget);
  return computer;
}
