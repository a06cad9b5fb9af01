/** A USB CD drive: bulk-only transport, multi-media commands, and discs that come and go while it is plugged in. */
import type { DeviceHost } from "../../device.ts";
import type { CdDriveSource, DeviceSource, ImageSource } from "../../protocol.ts";
import { SoftwareDevice } from "../software-device.ts";
import { BulkOnlyTransport } from "./bulk-only.ts";
import { type DriveKind, driveModel, imageOrigin, serialNumber } from "./drive-model.ts";
import { BULK_IN, BULK_OUT, bulkOnlyInterface } from "./flash-drive.ts";
import { ImageError } from "./image.ts";
import type { Medium } from "./medium.ts";
import { CD_BLOCK_SIZE } from "./mmc-data.ts";
import { ScsiCdDrive } from "./scsi-cd-drive.ts";
import { MULTIMEDIA } from "./scsi-data.ts";
import type { Shelf } from "./shelf.ts";

const CD_DRIVE: DriveKind = {
  productId: 0x000f,
  product: "CD Drive",
  alternates: (speed) => [bulkOnlyInterface(speed)],
};

const IDENTITY = { type: MULTIMEDIA, vendor: "pvusb", product: "CD Drive", revision: "1.0" } as const;

export async function createCdDrive(source: CdDriveSource, host: DeviceHost, shelf: Shelf): Promise<SoftwareDevice> {
  const { image, speed = "super" } = source;
  const serial = serialNumber(source.serial);
  const open = (disc: ImageSource): Promise<Medium> => openDisc(disc, shelf);
  const disc = image && (await open(image));
  const drive = new ScsiCdDrive({ ...IDENTITY, serial }, disc, open, () => host.hasOutput());
  const origin = (): DeviceSource | string => {
    const now = drive.medium && imageOrigin(drive.medium);
    return typeof now === "string" ? now : { kind: "cdrom", serial, speed, ...(now && { image: now }) };
  };
  const transport = new BulkOnlyTransport(drive, BULK_IN, BULK_OUT);
  return new SoftwareDevice(driveModel(CD_DRIVE, speed, serial), transport, disc?.image.notes, origin);
}

async function openDisc(image: ImageSource, shelf: Shelf): Promise<Medium> {
  const medium = await shelf.open(image, true);
  if (medium.image.size >= CD_BLOCK_SIZE) return medium;
  medium.close();
  throw new ImageError(`A disc has blocks of ${CD_BLOCK_SIZE} bytes, and this image is smaller than one.`);
}
