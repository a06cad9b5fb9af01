/** What can be plugged in: the cards on the page. */
import type { PlugReport } from "../../worker/protocol.ts";
import { namesOf } from "../rules/device-name.ts";
import { type Card, softwareCard } from "./card.ts";
import { INPUT } from "./input-cards.ts";
import { isSerialAdapter, protectedInterfaces } from "./kept-classes.ts";
import { LINES } from "./line-cards.ts";
import { MEDIA } from "./media-cards.ts";
import { hexId } from "./words.ts";

export const SOFTWARE: readonly Card[] = [
  ...INPUT,
  ...MEDIA,
  ...LINES,
  softwareCard({
    id: "hub",
    group: "more",
    glyph: "hub",
    name: "USB hub",
    detail: "four more ports for devices of any speed",
    open: () => ({ kind: "hub" }),
  }),
  softwareCard({
    id: "gadget-zero",
    group: "more",
    glyph: "device",
    name: "Gadget zero",
    detail: "the counterpart of Linux's usbtest",
    open: () => ({ kind: "gadget-zero" }),
  }),
];

let foreigners = 0;

/** Of a device that a program has plugged in. It is on no list. */
export function foreignCard({ product, vendorId, productId }: PlugReport): Card {
  const name = product || `USB device ${hexId(vendorId)}:${hexId(productId)}`;
  return {
    id: `foreign-${++foreigners}`,
    group: "more",
    glyph: "device",
    name,
    short: name,
    detail: "",
    single: true,
    ids: { name, vendorId, productId },
    names: [],
    open: () => Promise.reject(new Error("It can be plugged in by its own program only.")),
  };
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
    group: "real",
    glyph: "device",
    name,
    short: name,
    detail: `${maker}${hexId(vendorId)}:${hexId(productId)}`,
    warning: protectedInterfaces(device),
    single: true,
    forget,
    ids: { name, vendorId, productId, isSerial: isSerialAdapter(device) },
    names: namesOf(device),
    open: () => device,
  };
  deviceCards.set(device, card);
  return card;
}
