/** Blank flash drives: formatted, with a note in them, so that a guest can mount them at once. */
import type { ImageSource } from "../../worker/protocol.ts";
import { formatFat16 } from "./fat16.ts";

const MIB = 1 << 20;
export const BLANK_DRIVE_SIZE = 64 * MIB;
/** What a person can choose from. */
export const BLANK_SIZES: readonly number[] = [16 * MIB, BLANK_DRIVE_SIZE, 256 * MIB, 1024 * MIB];

const README = `This flash drive is software: it was plugged into a virtual USB host
controller, and the guest uses its own, unchanged USB drivers to read it.

Write what you like. To keep it, press "Save a copy" beside the drive.
`;

/** What a blank disk of this size begins with; behind it there are zeros. */
export function formatBlank(size: number, date = new Date()): Uint8Array<ArrayBuffer> {
  return formatFat16({
    size,
    label: "PVUSB",
    files: [{ name: "README.TXT", content: new TextEncoder().encode(README) }],
    date,
    serial: Math.floor(date.getTime() / 1000) >>> 0,
  });
}

export function blankImage(size = BLANK_DRIVE_SIZE): ImageSource {
  return { bytes: formatBlank(size), size };
}
