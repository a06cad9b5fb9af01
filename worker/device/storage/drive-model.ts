/** What the drives have in common: descriptors by speed, serial numbers, the options a person gives. */
import { SPEED_FULL, SPEED_HIGH, SPEED_SUPER } from "../../../asm/layout.ts";
import type { DeviceSource, ImageSource } from "../../protocol.ts";
import type { EndpointDescriptor, InterfaceDescriptor } from "../descriptor.ts";
import type { DeviceModel } from "../device-model.ts";
import type { Medium } from "./medium.ts";

export interface DriveOptions {
  readonly medium: Medium;
  /** The serial number; derived from a count when it is not given. */
  readonly serial?: string | undefined;
  /** SuperSpeed if it is not given, so that guests ask for 1 MiB at once. */
  readonly speed?: DriveSpeed | undefined;
  /** Bytes a second, both directions together; as fast as it can if it is not given. */
  readonly rate?: number | undefined;
}

export type DriveSpeed = "full" | "high" | "super";

/** One kind of drive. */
export interface DriveKind {
  /** Of pid.codes' vendor id, which has test products: ids that no product has. */
  readonly productId: number;
  readonly product: string;
  /** The alternates of interface 0. */
  alternates(speed: DriveSpeed): readonly InterfaceDescriptor[];
}

const VENDOR_ID = 0x1209;
const BULK = 0x02;

/** What differs by speed: packet sizes (USB 2.0 §5.8.3, USB 3.2 §9.6.6), bcdUSB, the unit of bMaxPower. */
const SPEEDS = {
  full: { speed: SPEED_FULL, usbVersion: 0x0110, maxPacketSize0: 64, maxPacketSize: 64, maxPower: 50 },
  high: { speed: SPEED_HIGH, usbVersion: 0x0200, maxPacketSize0: 64, maxPacketSize: 512, maxPower: 50 },
  super: { speed: SPEED_SUPER, usbVersion: 0x0300, maxPacketSize0: 9, maxPacketSize: 1024, maxPower: 12 },
} as const satisfies Record<DriveSpeed, object>;

export function driveModel(kind: DriveKind, speed: DriveSpeed, serial: string): DeviceModel {
  const { usbVersion, maxPacketSize0, maxPower, ...rest } = SPEEDS[speed];
  return {
    speed: rest.speed,
    device: {
      usbVersion,
      maxPacketSize0,
      vendorId: VENDOR_ID,
      productId: kind.productId,
      deviceVersion: 0x0100,
      manufacturer: 1,
      product: 2,
      serialNumber: 3,
    },
    configurations: [{ value: 1, attributes: 0, maxPower, interfaces: kind.alternates(speed) }],
    strings: ["pvusb", kind.product, serial],
    // Latencies of 0 keep Linux from link power management, which a virtual link has no use for.
    ...(speed === "super"
      ? { bos: { usb2Attributes: 0x02, speeds: 0x0e, lowestFullFunction: 1, u1ExitLatency: 0, u2ExitLatency: 0 } }
      : {}),
    ...(speed === "high" ? { otherSpeed: driveModel(kind, "full", serial) } : {}),
  };
}

/** A bulk endpoint; at SuperSpeed with 2^`streams` streams, or none. */
export function bulk(address: number, speed: DriveSpeed, streams = 0): EndpointDescriptor {
  const { maxPacketSize } = SPEEDS[speed];
  const companion = speed === "super" ? { companion: { maxBurst: 15, attributes: streams } } : {};
  return { address, attributes: BULK, maxPacketSize, ...companion };
}

/** What a saved state has the drive made from again, or why not. */
export function driveOrigin(
  kind: "flash-drive" | "uas-drive",
  medium: Medium,
  serial: string,
  speed: DriveSpeed,
  rate: number | undefined,
): DeviceSource | string {
  const image = imageOrigin(medium);
  if (typeof image === "string") return image;
  const { keep } = medium;
  const readOnly = medium.image.readOnly;
  return {
    kind,
    image,
    readOnly,
    serial,
    speed,
    ...(keep !== undefined && { keep }),
    ...(rate !== undefined && { rate }),
  };
}

/** What an image is opened from again, or why it cannot be. One that cannot may be kept all the same. */
export function imageOrigin({ image, keep }: Medium): ImageSource | string {
  return typeof image.source === "string" && keep !== undefined ? { kept: keep } : image.source;
}

let count = 0;

/** As given, or twelve hexadecimal digits, as BOT 1.0 §4.1.1 asks for: "PVUSB" in ASCII, then a count. */
export function serialNumber(given: string | undefined): string {
  if (given) return given.slice(0, 126);
  count++;
  return `5056555342${(count & 0xff).toString(16).padStart(2, "0").toUpperCase()}`;
}
