/** What a person is told when a WebUSB device cannot be had, or only in part: one sentence, and what to do. */
import { PlugError, reasonOf } from "./plug-error.ts";
import { PROTECTED_CLASSES } from "./raw-descriptors.ts";
import { isReal } from "./real-device.ts";
import { isDisconnected, nameOf } from "./transfer-status.ts";

export function openError(error: unknown, name: string): Error {
  if (error instanceof PlugError) return error;
  if (isDisconnected(error)) return goneError(name, error);
  if (nameOf(error) === "SecurityError") {
    return new PlugError(
      "AccessError",
      `This computer does not let the browser open ${name}. On Linux, a udev rule must give you the device; ` +
        "on Windows, it needs the WinUSB driver.",
      { cause: error },
    );
  }
  if (nameOf(error) === "InvalidStateError") {
    return new PlugError(
      "BusyError",
      `The browser has not finished an earlier attempt with ${name}. Reconnect it, or load the page again.`,
      { cause: error },
    );
  }
  return new PlugError(
    "BusyError",
    `${capital(name)} cannot be opened (${reasonOf(error)}). Is another program using it?`,
    {
      cause: error,
    },
  );
}

export function goneError(name: string, cause: unknown): PlugError {
  return new PlugError(
    "NotFoundError",
    `${capital(name)} was pulled out. Connect it, and choose it again in the page.`,
    {
      cause,
    },
  );
}

/** A request had no answer, and the browser, which cannot take it back, was to begin anew with the device. */
export function notOpenedAgain(name: string, error: unknown): string {
  if (isDisconnected(error)) return "The device was pulled out.";
  return `${capital(name)} did not answer, and the browser cannot open it again (${reasonOf(error)}). Reconnect it.`;
}

/** Why the guest does not get an interface: by the name of the claim's error. */
export function heldNote(interfaceNumber: number, reason: string, protectedClass: number | undefined): string {
  const subject = `Interface ${interfaceNumber}`;
  if (reason === "SecurityError") {
    const words = PROTECTED_CLASSES[protectedClass ?? -1] ?? "a protected class";
    return `${subject} (${words}) stays with the browser, which keeps this class from every page.`;
  }
  if (reason === "NetworkError") {
    return `${subject} is in use by a driver of this computer or by another page: take it from there, and plug the device in again, if the guest is to have it too.`;
  }
  return `${subject} is one that the browser does not know of.`;
}

/** A device without a serial number is nobody in particular: the browser forgets it when it goes. */
export function pulledOut(device: USBDevice, name: string): string {
  const gone = `${capital(name)} was pulled out.`;
  return device.serialNumber || isReal(device)
    ? gone
    : `${gone} It has no serial number, so grant it to the page again once it is back.`;
}

export function nothingClaimed(name: string, busy: boolean, notes: readonly string[]): PlugError {
  return busy
    ? new PlugError(
        "BusyError",
        `No interface of ${name} is free: a driver of this computer or another page has it. Close the other page, or ` +
          "unbind the driver; on Windows, give it the WinUSB driver.",
      )
    : new PlugError(
        "UnsupportedError",
        `The browser keeps all of ${name} from pages. ${notes.join(" ")} Plug a software device in its place.`,
      );
}

export function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
