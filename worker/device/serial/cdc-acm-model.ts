/**
 * What a CDC-ACM adapter says of itself: a Communications interface with the notifications, and a Data interface with the bytes
 * (CDC 1.2 §3, PSTN 1.2 §3.2.1).
 */
import { SPEED_FULL, SPEED_HIGH, TYPE_BULK, TYPE_INTERRUPT } from "../../../asm/layout.ts";
import { putAbstractControlManagement, putCallManagement, putHeader, putUnion } from "../cdc/functional-descriptor.ts";
import { bytesOf } from "../descriptor.ts";
import type { DeviceModel } from "../device-model.ts";

export const CONTROL_INTERFACE = 0;
const DATA_INTERFACE = 1;

export const NOTIFICATION_IN = 0x81;
export const BULK_IN = 0x82;
export const BULK_OUT = 0x02;

const COMMUNICATIONS = 0x02;
const ABSTRACT_CONTROL_MODEL = 0x02;
const CDC_DATA = 0x0a;

/** bmCapabilities: line coding, control line state and SERIAL_STATE; SEND_BREAK (PSTN 1.2 table 4). */
const CAPABILITIES = 0x06;

/** What differs by speed: packet sizes, and 16 ms of bInterval. */
const SPEEDS = {
  full: { speed: SPEED_FULL, usbVersion: 0x0110, bulk: 64, interval: 16 },
  high: { speed: SPEED_HIGH, usbVersion: 0x0200, bulk: 512, interval: 8 },
} as const;

export function cdcAcmModel(serial: string, speedName: keyof typeof SPEEDS = "high"): DeviceModel {
  const { speed, usbVersion, bulk, interval } = SPEEDS[speedName];
  return {
    speed,
    device: {
      usbVersion,
      deviceClass: COMMUNICATIONS,
      maxPacketSize0: 64,
      vendorId: 0x1209, // pid.codes' vendor id, and of its test products: ids that no product has
      productId: 0x000d,
      deviceVersion: 0x0100,
      manufacturer: 1,
      product: 2,
      serialNumber: 3,
    },
    configurations: [
      {
        value: 1,
        attributes: 0,
        maxPower: 50,
        interfaces: [
          {
            number: CONTROL_INTERFACE,
            interfaceClass: COMMUNICATIONS,
            subclass: ABSTRACT_CONTROL_MODEL,
            protocol: 0, // no AT commands
            extra: FUNCTIONAL_DESCRIPTORS,
            endpoints: [{ address: NOTIFICATION_IN, attributes: TYPE_INTERRUPT, maxPacketSize: 16, interval }],
          },
          {
            number: DATA_INTERFACE,
            interfaceClass: CDC_DATA,
            subclass: 0,
            protocol: 0,
            endpoints: [
              { address: BULK_IN, attributes: TYPE_BULK, maxPacketSize: bulk },
              { address: BULK_OUT, attributes: TYPE_BULK, maxPacketSize: bulk },
            ],
          },
        ],
      },
    ],
    strings: ["pvusb", "Serial Adapter (CDC-ACM)", serial],
    ...(speedName === "high" ? { otherSpeed: cdcAcmModel(serial, "full") } : {}),
  };
}

const FUNCTIONAL_DESCRIPTORS = bytesOf((into) => {
  let end = putCallManagement(into, putHeader(into, 0), DATA_INTERFACE);
  end = putAbstractControlManagement(into, end, CAPABILITIES);
  return putUnion(into, end, CONTROL_INTERFACE, DATA_INTERFACE);
});
