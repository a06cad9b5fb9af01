/** The blank flash drive: a formatted disk with a note in it, so that a guest can mount it at once. */
import type { DeviceSource } from "../../worker/protocol.ts";
import { formatFat16 } from "./fat16.ts";

const MIB = 1 << 20;
export const BLANK_DRIVE_SIZE = 64 * MIB;

const README = `This flash drive is software. It lives in the memory of your browser tab
and was plugged into a virtual USB host controller; the guest uses its own,
unchanged USB drivers to read it.

Write what you like. It is forgotten when you pull the drive out.
`;

/** A new one each time: what the guest writes goes with the plug. */
export function blankDrive(serial: string, date = new Date()): DeviceSource {
  const bytes = formatFat16({
    size: BLANK_DRIVE_SIZE,
    label: "PVUSB",
    files: [{ name: "README.TXT", content: new TextEncoder().encode(README) }],
    date,
    serial: Math.floor(date.getTime() / 1000) >>> 0,
  });
  return { kind: "flash-drive", image: { bytes }, serial };
}
