/** Descriptors as a WebUSB device sent them: read for what the backend must know, and made fit to be presented. */
import { SPEED_HIGH, SPEED_LOW, SPEED_SUPER, TYPE_BULK, TYPE_INTERRUPT, TYPE_ISOCHRONOUS } from "../asm/layout.ts";

const CONFIGURATION = 0x02;
const INTERFACE = 0x04;
const ENDPOINT = 0x05;
const INTERFACE_ASSOCIATION = 0x0b;

const CLASS_VENDOR = 0xff;
const ATTRIBUTE_REMOTE_WAKEUP = 0x20;

/** Interface classes that browsers keep from pages (WebUSB, "protected interface classes"), with words for a person. */
export const PROTECTED_CLASSES: Readonly<Record<number, string>> = {
  1: "audio",
  3: "keyboards, mice and other HID",
  8: "mass storage",
  11: "smart cards",
  14: "video",
  16: "audio and video",
  224: "wireless controllers",
};

/** USB 2.0 §9.6.6. */
export interface EndpointInfo {
  /** bEndpointAddress. */
  readonly address: number;
  /** TYPE_… of asm/layout.ts. */
  readonly type: number;
  /** Bytes of one packet: bits 10..0 of wMaxPacketSize. */
  readonly packetSize: number;
  /** Does a microframe carry several packets (bits 12..11)? */
  readonly highBandwidth: boolean;
  /** bInterval. */
  readonly interval: number;
}

/** One alternate setting of an interface (USB 2.0 §9.6.5). */
export interface AlternateInfo {
  readonly interfaceNumber: number;
  readonly alternate: number;
  readonly interfaceClass: number;
  readonly endpoints: readonly EndpointInfo[];
}

/** USB 2.0 §9.6.3 with all that follows it. */
export interface ConfigurationInfo {
  /** bConfigurationValue. */
  readonly value: number;
  readonly alternates: readonly AlternateInfo[];
  readonly bytes: Uint8Array;
}

/** Each descriptor of a set, by its offset and type. Stops at the first that does not fit. */
function* descriptorsOf(bytes: Uint8Array): Generator<{ at: number; length: number; type: number }> {
  for (let at = 0; at + 2 <= bytes.length; ) {
    const length = bytes[at] ?? 0;
    if (length < 2 || at + length > bytes.length) return;
    yield { at, length, type: bytes[at + 1] ?? 0 };
    at += length;
  }
}

/**
 * A configuration as far as it makes sense, with a wTotalLength that is true: up to the first descriptor that does not fit, or
 * to where it says or has its end. So the guest finds in it what we find, and nothing that we overlook. Undefined if it is
 * none.
 */
export function soundConfiguration(bytes: Uint8Array): Uint8Array | undefined {
  const [bLength = 0, type = 0, low = 0, high = 0] = bytes;
  if (type !== CONFIGURATION || bLength < 9 || bLength > bytes.length) return undefined;
  let end = bLength;
  for (const { at, length } of descriptorsOf(bytes.subarray(0, low | (high << 8)))) end = at + length;
  const sound = bytes.slice(0, end);
  sound.set([end & 0xff, end >> 8], 2);
  return sound;
}

/** Repeated endpoints of an alternate, and endpoint 0, are left out, as guests leave them out. */
export function parseConfiguration(bytes: Uint8Array): ConfigurationInfo {
  const alternates: (AlternateInfo & { endpoints: EndpointInfo[] })[] = [];
  for (const { at, length, type } of descriptorsOf(bytes)) {
    const byte = (offset: number) => bytes[at + offset] ?? 0;
    if (type === INTERFACE && length >= 9) {
      alternates.push({ interfaceNumber: byte(2), alternate: byte(3), interfaceClass: byte(5), endpoints: [] });
    } else if (type === ENDPOINT && length >= 7) {
      const size = byte(4) | (byte(5) << 8);
      const address = byte(2) & 0x8f;
      const endpoints = alternates.at(-1)?.endpoints;
      if ((address & 0x0f) === 0 || endpoints?.some((each) => each.address === address)) continue;
      endpoints?.push({
        address,
        type: byte(3) & 3,
        packetSize: size & 0x7ff,
        highBandwidth: (size & 0x1800) !== 0,
        interval: byte(6),
      });
    }
  }
  return { value: bytes[5] ?? 0, alternates, bytes };
}

/** The interfaces of a configuration, once each, in order. */
export function interfacesOf(configuration: ConfigurationInfo): number[] {
  return [...new Set(configuration.alternates.map((alternate) => alternate.interfaceNumber))];
}

/** The class for which a browser keeps the interface to itself: that of any of its alternates (WebUSB claimInterface()). */
export function protectedClassOf(configuration: ConfigurationInfo, interfaceNumber: number): number | undefined {
  return configuration.alternates.find(
    (alternate) => alternate.interfaceNumber === interfaceNumber && alternate.interfaceClass in PROTECTED_CLASSES,
  )?.interfaceClass;
}

/**
 * The configuration as the guest gets it. Interfaces in `held` stay, so that the numbering is the device's own, but become
 * vendor-specific, so that no driver of their class binds to what cannot be reached; so does a function of several
 * interfaces that is not whole any more (IAD, USB 3.2 §9.6.4). Remote wake-up is not advertised,
 * because nothing can carry it.
 */
export function presentConfiguration(bytes: Uint8Array, held: ReadonlySet<number>): Uint8Array {
  const presented = bytes.slice();
  const isHeld = (first: number, count: number) => [...held].some((each) => each >= first && each < first + count);
  for (const { at, length, type } of descriptorsOf(presented)) {
    if (type === CONFIGURATION && length >= 9) {
      presented[at + 7] = (presented[at + 7] ?? 0) & ~ATTRIBUTE_REMOTE_WAKEUP;
    } else if (type === INTERFACE && length >= 9 && held.has(presented[at + 2] ?? 0)) {
      presented.set([CLASS_VENDOR, 0, 0], at + 5);
    } else if (
      type === INTERFACE_ASSOCIATION &&
      length >= 8 &&
      isHeld(presented[at + 2] ?? 0, presented[at + 3] ?? 0)
    ) {
      presented.set([CLASS_VENDOR, 0, 0], at + 4);
    }
  }
  return presented;
}

/**
 * The device descriptor as the guest gets it: 18 bytes (USB 2.0 §9.6.1), with as many configurations as the guest can have;
 * bMaxPacketSize0 must be one that its speed allows (USB 2.0 §5.5.3, USB 3.2 §9.6.1), and a protected class in bDeviceClass
 * would bind a driver to the whole device, unless the page is exempt.
 */
export function presentDevice(bytes: Uint8Array, speed: number, configurations: number, exempt = false): Uint8Array {
  const presented = bytes.slice(0, 18);
  presented[0] = 18;
  presented[17] = configurations;
  if (!exempt && (presented[4] ?? 0) in PROTECTED_CLASSES) presented.set([0, 0, 0], 4);
  presented[7] = packetSize0(speed, presented[7] ?? 0);
  return presented;
}

function packetSize0(speed: number, told: number): number {
  if (speed === SPEED_SUPER) return 9; // 2^9 bytes
  if (speed === SPEED_HIGH) return 64;
  if (speed === SPEED_LOW) return 8;
  return [8, 16, 32, 64].includes(told) ? told : 64;
}

/**
 * What an endpoint's packets tell of the bus speed: high speed has bulk packets of 512 bytes, full speed of at most 64; and
 * only high speed has interrupt packets above 64 bytes, isochronous ones above 1023, or several in a microframe
 * (USB 2.0 §5.5.3, §5.6.3, §5.7.3, §5.8.3).
 */
export function looksHighSpeed({ type, packetSize, highBandwidth }: EndpointInfo): boolean {
  if (type === TYPE_BULK) return packetSize > 64;
  if (type === TYPE_INTERRUPT) return packetSize > 64 || highBandwidth;
  return type === TYPE_ISOCHRONOUS && (packetSize > 1023 || highBandwidth);
}
