/**
 * How rules and the command line name a device: by vendor and product, by these and its serial number, or by a name of its
 * own.
 *
 *   1d50:6018    1d50:6018/7BB180B4    1-2.3    backup
 */
import type { RealDevice } from "../../worker/protocol.ts";

export interface DeviceIds {
  readonly vendorId: number;
  readonly productId: number;
  readonly serialNumber?: string;
}

const IDS = /^(?:0x)?([0-9a-f]{1,4}):(?:0x)?([0-9a-f]{1,4})(?:\/(.+))?$/is;

/** Undefined for what names no ids. */
export function parseIds(text: string): DeviceIds | undefined {
  const [, vendor, product, serialNumber] = IDS.exec(text) ?? [];
  if (vendor === undefined || product === undefined) return undefined;
  const ids = { vendorId: Number.parseInt(vendor, 16), productId: Number.parseInt(product, 16) };
  return serialNumber === undefined ? ids : { ...ids, serialNumber };
}

export function formatIds({ vendorId, productId, serialNumber }: DeviceIds): string {
  const ids = [vendorId, productId].map((id) => id.toString(16).padStart(4, "0")).join(":");
  return serialNumber ? `${ids}/${serialNumber}` : ids;
}

/** The one spelling of a name, so that names can be compared. */
export function normalName(text: string): string {
  const ids = parseIds(text);
  return ids ? formatIds(ids) : text;
}

/** A device's names, the one that fits the fewest first. */
export function namesOf(device: USBDevice & Partial<Pick<RealDevice, "path">>): string[] {
  const { vendorId, productId, serialNumber, path } = device;
  const ids = { vendorId, productId };
  return [
    ...(path === undefined ? [] : [path]),
    ...(serialNumber ? [formatIds({ ...ids, serialNumber })] : []),
    formatIds(ids),
  ];
}
