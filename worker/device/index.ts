/** The software devices: what there is to plug, and how one is made. */
import type { Device, DeviceHost } from "../device.ts";
import { PlugError } from "../plug-error.ts";
import type { DeviceSource } from "../protocol.ts";
import { createMicrophone } from "./audio/microphone.ts";
import { SoundRecorder } from "./audio/sound-recorder.ts";
import { createSpeaker } from "./audio/speaker.ts";
import { createCamera } from "./camera/camera.ts";
import { createFlashDrive } from "./flash-drive.ts";
import { createGadgetZero } from "./gadget-zero.ts";
import { openImage } from "./image/open-image.ts";
import { createKeyboard } from "./keyboard.ts";

/** Makes a software device. Rejects with an UnsupportedError for what is none, an ImageError for a bad disk. */
export async function createDevice(source: DeviceSource, _host: DeviceHost): Promise<Device> {
  switch (source.kind) {
    case "flash-drive":
      return createFlashDrive({
        image: await openImage(source.image, source.readOnly),
        serial: source.serial,
        speed: source.speed,
      });
    case "camera":
      return createCamera(source);
    case "keyboard":
      return createKeyboard();
    case "speaker":
      return createSpeaker({ sink: new SoundRecorder(), speed: source.speed });
    case "microphone":
      return createMicrophone({ tone: source.tone, speed: source.speed });
    case "gadget-zero":
      return createGadgetZero(source);
    default:
      throw new PlugError("UnsupportedError", `There is no software device "${source.kind}".`);
  }
}
