/** A USB flash drive: bulk-only transport, transparent SCSI, an image. */
import type { DeviceHost } from "../../device.ts";
import { sharedBus } from "../bus.ts";
import type { InterfaceDescriptor } from "../descriptor.ts";
import type { DeviceModel } from "../device-model.ts";
import { SoftwareDevice } from "../software-device.ts";
import { BulkOnlyTransport } from "./bulk-only.ts";
import {
  bulk,
  type DriveKind,
  type DriveOptions,
  type DriveSpeed,
  driveModel,
  driveOrigin,
  serialNumber,
} from "./drive-model.ts";
import { DIRECT_ACCESS } from "./scsi-data.ts";
import { ScsiDisk } from "./scsi-disk.ts";

export const BULK_IN = 0x81;
export const BULK_OUT = 0x02;

const FLASH_DRIVE: DriveKind = {
  productId: 0x0001,
  product: "Flash Drive",
  alternates: (speed) => [bulkOnlyInterface(speed)],
};

const IDENTITY = { type: DIRECT_ACCESS, vendor: "pvusb", product: "Flash Drive", revision: "1.0" } as const;

export function createFlashDrive(
  { medium, serial: given, speed = "super", rate }: DriveOptions,
  host?: DeviceHost,
): SoftwareDevice {
  const serial = serialNumber(given);
  const disk = new ScsiDisk(medium, { ...IDENTITY, serial }, () => host?.hasOutput());
  const transport = new BulkOnlyTransport(disk, BULK_IN, BULK_OUT);
  const origin = driveOrigin("flash-drive", medium, serial, speed, rate);
  return new SoftwareDevice(flashDriveModel(speed, serial), transport, medium.image.notes, origin, sharedBus(rate));
}

export function flashDriveModel(speed: DriveSpeed, serial: string): DeviceModel {
  return driveModel(FLASH_DRIVE, speed, serial);
}

export function bulkOnlyInterface(speed: DriveSpeed): InterfaceDescriptor {
  return {
    number: 0,
    interfaceClass: 0x08, // mass storage
    subclass: 0x06, // SCSI transparent command set
    protocol: 0x50, // bulk-only
    endpoints: [bulk(BULK_IN, speed), bulk(BULK_OUT, speed)],
  };
}
