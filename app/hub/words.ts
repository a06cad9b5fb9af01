/** What the page says to a person when something is in the way: what happened, and what they can do. No stack traces. */
import type { Neglect } from "./attention.ts";
import type { DeviceIds } from "./card.ts";
import { inBytes } from "./rate.ts";

/**
 * One message. `text` is what happened and why; `steps` are things to do; `command` is ready to copy, and so are `details` for a
 * report, which are not shown.
 */
export interface Words {
  readonly title: string;
  readonly text: string;
  readonly steps?: readonly string[];
  readonly command?: string;
  readonly details?: string;
}

export type Platform = "linux" | "windows" | "mac" | "android" | "chromeos" | "other";

export function platformOf(userAgent: string): Platform {
  if (/Android/.test(userAgent)) return "android";
  if (/CrOS/.test(userAgent)) return "chromeos";
  if (/Windows/.test(userAgent)) return "windows";
  if (/Mac OS X|Macintosh/.test(userAgent)) return "mac";
  if (/Linux|X11/.test(userAgent)) return "linux";
  return "other";
}

/** Four hexadecimal digits, as in `lsusb`. */
export function hexId(id: number): string {
  return id.toString(16).padStart(4, "0");
}

export const NO_WEBUSB: Words = {
  title: "This browser has no WebUSB",
  text: "Real USB devices need WebUSB, which this browser does not have. Software devices work all the same.",
  steps: [
    "Open this page in Chrome, Edge or Opera, on a computer or on Android.",
    "The page's address must begin with https:// or be localhost.",
  ],
};

export const NOT_ISOLATED: Words = {
  title: "This page is not cross-origin isolated",
  text: "The emulator and its USB worker share memory, and browsers allow that only to a page served with two headers. Its server did not send them.",
  steps: ["Let the server send these headers with every file of the page, then load it again."],
  command: "Cross-Origin-Opener-Policy: same-origin\nCross-Origin-Embedder-Policy: require-corp",
};

export const USB_FORBIDDEN: Words = {
  title: "This page may not use USB",
  text: "The browser or the page around this one forbids it. Software devices work all the same.",
  steps: [
    "Open the page in a tab of its own, not inside another page.",
    "In the browser's site settings, set “USB devices” to “Ask”.",
    "On a managed computer, ask whoever sets the browser's policies.",
  ],
};

/** Why the browser's chooser gave no device, or undefined if there is nothing to say. */
export function grantFailed(error: unknown): Words | undefined {
  const { name, message } = named(error);
  if (isNoChoice(error)) return undefined;
  if (name === "SecurityError" || name === "NotAllowedError") return USB_FORBIDDEN;
  return { title: "No device was granted", text: sentence(message) };
}

/** Why a plug failed. Errors of the backend carry a PlugErrorName. */
export function plugFailed(error: unknown, port: string, device: DeviceIds, platform: Platform): Words {
  const { name, message } = named(error);
  const text = sentence(message);
  const title = `${device.name} could not be plugged into port ${port}`;
  switch (name) {
    case "AccessError":
      return { title, text, ...accessAdvice(device, platform) };
    case "BusyError":
      return { title, text, ...busyAdvice(device, platform) };
    case "NotFoundError":
      return {
        title,
        text,
        steps: ["Plug the device into this computer again.", "If it is not in the list then, grant it again."],
      };
    case "PortOccupiedError":
      return { title, text, steps: ["Unplug what is there, or choose another port."] };
    case "NotAllowedError":
    case "SecurityError":
      return {
        title,
        text,
        steps: [
          "Allow it: in the browser's settings of this site, set it to “Ask”.",
          "Then plug it in again, and answer “Allow”.",
        ],
      };
    case "ImageError":
      return { title, text, steps: ["Choose the file again: it may have been moved or changed since."] };
    case "UnsupportedError":
      return { title, text, steps: ["Software devices work without WebUSB: a flash drive from a file, a keyboard."] };
    default:
      return { title, text };
  }
}

/** Why a device stays where it was. */
export function moveFailed(error: unknown, port: string, device: DeviceIds): Words {
  return { title: `${device.name} could not be moved to port ${port}`, text: sentence(named(error).message) };
}

/** Why a button beside a device did not do what it says. */
export function actionFailed(error: unknown, label: string): Words {
  return { title: `“${label}” did not work`, text: sentence(named(error).message) };
}

export const NO_POWER = "Start the guest first: its hub has no power.";
export const ALL_TAKEN = "All ports are taken. Unplug something first.";
export const NOTHING_CHOSEN = "Nothing was chosen, so nothing was plugged.";

/** The person closed the browser's chooser. */
export function isNoChoice(error: unknown): boolean {
  return error instanceof DOMException && (error.name === "NotFoundError" || error.name === "AbortError");
}

function accessAdvice(device: DeviceIds, platform: Platform): Pick<Words, "steps" | "command"> {
  const ids = idsOf(device);
  switch (platform) {
    case "linux":
      return {
        steps: [
          "Linux lets only root open this device. Add a rule that gives it to the person at the screen, then plug the device again.",
        ],
        command: ids
          ? `echo 'SUBSYSTEM=="usb", ATTR{idVendor}=="${ids.vendor}", ATTR{idProduct}=="${ids.product}", TAG+="uaccess"' | sudo tee /etc/udev/rules.d/70-usb-${ids.vendor}-${ids.product}.rules\nsudo udevadm control --reload && sudo udevadm trigger`
          : `echo 'SUBSYSTEM=="usb", TAG+="uaccess"' | sudo tee /etc/udev/rules.d/70-usb.rules\nsudo udevadm control --reload && sudo udevadm trigger`,
      };
    case "android":
      return { steps: ["Answer Android's question with “Allow”, then plug it in again."] };
    case "windows":
      return {
        steps: ["Give the device the WinUSB driver (the program Zadig does it), then plug it in again.", CLOSE_OTHERS],
      };
    default:
      return { steps: [CLOSE_OTHERS, "Plug the device again, and grant it again."] };
  }
}

const CLOSE_OTHERS = "Close other programs and tabs that use the device.";

/** What holds the device is let go, or its work is done another way. */
function busyAdvice(device: DeviceIds, platform: Platform): Pick<Words, "steps" | "command"> {
  const { steps, ...command } = letGo(device, platform);
  return { steps: device.isSerial ? [AS_SERIAL_PORT, ...steps] : steps, ...command };
}

const AS_SERIAL_PORT = "Plug it as this computer's serial port instead: that works with the driver that holds it.";

function letGo(
  device: DeviceIds,
  platform: Platform,
): { readonly steps: readonly string[]; readonly command?: string } {
  const ids = idsOf(device);
  switch (platform) {
    case "linux":
      return {
        steps: [CLOSE_OTHERS, "If a driver of Linux holds it, take the driver off until the device is plugged again:"],
        command: unbindCommand(ids),
      };
    case "windows":
      return {
        steps: [
          CLOSE_OTHERS,
          "If a driver of Windows holds it, give the device the WinUSB driver (the program Zadig does it).",
        ],
      };
    case "mac":
      return {
        steps: ["Quit the programs that use the device (for cameras: Photos and Image Capture), then try again."],
      };
    case "android":
      return { steps: ["Close other apps that use the device, then plug it in again and answer “Allow”."] };
    default:
      return { steps: [CLOSE_OTHERS, "Plug the device again."] };
  }
}

/** Takes Linux's drivers off every interface of the device, wherever it is plugged. */
function unbindCommand(ids: { vendor: string; product: string } | undefined): string {
  if (!ids) return "echo -n '1-2:1.0' | sudo tee /sys/bus/usb/devices/1-2:1.0/driver/unbind";
  return `for v in $(grep -lx ${ids.vendor} /sys/bus/usb/devices/*/idVendor); do
  grep -qx ${ids.product} "\${v%Vendor}Product" || continue
  for i in "\${v%/idVendor}":*; do
    [ -e "$i/driver" ] && echo -n "\${i##*/}" | sudo tee "$i/driver/unbind"
  done
done`;
}

/** What happened to the guest's start. */
export function startFailed(error: unknown, machine = "The guest"): Words {
  const { name, message } = named(error);
  if (name === "NotIsolatedError") return NOT_ISOLATED;
  const title = `${machine} did not start`;
  const text = sentence(message);
  // What is wrong with a machine, or its state, says itself what to do.
  if (name === "MachineError" || name === "StateError") return { title, text };
  return {
    title,
    text,
    steps: ["Load the page again. If that does not help, forget the saved state in the menu and start once more."],
  };
}

/** Why a <pvusb-hub> has no machine. */
export function attachFailed(error: unknown): Words {
  const { name, message } = named(error);
  return name === "NotIsolatedError" ? NOT_ISOLATED : { title: "The hub has no machine", text: sentence(message) };
}

/** The file in a guest's own drive is gone. */
export function diskFailed(machine: string, message: string): Words {
  return {
    title: `${machine} cannot read its disk`,
    text: sentence(message),
    steps: ["Change the machine in the menu, and start it again."],
  };
}

/** A machine could not be kept, or started from what was kept. */
export function machineFailed(title: string, error: unknown): Words {
  return { title, text: sentence(named(error).message) };
}

export const CAPTURE_STARTED = "The capture has begun. Plug a device in now, and it has the device's descriptors too.";

export const CAPTURE_STOPPED = "The capture has ended. Save it, and open the file with Wireshark.";
export const CAPTURE_FULL = "The capture is full and has ended. Save it, or start a new one.";

/** How large the capture is. */
export function captureNote(state: "none" | "running" | "stopped" | "full", packets: number, bytes: number): string {
  const size = `${packets.toLocaleString("en")} ${packets === 1 ? "packet" : "packets"}, ${inBytes(bytes)}`;
  switch (state) {
    case "none":
      return "Records every transfer, for Wireshark.";
    case "running":
      return `Recording: ${size}`;
    case "stopped":
      return size;
    case "full":
      return `Full: ${size}`;
  }
}

/** A device left its port by itself. */
export function pulledOut(port: string, reason: string): string {
  return `Port ${port}: device pulled out. ${sentence(reason)}`;
}

/** A device that was pulled out and plugged in again by pvusb itself. */
export function cameBack(port: string, reason: string): Words {
  return {
    title: `The device in port ${port} was plugged in again`,
    text: sentence(reason),
    steps: ["In the guest, mount or open it again."],
  };
}

/** The guest does nothing with a device. */
export function neglected(neglect: Neglect): string {
  return neglect === "ignored"
    ? "The guest has not taken it: it is busy, or has no driver for an xHCI controller."
    : "The guest has given it an address, but none of its drivers has used it yet: load one there (modprobe), or use a program that needs none.";
}

/** The whole controller lost its backend. */
export function linkLost(reason: string): Words {
  return {
    title: "The USB hub lost its connection",
    text: sentence(reason),
    steps: ["Restart the guest: its devices are plugged in again then."],
  };
}

/** What is kept in the browser cannot be read or written. */
export function rulesFailed(error: unknown): Words {
  return {
    title: "The rules for devices cannot be kept",
    text: sentence(error instanceof Error ? error.message : String(error)),
    steps: ["Allow this page to store data, then load it again. Until then, plug devices in by hand."],
  };
}

export const HID_BLOCKED =
  "Browsers keep keyboards, mice and security keys for themselves, and this device has one in it: the guest gets the rest. Plug Keyboard or Mouse for what is missing.";

function idsOf({ vendorId, productId }: DeviceIds): { vendor: string; product: string } | undefined {
  if (vendorId === undefined || productId === undefined) return undefined;
  return { vendor: hexId(vendorId), product: hexId(productId) };
}

function named(error: unknown): { name: string; message: string } {
  if (error instanceof Error) return { name: error.name, message: error.message };
  return { name: "Error", message: String(error) };
}

/** First line only, with a full stop: an unexpected error's message may be anything. */
function sentence(message: string): string {
  const line = message.split("\n", 1)[0]?.trim() || "Something went wrong, and it did not say what.";
  return /[.!?…]$/.test(line) ? line : `${line}.`;
}
