/** A port's output, as it comes. */
import type { DeviceOutput } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";

/**
 * Asks the port whenever its device has output, and gives that to `take`, one after another: the device is not asked again before
 * `take` is done. Answers how to end that. A port that is gone says nothing more.
 */
export function followOutput(port: UsbPort, take: (output: DeviceOutput) => Promise<void> | void): () => void {
  let told = false;
  let asking = false;
  let ended = false;
  const ask = async () => {
    asking = true;
    try {
      while (told && !ended) {
        told = false;
        const output = await port.output();
        if (output && !ended) await take(output);
      }
    } catch {
      // Unplugged meanwhile, or its worker is dead: if it comes back, so does the feed.
    } finally {
      asking = false;
    }
  };
  const tell = () => {
    told = true;
    if (!asking) void ask();
  };
  port.onOutput = tell;
  tell();
  return () => {
    ended = true;
    if (port.onOutput === tell) port.onOutput = undefined;
  };
}
