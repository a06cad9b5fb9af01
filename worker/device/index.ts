/** The software devices: what there is to plug, and how one is made. */
import type { Device, DeviceHost } from "../device.ts";
import { PlugError } from "../plug-error.ts";
import type { DeviceSource } from "../protocol.ts";
import { DEVICE_KINDS } from "./device-kinds.ts";
import { createFlashDrive } from "./flash-drive.ts";
import { openImage } from "./image/open-image.ts";
import { createKeyboard } from "./keyboard.ts";

export { DEVICE_KINDS, type DeviceKind } from "./device-kinds.ts";

/** Makes a software device. Rejects with an UnsupportedError for a kind that is none, an ImageError for a bad disk. */
export async function createDevice(source: DeviceSource, _host: DeviceHost): Promise<Device> {
  switch (source.kind) {
    case "flash-drive":
      return createFlashDrive({
        image: await openImage(source.image, source.readOnly),
        serial: source.serial,
        speed: source.speed,
      });
    case "keyboard":
      return createKeyboard();
    default: {
      const kinds = DEVICE_KINDS.map((each) => each.kind).join(", ");
      throw new PlugError("UnsupportedError", `There is no software device "${source.kind}". There are: ${kinds}.`);
    }
  }
}
