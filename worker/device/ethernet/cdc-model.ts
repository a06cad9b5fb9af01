/**
 * What an adapter says of itself: a Communications interface with the notifications, and a Data interface whose alternate 0
 * carries nothing and whose alternate 1 carries frames (ECM 1.2 §3.3, NCM 1.0 §5).
 */
import { SPEED_FULL, SPEED_HIGH, SPEED_SUPER, TYPE_BULK, TYPE_INTERRUPT } from "../../../asm/layout.ts";
import { putEthernetNetworking, putHeader, putNcm, putUnion } from "../cdc/functional-descriptor.ts";
import { CONNECTION_SPEED_CHANGE_LENGTH } from "../cdc/notification.ts";
import { bytesOf, type EndpointDescriptor } from "../descriptor.ts";
import type { DeviceModel } from "../device-model.ts";
import { FRAME_MAX } from "./ethernet-port.ts";
import { formatMacAddress } from "./mac-address.ts";
import { MULTICAST_FILTERS } from "./packet-filter.ts";

export type CdcClass = "ncm" | "ecm";
export type EthernetSpeed = "full" | "high" | "super";

export const CONTROL_INTERFACE = 0;
export const DATA_INTERFACE = 1;
/** The Data interface's alternate that carries frames. */
export const DATA_ALTERNATE = 1;

export const NOTIFICATION_IN = 0x81;
export const BULK_IN = 0x82;
export const BULK_OUT = 0x02;

const COMMUNICATIONS = 0x02;
const CDC_DATA = 0x0a;

/** bmNetworkCapabilities: SetEthernetPacketFilter is understood (NCM 1.0 table 5-2). */
const NCM_PACKET_FILTER = 0x01;

/** bInterfaceSubClass of the Communications interface, bInterfaceProtocol of the Data interface (CDC 1.2 tables 4 and 7). */
const CLASSES = {
  ncm: { productId: 0x000b, product: "Ethernet Adapter (NCM)", subclass: 0x0d, dataProtocol: 0x01 },
  ecm: { productId: 0x000c, product: "Ethernet Adapter (ECM)", subclass: 0x06, dataProtocol: 0x00 },
} as const satisfies Record<CdcClass, object>;

/** What differs by speed: packet sizes, bcdUSB, the unit of bMaxPower, 16 ms or less of bInterval. */
const SPEEDS = {
  full: { speed: SPEED_FULL, usbVersion: 0x0110, maxPacketSize0: 64, bulk: 64, maxPower: 50, interval: 16 },
  high: { speed: SPEED_HIGH, usbVersion: 0x0200, maxPacketSize0: 64, bulk: 512, maxPower: 50, interval: 8 },
  super: { speed: SPEED_SUPER, usbVersion: 0x0300, maxPacketSize0: 9, bulk: 1024, maxPower: 12, interval: 8 },
} as const satisfies Record<EthernetSpeed, object>;

export function cdcModel(cdcClass: CdcClass, speed: EthernetSpeed, address: Uint8Array): DeviceModel {
  const { productId, product, subclass, dataProtocol } = CLASSES[cdcClass];
  const { usbVersion, maxPacketSize0, maxPower, interval, ...rest } = SPEEDS[speed];
  const endpoint = (number: number, type: number, maxPacketSize: number, bInterval = 0): EndpointDescriptor => ({
    address: number,
    attributes: type,
    maxPacketSize,
    interval: bInterval,
    ...(speed === "super" && {
      companion: type === TYPE_BULK ? { maxBurst: 15 } : { maxBurst: 0, bytesPerInterval: maxPacketSize },
    }),
  });
  const data = { number: DATA_INTERFACE, interfaceClass: CDC_DATA, subclass: 0, protocol: dataProtocol };
  return {
    speed: rest.speed,
    device: {
      usbVersion,
      deviceClass: 0xef, // interfaces are grouped by an association (USB 3.2 §9.6.4)
      subclass: 0x02,
      protocol: 0x01,
      maxPacketSize0,
      vendorId: 0x1209, // pid.codes' vendor id, and of its test products: ids that no product has
      productId,
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
            association: { interfaces: 2, functionClass: COMMUNICATIONS, subclass, protocol: 0 },
            number: CONTROL_INTERFACE,
            interfaceClass: COMMUNICATIONS,
            subclass,
            protocol: 0,
            extra: functionalDescriptors(cdcClass),
            endpoints: [endpoint(NOTIFICATION_IN, TYPE_INTERRUPT, CONNECTION_SPEED_CHANGE_LENGTH, interval)],
          },
          { ...data, endpoints: [] },
          {
            ...data,
            alternate: DATA_ALTERNATE,
            endpoints: [endpoint(BULK_IN, TYPE_BULK, rest.bulk), endpoint(BULK_OUT, TYPE_BULK, rest.bulk)],
          },
        ],
      },
    ],
    // iMACAddress is the serial number: both tell one adapter from another.
    strings: ["pvusb", product, formatMacAddress(address, "").toUpperCase()],
    ...(speed === "super"
      ? { bos: { usb2Attributes: 0x02, speeds: 0x0e, lowestFullFunction: 1, u1ExitLatency: 0, u2ExitLatency: 0 } }
      : {}),
    ...(speed === "high" ? { otherSpeed: cdcModel(cdcClass, "full", address) } : {}),
  };
}

function functionalDescriptors(cdcClass: CdcClass): Uint8Array {
  const ethernet = { macAddress: 3, maxSegmentSize: FRAME_MAX, multicastFilters: MULTICAST_FILTERS };
  return bytesOf((into) => {
    let end = putUnion(into, putHeader(into, 0), CONTROL_INTERFACE, DATA_INTERFACE);
    end = putEthernetNetworking(into, end, ethernet);
    return cdcClass === "ncm" ? putNcm(into, end, NCM_PACKET_FILTER) : end;
  });
}
