/** What can be plugged in: the cards on the page. */
import type { DeviceSource } from "../../worker/protocol.ts";
import { BLANK_DRIVE_SIZE, blankDrive } from "./blank-drive.ts";
import type { Glyph } from "./icons.ts";
import { inBytes } from "./rate.ts";
import { type DeviceIds, hexId, protectedInterfaces } from "./words.ts";

export interface Card {
  readonly id: string;
  readonly glyph: Glyph;
  readonly name: string;
  /** The name in a sentence, or beside a port. */
  readonly short: string;
  readonly detail: string;
  /** A sentence about what will not work. */
  readonly warning?: string | undefined;
  /** There is one of it: it is in one port at most. Others can be plugged as often as there are ports. */
  readonly single: boolean;
  /** A person may take the card off the list. */
  readonly forget?: () => void | Promise<void>;
  readonly ids: DeviceIds;
  source(): USBDevice | DeviceSource;
}

let drives = 0;

export const BLANK_DRIVE: Card = {
  id: "blank-drive",
  glyph: "drive",
  name: `Flash drive (blank, ${inBytes(BLANK_DRIVE_SIZE)})`,
  short: "Flash drive",
  detail: "FAT, in memory; forgotten when pulled out",
  single: false,
  ids: { name: "Flash drive" },
  source: () => blankDrive(`PVUSB${String(++drives).padStart(4, "0")}`),
};

export const KEYBOARD: Card = {
  id: "keyboard",
  glyph: "keyboard",
  name: "Keyboard",
  short: "Keyboard",
  detail: "types into the guest's screen",
  single: false,
  ids: { name: "Keyboard" },
  source: () => ({ kind: "keyboard" }),
};

let files = 0;

export function fileCard(file: File, forget: (card: Card) => void): Card {
  const card: Card = {
    id: `file-${++files}`,
    glyph: "file",
    name: file.name,
    short: file.name,
    detail: `flash drive of ${inBytes(file.size)}, read-only`,
    single: true,
    forget: () => forget(card),
    ids: { name: file.name },
    source: () => ({ kind: "flash-drive", image: { blob: file }, readOnly: true, serial: `FILE${files}` }),
  };
  return card;
}

const deviceNumbers = new WeakMap<USBDevice, number>();
let devices = 0;

export function webUsbCard(device: USBDevice, forget: () => Promise<void>): Card {
  const number = deviceNumbers.get(device) ?? ++devices;
  deviceNumbers.set(device, number);
  const { vendorId, productId } = device;
  const name = device.productName || `USB device ${hexId(vendorId)}:${hexId(productId)}`;
  const maker = device.manufacturerName ? `${device.manufacturerName}, ` : "";
  return {
    id: `webusb-${number}`,
    glyph: "device",
    name,
    short: name,
    detail: `${maker}${hexId(vendorId)}:${hexId(productId)}`,
    warning: protectedInterfaces(device),
    single: true,
    forget,
    ids: { name, vendorId, productId },
    source: () => device,
  };
}
