/** The software devices: what there is to plug, and how one is made. */
import { SPEED_SUPER } from "../../asm/layout.ts";
import type { Device, DeviceHost } from "../device.ts";
import { PlugError } from "../plug-error.ts";
import type { DeviceSource, DriveSource } from "../protocol.ts";
import { createMicrophone } from "./audio/microphone.ts";
import { PageSound } from "./audio/page-sound.ts";
import { SoundRecorder } from "./audio/sound-recorder.ts";
import { createSpeaker } from "./audio/speaker.ts";
import { createCamera } from "./camera/camera.ts";
import { PagePictures } from "./camera/page-pictures.ts";
import { Cables } from "./ethernet/cable.ts";
import { createEthernet } from "./ethernet/ethernet.ts";
import { createGadgetZero } from "./gadget-zero/gadget-zero.ts";
import { createGamepad } from "./hid/gamepad.ts";
import { createKeyboard } from "./hid/keyboard.ts";
import { createMouse } from "./hid/mouse.ts";
import { createPassThrough } from "./hid/pass-through.ts";
import { createTablet } from "./hid/tablet.ts";
import { createHub } from "./hub/hub.ts";
import { createMidi } from "./midi/midi.ts";
import { createSerial } from "./serial/serial.ts";
import { createCdDrive } from "./storage/cd-drive.ts";
import type { DriveOptions } from "./storage/drive-model.ts";
import { createFlashDrive } from "./storage/flash-drive.ts";
import { Shelf } from "./storage/shelf.ts";
import { createUasDrive } from "./storage/uas-drive.ts";

/**
 * Makes a software device, at no more than the `fastest` speed; Ethernet adapters are at one of the `cables`, and
 * drives come from the `shelf`. Rejects with an UnsupportedError for a kind that is none, an
 * ImageError for a bad disk.
 */
export async function createDevice(
  source: DeviceSource,
  host: DeviceHost,
  fastest: number = SPEED_SUPER,
  cables = new Cables(),
  shelf = new Shelf(),
): Promise<Device> {
  switch (source.kind) {
    case "flash-drive":
      return createFlashDrive(await driveOptions(source, fastest, shelf), host);
    case "cdrom":
      return createCdDrive({ ...source, speed: within(fastest, source.speed) }, host, shelf);
    case "camera":
      return createCamera({
        ...source,
        ...(source.speed && { speed: within(fastest, source.speed) }),
        ...(source.pictures === "page" && { scene: new PagePictures(() => host.hasOutput()) }),
      });
    case "ethernet":
      return createEthernet({ ...source, speed: within(fastest, source.speed) }, cables);
    case "hub":
      return createHub(source, host);
    case "gamepad":
      return createGamepad(host);
    case "hid":
      return createPassThrough(source, host);
    case "keyboard":
      return createKeyboard(host);
    case "midi":
      return createMidi(source, host);
    case "mouse":
      return createMouse(host);
    case "tablet":
      return createTablet(host);
    case "serial":
      return createSerial(source, host);
    case "speaker":
      return createSpeaker({ sink: new SoundRecorder(() => host.hasOutput()), speed: source.speed });
    case "microphone":
      return createMicrophone({
        tone: source.tone,
        speed: source.speed,
        ...(source.sound === "page" && { source: new PageSound() }),
      });
    case "gadget-zero":
      return createGadgetZero({ ...source, speed: within(fastest, source.speed) });
    case "uas-drive":
      return createUasDrive(await driveOptions(source, fastest, shelf), host);
    default:
      throw new PlugError("UnsupportedError", `There is no software device "${source.kind}".`);
  }
}

/** A device for SuperSpeed does its work at high speed too, as behind a USB 2.0 hub. */
function within<T extends string>(fastest: number, speed: T | "super" = "super"): T | "high" | "super" {
  return speed === "super" && fastest < SPEED_SUPER ? "high" : speed;
}

async function driveOptions(source: DriveSource, fastest: number, shelf: Shelf): Promise<DriveOptions> {
  const { image, readOnly, keep, serial, speed, rate } = source;
  return { medium: await shelf.open(image, readOnly, keep), serial, speed: within(fastest, speed), rate };
}
