/** Descriptors as a person reads them (USB 2.0 §9.6, USB 3.2 §9.6), and one after another out of a configuration's. */
import { count, hex, ids, u8, u16 } from "./bytes.ts";
import { CLASS_WORDS } from "./classes.ts";
import { type Description, type Field, field, named, say } from "./description.ts";

export const DEVICE = 0x01;
export const CONFIGURATION = 0x02;
export const STRING = 0x03;
export const INTERFACE = 0x04;
export const ENDPOINT = 0x05;
export const OTHER_SPEED_CONFIGURATION = 0x07;
const DEVICE_QUALIFIER = 0x06;
const INTERFACE_ASSOCIATION = 0x0b;
const BOS = 0x0f;
const HID_REPORT = 0x22;
const HUB = 0x29;
const HUB_SUPER = 0x2a;
/** Pipe usage of UAS; of other classes a class-specific interface. */
export const PIPE_USAGE = 0x24;

export const DESCRIPTOR_WORDS: Readonly<Record<number, string>> = {
  [DEVICE]: "Device",
  [CONFIGURATION]: "Configuration",
  [STRING]: "String",
  [INTERFACE]: "Interface",
  [ENDPOINT]: "Endpoint",
  [DEVICE_QUALIFIER]: "Device Qualifier",
  [OTHER_SPEED_CONFIGURATION]: "Other Speed Configuration",
  10: "Debug",
  [INTERFACE_ASSOCIATION]: "Interface Association",
  [BOS]: "BOS",
  33: "HID",
  [HID_REPORT]: "Report",
  35: "Physical",
  [PIPE_USAGE]: "class-specific interface",
  37: "class-specific endpoint",
  [HUB]: "Hub",
  [HUB_SUPER]: "SuperSpeed Hub",
  48: "SuperSpeed Endpoint Companion",
};

const TRANSFER_TYPES = ["control", "isochronous", "bulk", "interrupt"];
const FIELDS_MAX = 64;

/** Calls `each` with every descriptor of a configuration's that is there as a whole, in order. */
export function eachDescriptor(bytes: Uint8Array, each: (descriptor: Uint8Array) => void): void {
  for (let at = 0; at + 2 <= bytes.length; ) {
    const length = u8(bytes, at);
    if (length < 2 || at + length > bytes.length) return;
    each(bytes.subarray(at, at + length));
    at += length;
  }
}

/** What came for GetDescriptor(type). */
export function describeDescriptor(type: number, bytes: Uint8Array): Description {
  const size = count(bytes.length, "byte");
  switch (type) {
    case DEVICE:
      if (bytes.length < 12) break;
      return say(
        `${size}, ${ids(bytes, 8)}`,
        field("bcdUSB", release(u16(bytes, 2))),
        field("bDeviceClass", classWords(u8(bytes, 4))),
        field("bMaxPacketSize0", u8(bytes, 7)),
        field("idVendor:idProduct", ids(bytes, 8)),
        field("bcdDevice", release(u16(bytes, 12))),
        field("bNumConfigurations", u8(bytes, 17)),
      );
    case CONFIGURATION:
    case OTHER_SPEED_CONFIGURATION:
      if (bytes.length < 9) break;
      return configuration(size, bytes);
    case STRING:
      return say(`"${stringOf(bytes)}"`);
    case HUB:
    case HUB_SUPER:
      return say(`${size}, ${count(u8(bytes, 2), "port")}`, field("bNbrPorts", u8(bytes, 2)));
  }
  return say(size);
}

function configuration(size: string, bytes: Uint8Array): Description {
  const total = u16(bytes, 2);
  const fields: Field[] = [];
  const classes = new Set<string>();
  eachDescriptor(bytes, (descriptor) => {
    if (u8(descriptor, 1) === INTERFACE) classes.add(classWords(u8(descriptor, 5)));
    if (fields.length < FIELDS_MAX) fields.push(oneOf(descriptor));
  });
  const part = bytes.length < total ? ` of ${total.toLocaleString("en")}` : "";
  return say([`${size}${part}`, ...classes].join(", "), ...fields);
}

function oneOf(bytes: Uint8Array): Field {
  const type = u8(bytes, 1);
  const name = named(DESCRIPTOR_WORDS, type, "descriptor");
  switch (type) {
    case CONFIGURATION:
    case OTHER_SPEED_CONFIGURATION:
      return field(name, `value ${u8(bytes, 5)}, ${count(u8(bytes, 4), "interface")}, wTotalLength ${u16(bytes, 2)}`);
    case INTERFACE: {
      const triple = [5, 6, 7].map((at) => hex(u8(bytes, at))).join(" ");
      const words = `${u8(bytes, 2)}, alternate ${u8(bytes, 3)}, ${count(u8(bytes, 4), "endpoint")}`;
      return field(name, `${words}, ${classWords(u8(bytes, 5))} (${triple})`);
    }
    case ENDPOINT: {
      const kind = TRANSFER_TYPES[u8(bytes, 3) & 3];
      return field(name, `${hex(u8(bytes, 2))}, ${kind}, wMaxPacketSize ${u16(bytes, 4)}, bInterval ${u8(bytes, 6)}`);
    }
    default:
      return field(name, count(bytes.length, "byte"));
  }
}

/** UTF-16 (USB 2.0 §9.6.7). What is no character of a line is "·". */
export function stringOf(bytes: Uint8Array): string {
  let text = "";
  for (let at = 2; at + 2 <= bytes.length; at += 2) text += String.fromCharCode(u16(bytes, at));
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "·");
}

/** 0x0210 → "2.10". */
export function release(bcd: number): string {
  return `${(bcd >>> 8).toString(16)}.${(bcd & 0xff).toString(16).padStart(2, "0")}`;
}

export function classWords(code: number): string {
  return code === 0 ? "by interface" : named(CLASS_WORDS, code, "class");
}
