/** A readable sentence of a transfer, by what is known of its device. Whatever its bytes are, it says something and does not throw. */
import {
  STATUS_BABBLE,
  STATUS_CANCELLED,
  STATUS_INVALID,
  STATUS_NO_DEVICE,
  STATUS_OK,
  STATUS_STALL,
  STATUS_TRANSACTION_ERROR,
  TYPE_BULK,
  TYPE_CONTROL,
  TYPE_INTERRUPT,
  TYPE_ISOCHRONOUS,
} from "../../../asm/layout.ts";
import { describeAudioRequest, describeMidi } from "./audio.ts";
import { count, hex, hexBytes, u8, u16 } from "./bytes.ts";
import {
  CLASS_AUDIO,
  CLASS_CDC_CONTROL,
  CLASS_CDC_DATA,
  CLASS_HID,
  CLASS_HUB,
  CLASS_STORAGE,
  CLASS_VIDEO,
  CLASS_WORDS,
  SUBCLASS_MIDI_STREAMING,
} from "./classes.ts";
import { describeCommunicationsData, describeCommunicationsRequest, describeNotification } from "./communications.ts";
import { type Description, field, type Setup, say, type Transfer } from "./description.ts";
import { describeHidRequest, describeReport } from "./hid.ts";
import { describeHubChange, describeHubRequest } from "./hub.ts";
import { describeStandardRequest } from "./standard-requests.ts";
import { describeStorage, describeStorageRequest } from "./storage.ts";
import { describePayload, describeVideoRequest } from "./video.ts";

const FAILURES: Readonly<Record<number, string>> = {
  [STATUS_STALL]: "stall",
  [STATUS_BABBLE]: "babble",
  [STATUS_TRANSACTION_ERROR]: "error on the bus",
  [STATUS_NO_DEVICE]: "the device is gone",
  [STATUS_CANCELLED]: "cancelled",
  [STATUS_INVALID]: "not possible",
};

const TYPE_STANDARD = 0x00;
const TYPE_CLASS = 0x20;
const TYPE_MASK = 0x60;
const RECIPIENT_OTHER = 3;

export function describe(transfer: Transfer): Description {
  const { actual, endpoint, packets, setup, status, type } = transfer;
  if (type === TYPE_ISOCHRONOUS) return isochronous(transfer);
  const failure = status === STATUS_OK ? undefined : (FAILURES[status] ?? `status ${status}`);
  if (type === TYPE_CONTROL && setup) {
    const { fields, text } = control(readSetup(setup), transfer);
    // What would have come is not said of a request that failed.
    return failure ? say(`${text.split(" → ", 1)[0]} → ${failure}`, ...fields) : { fields, text };
  }
  if (actual === 0 && failure) return say(`${carries(transfer)} ${way(endpoint)} → ${failure}`);
  if (actual === 0 && packets === 1) return say(`${carries(transfer)} ${way(endpoint)}, no bytes`);
  const { fields, text } = byClass(transfer) ?? unknown(transfer);
  return say(failure ? `${text} → ${failure}` : text, ...fields);
}

export function readSetup(bytes: Uint8Array): Setup {
  return {
    type: u8(bytes, 0),
    request: u8(bytes, 1),
    value: u16(bytes, 2),
    index: u16(bytes, 4),
    length: u16(bytes, 6),
  };
}

/** The setup packet's fields (USB 2.0 §9.3). */
export function setupFields(setup: Setup): Description["fields"] {
  return [
    field("bmRequestType", hex(setup.type)),
    field("bRequest", hex(setup.request)),
    field("wValue", hex(setup.value, 4)),
    field("wIndex", hex(setup.index, 4)),
    field("wLength", setup.length),
  ];
}

function control(setup: Setup, transfer: Transfer): Description {
  const { data, role } = transfer;
  switch (setup.type & TYPE_MASK) {
    case TYPE_STANDARD:
      return describeStandardRequest(setup, transfer);
    case TYPE_CLASS:
      if ((setup.type & 0x1f) === RECIPIENT_OTHER) return describeHubRequest(setup, transfer);
      switch (role?.class) {
        case CLASS_HUB:
          return describeHubRequest(setup, transfer);
        case CLASS_HID:
          return describeHidRequest(setup, transfer);
        case CLASS_STORAGE:
          return describeStorageRequest(setup, transfer);
        case CLASS_CDC_CONTROL:
        case CLASS_CDC_DATA:
          return describeCommunicationsRequest(setup, transfer);
        case CLASS_AUDIO:
          return describeAudioRequest(setup, transfer);
        case CLASS_VIDEO:
          return describeVideoRequest(setup, transfer);
      }
  }
  const kind = ["standard", "class", "vendor", "reserved"][(setup.type & TYPE_MASK) >> 5];
  const bytes = data.length > 0 ? `: ${hexBytes(data)}` : "";
  const values = `wValue ${hex(setup.value, 4)}, wIndex ${hex(setup.index, 4)}`;
  return say(`${kind} request ${hex(setup.request)}, ${values}, ${count(data.length, "byte")}${bytes}`);
}

function byClass(transfer: Transfer): Description | undefined {
  const { data, endpoint, role, type } = transfer;
  if (type === TYPE_BULK) {
    const storage = describeStorage(transfer);
    if (storage) return storage;
  }
  switch (role?.class) {
    case CLASS_HUB:
      return describeHubChange(transfer);
    case CLASS_HID:
      return describeReport(transfer);
    case CLASS_CDC_CONTROL:
      return type === TYPE_INTERRUPT && endpoint & 0x80 && data.length >= 8
        ? describeNotification(transfer)
        : undefined;
    case CLASS_CDC_DATA:
      return describeCommunicationsData(transfer);
    case CLASS_AUDIO:
      return role.subclass === SUBCLASS_MIDI_STREAMING ? describeMidi(transfer) : undefined;
    case CLASS_VIDEO:
      return describePayload(transfer);
  }
  return undefined;
}

/** Several packets as one. */
function isochronous(transfer: Transfer): Description {
  const { actual, endpoint, errors, packets, status } = transfer;
  const sum = `${carries(transfer)} ${way(endpoint)}, ${count(packets, "packet")}, ${count(actual, "byte")}`;
  if (errors === 0) return say(sum);
  const last = FAILURES[status];
  return say(`${sum}, ${count(errors, "error")}${last ? `: ${last}` : ""}`);
}

function unknown(transfer: Transfer): Description {
  const { actual, data, endpoint } = transfer;
  return say(`${carries(transfer)} ${way(endpoint)}, ${count(actual, "byte")}: ${hexBytes(data)}`);
}

/** "mass storage", or "bulk" when nothing is known. */
function carries({ role, type }: Transfer): string {
  const kind = ["control", "isochronous", "bulk", "interrupt"][type] ?? "transfer";
  const { [role?.class ?? 0]: word } = CLASS_WORDS;
  return word ?? kind;
}

function way(endpoint: number): string {
  return endpoint & 0x80 ? "in" : "out";
}
