/** What an FT232R says of itself: its descriptors, and the EEPROM that they come from. */
import { SPEED_FULL } from "../../../asm/layout.ts";
import { bytesOf, put16, putString } from "../descriptor.ts";
import type { DeviceModel } from "../device-model.ts";

export const BULK_IN = 0x81;
export const BULK_OUT = 0x02;
export const PACKET_SIZE = 64;

const VENDOR_ID = 0x0403;
const PRODUCT_ID = 0x6001;
/** bcdDevice tells FTDI's chips from each other, and this one is an FT232R. */
const DEVICE_VERSION = 0x0600;
const MAX_POWER = 45;
const MANUFACTURER = "pvusb";
const PRODUCT = "FT232R USB UART";
/** Of its serial number, so that the strings have room in the EEPROM. */
export const SERIAL_MAX = 16;

export function ft232rModel(serial: string): DeviceModel {
  return {
    speed: SPEED_FULL,
    device: {
      usbVersion: 0x0200,
      maxPacketSize0: 8,
      vendorId: VENDOR_ID,
      productId: PRODUCT_ID,
      deviceVersion: DEVICE_VERSION,
      manufacturer: 1,
      product: 2,
      serialNumber: 3,
    },
    configurations: [
      {
        value: 1,
        attributes: 0,
        maxPower: MAX_POWER,
        interfaces: [
          {
            number: 0,
            interfaceClass: 0xff,
            subclass: 0xff,
            protocol: 0xff,
            name: 2,
            endpoints: [
              { address: BULK_IN, attributes: 0x02, maxPacketSize: PACKET_SIZE },
              { address: BULK_OUT, attributes: 0x02, maxPacketSize: PACKET_SIZE },
            ],
          },
        ],
      },
    ],
    strings: [MANUFACTURER, PRODUCT, serial],
  };
}

const EEPROM_SIZE = 128;
/** Offsets: the strings' places and lengths, the functions of the CBUS pins, the strings, the checksum. */
const STRINGS = 0x0e;
const CBUS = 0x14;
const TEXT = 0x18;
const CHECKSUM = EEPROM_SIZE - 2;
/** As delivered: TXLED, RXLED, TXDEN, PWREN, SLEEP. None is a GPIO. */
const CBUS_FUNCTIONS = [0x23, 0x10, 0x05];

export function ft232rEeprom(serial: string): Uint8Array {
  const eeprom = new Uint8Array(EEPROM_SIZE);
  put16(eeprom, 0, 0x4000);
  put16(eeprom, 2, VENDOR_ID);
  put16(eeprom, 4, PRODUCT_ID);
  put16(eeprom, 6, DEVICE_VERSION);
  eeprom.set([0x80, MAX_POWER, 0x08], 8); // bmAttributes, bMaxPower; a serial number is used
  let at = TEXT;
  for (const [index, text] of [MANUFACTURER, PRODUCT, serial].entries()) {
    const string = bytesOf((into) => putString(into, 0, text));
    eeprom.set([0x80 | at, string.length], STRINGS + 2 * index);
    eeprom.set(string, at);
    at += string.length;
  }
  eeprom.set(CBUS_FUNCTIONS, CBUS);
  put16(eeprom, CHECKSUM, checksum(eeprom));
  return eeprom;
}

function checksum(eeprom: Uint8Array): number {
  let sum = 0xaaaa;
  for (let at = 0; at < CHECKSUM; at += 2) {
    sum ^= (eeprom[at] ?? 0) | ((eeprom[at + 1] ?? 0) << 8);
    sum = ((sum << 1) | (sum >> 15)) & 0xffff;
  }
  return sum;
}
