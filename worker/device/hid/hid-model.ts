/** What a HID device says of itself: one interface with interrupt IN, and interrupt OUT where it has output reports for that. */
import { SPEED_FULL, TYPE_INTERRUPT } from "../../../asm/layout.ts";
import { bytesOf, CONFIGURATION_REMOTE_WAKEUP, putHid } from "../descriptor.ts";
import type { DeviceModel } from "../device-model.ts";

export const INTERRUPT_IN = 0x81;
export const INTERRUPT_OUT = 0x01;

/** The most that an interrupt endpoint has at full speed (USB 2.0 §5.7.3). */
const PACKET_SIZE_MAX = 64;
/** bInterfaceSubClass (HID 1.11 §4.2). */
const BOOT_INTERFACE = 1;

export interface HidModel {
  readonly vendorId: number;
  readonly productId: number;
  readonly deviceVersion?: number;
  readonly manufacturer?: string;
  readonly product: string;
  readonly serialNumber?: string;
  /** bInterfaceProtocol of a boot device (HID 1.11 §4.3): 1 keyboard, 2 mouse. */
  readonly bootProtocol?: 1 | 2;
  /** Bytes of the longest input report, its id included. */
  readonly inputLength: number;
  /** Bytes of the longest report that is for interrupt OUT. */
  readonly outputLength?: number;
  /** bInterval: ms. */
  readonly interval: number;
}

export function hidModel(model: HidModel, hidDescriptor: Uint8Array): DeviceModel {
  const { manufacturer = "pvusb", product, serialNumber, bootProtocol, inputLength, outputLength = 0 } = model;
  const endpoint = (address: number, length: number) => ({
    address,
    attributes: TYPE_INTERRUPT,
    maxPacketSize: Math.min(Math.max(length, 1), PACKET_SIZE_MAX),
    interval: model.interval,
  });
  return {
    speed: SPEED_FULL,
    device: {
      usbVersion: 0x0110,
      maxPacketSize0: 64,
      vendorId: model.vendorId,
      productId: model.productId,
      deviceVersion: model.deviceVersion ?? 0x0100,
      manufacturer: 1,
      product: 2,
      ...(serialNumber && { serialNumber: 3 }),
    },
    configurations: [
      {
        value: 1,
        attributes: CONFIGURATION_REMOTE_WAKEUP,
        maxPower: 50,
        interfaces: [
          {
            number: 0,
            interfaceClass: 0x03, // HID
            subclass: bootProtocol ? BOOT_INTERFACE : 0,
            protocol: bootProtocol ?? 0,
            extra: hidDescriptor,
            endpoints: [
              endpoint(INTERRUPT_IN, inputLength),
              ...(outputLength > 0 ? [endpoint(INTERRUPT_OUT, outputLength)] : []),
            ],
          },
        ],
      },
    ],
    strings: [manufacturer, product, ...(serialNumber ? [serialNumber] : [])],
  };
}

/** HID 1.11 §6.2.1. */
export function hidDescriptor(reportDescriptor: Uint8Array): Uint8Array {
  return bytesOf((into) => putHid(into, 0, { hidVersion: 0x0111, country: 0, reportLength: reportDescriptor.length }));
}
