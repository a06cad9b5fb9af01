/** A USB flash drive: bulk-only transport, transparent SCSI, an image. At SuperSpeed, so that guests ask for 1 MiB at once. */
import { SPEED_FULL, SPEED_HIGH, SPEED_SUPER } from "../../asm/layout.ts";
import { BulkOnlyTransport } from "./bulk-only.ts";
import type { DeviceModel } from "./device-model.ts";
import type { Image } from "./image.ts";
import { ScsiDisk } from "./scsi-disk.ts";
import { SoftwareDevice } from "./software-device.ts";

export interface FlashDriveOptions {
  readonly image: Image;
  /** The serial number; derived from a count when it is not given. */
  readonly serial?: string | undefined;
  readonly speed?: FlashDriveSpeed | undefined;
}

export type FlashDriveSpeed = "full" | "high" | "super";

/** pid.codes' vendor id and its first test product: ids that no product has. */
const VENDOR_ID = 0x1209;
const PRODUCT_ID = 0x0001;

const BULK_IN = 0x81;
const BULK_OUT = 0x02;
const BULK = 0x02;

/** What differs by speed: packet sizes (USB 2.0 §5.8.3, USB 3.2 §9.6.6), bcdUSB, the unit of bMaxPower. */
const SPEEDS = {
  full: { speed: SPEED_FULL, usbVersion: 0x0110, maxPacketSize0: 64, maxPacketSize: 64, maxPower: 50 },
  high: { speed: SPEED_HIGH, usbVersion: 0x0200, maxPacketSize0: 64, maxPacketSize: 512, maxPower: 50 },
  super: { speed: SPEED_SUPER, usbVersion: 0x0300, maxPacketSize0: 9, maxPacketSize: 1024, maxPower: 12 },
} as const satisfies Record<FlashDriveSpeed, object>;

let count = 0;

export function createFlashDrive(options: FlashDriveOptions): SoftwareDevice {
  const { image, speed = "super" } = options;
  const serial = options.serial?.slice(0, 126) || nextSerial();
  const identity = { vendor: "pvusb", product: "Flash Drive", revision: "1.0", serial };
  const transport = new BulkOnlyTransport(new ScsiDisk(image, identity), BULK_IN, BULK_OUT);
  return new SoftwareDevice(flashDriveModel(speed, serial), transport, image.notes);
}

export function flashDriveModel(speed: FlashDriveSpeed, serial: string): DeviceModel {
  const { usbVersion, maxPacketSize0, maxPacketSize, maxPower, ...rest } = SPEEDS[speed];
  const companion = speed === "super" ? { companion: { maxBurst: 15 } } : {};
  return {
    speed: rest.speed,
    device: {
      usbVersion,
      maxPacketSize0,
      vendorId: VENDOR_ID,
      productId: PRODUCT_ID,
      deviceVersion: 0x0100,
      manufacturer: 1,
      product: 2,
      serialNumber: 3,
    },
    configurations: [
      {
        value: 1,
        attributes: 0,
        maxPower,
        interfaces: [
          {
            number: 0,
            interfaceClass: 0x08, // mass storage
            subclass: 0x06, // SCSI transparent command set
            protocol: 0x50, // bulk-only
            endpoints: [
              { address: BULK_IN, attributes: BULK, maxPacketSize, ...companion },
              { address: BULK_OUT, attributes: BULK, maxPacketSize, ...companion },
            ],
          },
        ],
      },
    ],
    strings: ["pvusb", "Flash Drive", serial],
    // Latencies of 0 keep Linux from link power management, which a virtual link has no use for.
    ...(speed === "super"
      ? { bos: { usb2Attributes: 0x02, speeds: 0x0e, lowestFullFunction: 1, u1ExitLatency: 0, u2ExitLatency: 0 } }
      : {}),
    ...(speed === "high" ? { otherSpeed: flashDriveModel("full", serial) } : {}),
  };
}

/** Twelve hexadecimal digits, as BOT 1.0 §4.1.1 asks for: "PVUSB" in ASCII, then a count. */
function nextSerial(): string {
  count++;
  return `5056555342${(count & 0xff).toString(16).padStart(2, "0").toUpperCase()}`;
}
