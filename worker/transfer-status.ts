/** What WebUSB says of a transfer, as the STATUS_… of a URB: one table for results, one for rejections. */
import {
  STATUS_BABBLE,
  STATUS_INVALID,
  STATUS_NO_DEVICE,
  STATUS_OK,
  STATUS_STALL,
  STATUS_TRANSACTION_ERROR,
} from "../asm/layout.ts";

/** USBTransferStatus (WebUSB §6, enum USBTransferStatus). A short packet is "ok". */
export const RESULT_STATUS: Readonly<Record<USBTransferStatus, number>> = {
  ok: STATUS_OK,
  stall: STATUS_STALL,
  babble: STATUS_BABBLE,
};

/** DOMException.name of a rejected transfer. */
const REJECTION_STATUS: Readonly<Record<string, number>> = {
  /** Or worse: failures.ts. */
  NetworkError: STATUS_TRANSACTION_ERROR,
  TimeoutError: STATUS_TRANSACTION_ERROR,
  /** Cancelled by the browser, not by the guest. */
  AbortError: STATUS_TRANSACTION_ERROR,
  /** Not allowed: the guest sees what a device answers to a request that it does not know. */
  SecurityError: STATUS_STALL,
  /** An endpoint, interface or configuration that the device does not have, unless the device itself is gone. */
  NotFoundError: STATUS_INVALID,
  InvalidStateError: STATUS_INVALID,
  DataError: STATUS_INVALID,
  IndexSizeError: STATUS_INVALID,
  TypeError: STATUS_INVALID,
};

/** The message of Chromium's NotFoundError once a device is gone; NotFoundError has other meanings too. */
const DISCONNECTED = "The device was disconnected.";

export function isDisconnected(error: unknown): boolean {
  return nameOf(error) === "NotFoundError" && (error as Error).message.includes(DISCONNECTED);
}

export function rejectionStatus(error: unknown): number {
  return isDisconnected(error) ? STATUS_NO_DEVICE : (REJECTION_STATUS[nameOf(error)] ?? STATUS_TRANSACTION_ERROR);
}

/** The browser has cancelled a transfer: at close(), and where clearHalt() ends all of an interface's (macOS). */
export function isAborted(error: unknown): boolean {
  return nameOf(error) === "AbortError";
}

export function nameOf(error: unknown): string {
  // A DOMException is no Error in every realm; both carry a name.
  return typeof error === "object" && error !== null && "name" in error ? String(error.name) : "";
}
