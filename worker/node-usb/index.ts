/** Real devices in Node, by npm `usb` if it is installed. */
import { loadNative } from "./native.ts";
import { NodeUsb } from "./usb.ts";

export const isNode = typeof globalThis.process?.versions?.node === "string";

let known: Promise<NodeUsb> | undefined;

/** What stands for navigator.usb, once a thread. Rejects with a PlugError that says what to do. */
export function nodeUsb(): Promise<NodeUsb> {
  known ??= loadNative()
    .then((native) => new NodeUsb(native))
    .catch((error: unknown) => {
      known = undefined;
      throw error;
    });
  return known;
}
