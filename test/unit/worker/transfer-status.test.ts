import { expect, test } from "vitest";
import {
  STATUS_BABBLE,
  STATUS_INVALID,
  STATUS_NO_DEVICE,
  STATUS_OK,
  STATUS_STALL,
  STATUS_TRANSACTION_ERROR,
} from "../../../asm/layout.ts";
import { isDisconnected, RESULT_STATUS, rejectionStatus } from "../../../worker/transfer-status.ts";

test("results", () => {
  expect(RESULT_STATUS).toEqual({ ok: STATUS_OK, stall: STATUS_STALL, babble: STATUS_BABBLE });
});

test.each([
  [new DOMException("A transfer error has occurred.", "NetworkError"), STATUS_TRANSACTION_ERROR],
  [new DOMException("The transfer was cancelled.", "AbortError"), STATUS_TRANSACTION_ERROR],
  [new DOMException("The transfer was not allowed.", "SecurityError"), STATUS_STALL],
  [new DOMException("The device was disconnected.", "NotFoundError"), STATUS_NO_DEVICE],
  [new DOMException("The specified endpoint is not part of …", "NotFoundError"), STATUS_INVALID],
  [new DOMException("The device must be opened first.", "InvalidStateError"), STATUS_INVALID],
  [new TypeError("The provided ArrayBufferView value must not be shared."), STATUS_INVALID],
  [new Error("transferIn error: whatever"), STATUS_TRANSACTION_ERROR],
  [undefined, STATUS_TRANSACTION_ERROR],
])("rejection %s", (error, status) => {
  expect(rejectionStatus(error)).toBe(status);
});

test("Chromium prefixes some messages with the call", () => {
  const message = "Failed to execute 'transferIn' on 'USBDevice': The device was disconnected.";
  expect(isDisconnected(new DOMException(message, "NotFoundError"))).toBe(true);
});
