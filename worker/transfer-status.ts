/** What WebUSB says of a transfer, as the STATUS_… of a URB: one table for results, one for rejections. */
import {
  STATUS_BABBLE,
  STATUS_CANCELLED,
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
  NetworkError: STATUS_TRANSACTION_ERROR,
  TimeoutError: STATUS_TRANSACTION_ERROR,
  /** The transfer was cancelled, which only close() does. */
  AbortError: STATUS_CANCELLED,
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

/**
 * `stallIsNetworkError` is for Windows, where WinUSB's stall comes as a NetworkError like any other failure. A stall is by
 * far the likeliest there, and the one that a guest recovers from.
 */
export function rejectionStatus(error: unknown, stallIsNetworkError: boolean): number {
  if (isDisconnected(error)) return STATUS_NO_DEVICE;
  const name = nameOf(error);
  if (name === "NetworkError" && stallIsNetworkError) return STATUS_STALL;
  return REJECTION_STATUS[name] ?? STATUS_TRANSACTION_ERROR;
}

export function nameOf(error: unknown): string {
  // A DOMException is no Error in every realm; both carry a name.
  return typeof error === "object" && error !== null && "name" in error ? String(error.name) : "";
}
