/** What can be plugged in: the cards on the page. */
import type { DeviceSource } from "../../worker/protocol.ts";
import { namesOf } from "../rules/device-name.ts";
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
  /** What hotplug rules call it; none for what is gone with the page. */
  readonly names: readonly string[];
  source(): USBDevice | DeviceSource;
}

let drives = 0;

const BLANK_DRIVE: Card = {
  id: "blank-drive",
  glyph: "drive",
  name: `Flash drive (blank, ${inBytes(BLANK_DRIVE_SIZE)})`,
  short: "Flash drive",
  detail: "FAT, in memory; forgotten when pulled out",
  single: false,
  ids: { name: "Flash drive" },
  names: ["blank-drive"],
  source: () => blankDrive(`PVUSB${String(++drives).padStart(4, "0")}`),
};

const KEYBOARD: Card = {
  id: "keyboard",
  glyph: "keyboard",
  name: "Keyboard",
  short: "Keyboard",
  detail: "types into the guest's screen",
  single: false,
  ids: { name: "Keyboard" },
  names: ["keyboard"],
  source: () => ({ kind: "keyboard" }),
};

/** A software device without settings. */
function softwareCard(glyph: Glyph, name: string, detail: string, source: DeviceSource): Card {
  return {
    id: source.kind,
    glyph,
    name,
    short: name,
    detail,
    single: false,
    ids: { name },
    names: [source.kind],
    source: () => source,
  };
}

export const SOFTWARE: readonly Card[] = [
  BLANK_DRIVE,
  KEYBOARD,
  softwareCard("camera", "Camera", "films a test card whose frames are numbered", { kind: "camera" }),
  softwareCard("microphone", "Microphone", "hears a tone of 440 Hz", { kind: "microphone", tone: 440 }),
  softwareCard("speaker", "Speaker", "takes the guest's sound; the page does not play it", { kind: "speaker" }),
  softwareCard("network", "Ethernet adapter", "all of them are on one cable", { kind: "ethernet" }),
  softwareCard("device", "Serial adapter", "FT232R, which echoes what it is sent", {
    kind: "serial",
    loopback: true,
  }),
  softwareCard("device", "Gadget zero", "the counterpart of Linux's usbtest", { kind: "gadget-zero" }),
];

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
    names: [],
    source: () => ({ kind: "flash-drive", image: { blob: file }, readOnly: true, serial: `FILE${files}` }),
  };
  return card;
}

const deviceCards = new WeakMap<USBDevice, Card>();
let devices = 0;

/** Always the same one for a device. */
export function webUsbCard(device: USBDevice, forget: () => Promise<void>): Card {
  const known = deviceCards.get(device);
  if (known) return known;
  const { vendorId, productId } = device;
  const name = device.productName || `USB device ${hexId(vendorId)}:${hexId(productId)}`;
  const maker = device.manufacturerName ? `${device.manufacturerName}, ` : "";
  const card: Card = {
    id: `webusb-${++devices}`,
    glyph: "device",
    name,
    short: name,
    detail: `${maker}${hexId(vendorId)}:${hexId(productId)}`,
    warning: protectedInterfaces(device),
    single: true,
    forget,
    ids: { name, vendorId, productId },
    names: namesOf(device),
    source: () => device,
  };
  deviceCards.set(device, card);
  return card;
}
