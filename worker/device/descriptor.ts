/**
 * Descriptors: typed literals in, bytes out (USB 2.0 §9.5, §9.6; USB 3.2 §9.6). Each `put…` writes one descriptor at `at`
 * and answers the offset behind it; it writes every byte of its own and none of its neighbours'.
 */

/** Descriptor types (USB 2.0 table 9-5, USB 3.2 table 9-6, HID 1.11 §7.1). */
export const DESCRIPTOR_DEVICE = 0x01;
export const DESCRIPTOR_CONFIGURATION = 0x02;
export const DESCRIPTOR_STRING = 0x03;
export const DESCRIPTOR_INTERFACE = 0x04;
export const DESCRIPTOR_ENDPOINT = 0x05;
export const DESCRIPTOR_DEVICE_QUALIFIER = 0x06;
export const DESCRIPTOR_OTHER_SPEED_CONFIGURATION = 0x07;
export const DESCRIPTOR_INTERFACE_ASSOCIATION = 0x0b;
export const DESCRIPTOR_BOS = 0x0f;
export const DESCRIPTOR_DEVICE_CAPABILITY = 0x10;
export const DESCRIPTOR_HID = 0x21;
export const DESCRIPTOR_HID_REPORT = 0x22;
export const DESCRIPTOR_SUPERSPEED_COMPANION = 0x30;

/** bmAttributes of a configuration (USB 2.0 §9.6.3). Bit 7 is reserved and always one. */
export const CONFIGURATION_SELF_POWERED = 0x40;
export const CONFIGURATION_REMOTE_WAKEUP = 0x20;

/** The one language of our strings: US English. */
export const LANGUAGE = 0x0409;

export interface DeviceDescriptor {
  /** bcdUSB, such as 0x0200. */
  readonly usbVersion: number;
  readonly deviceClass?: number;
  readonly subclass?: number;
  readonly protocol?: number;
  /** bMaxPacketSize0: bytes, or at SuperSpeed the exponent 9. */
  readonly maxPacketSize0: number;
  readonly vendorId: number;
  readonly productId: number;
  /** bcdDevice. */
  readonly deviceVersion: number;
  /** Indexes of strings; 0 is none. */
  readonly manufacturer?: number;
  readonly product?: number;
  readonly serialNumber?: number;
  /** bNumConfigurations. */
  readonly configurations: number;
}

export interface ConfigurationDescriptor {
  /** bConfigurationValue: not 0. */
  readonly value: number;
  readonly name?: number;
  /** bmAttributes: CONFIGURATION_…. */
  readonly attributes: number;
  /** bMaxPower in its own unit: 2 mA, or 8 mA at SuperSpeed. */
  readonly maxPower: number;
  /** In the order they are described; several alternates of one interface follow each other. */
  readonly interfaces: readonly InterfaceDescriptor[];
}

export interface InterfaceDescriptor {
  /** The function of which this is the first interface (USB 3.2 §9.6.4); described before it. */
  readonly association?: InterfaceAssociationDescriptor;
  readonly number: number;
  readonly alternate?: number;
  readonly interfaceClass: number;
  readonly subclass: number;
  readonly protocol: number;
  readonly name?: number;
  /** Class-specific descriptors between the interface's and its endpoints', as bytes. */
  readonly extra?: Uint8Array;
  readonly endpoints: readonly EndpointDescriptor[];
}

export interface InterfaceAssociationDescriptor {
  /** bInterfaceCount: this interface and those that follow it. */
  readonly interfaces: number;
  readonly functionClass: number;
  readonly subclass: number;
  readonly protocol: number;
  readonly name?: number;
}

export interface EndpointDescriptor {
  /** bEndpointAddress. */
  readonly address: number;
  /** bmAttributes: the transfer type in the two lowest bits. */
  readonly attributes: number;
  readonly maxPacketSize: number;
  /** bInterval. */
  readonly interval?: number;
  /** At SuperSpeed, and only there. */
  readonly companion?: CompanionDescriptor;
  /** In the longer form of audio streaming (UAC 1.0 §4.6.1.1), with bRefresh and bSynchAddress 0. */
  readonly audio?: boolean;
  /** Class-specific descriptors behind the endpoint's own, as bytes. */
  readonly extra?: Uint8Array;
}

/** SuperSpeed endpoint companion (USB 3.2 §9.6.7). */
export interface CompanionDescriptor {
  /** bMaxBurst: packets a burst, less one. */
  readonly maxBurst: number;
  /** bmAttributes: for a bulk endpoint the exponent of its streams. */
  readonly attributes?: number;
  readonly bytesPerInterval?: number;
}

export interface HidDescriptor {
  /** bcdHID. */
  readonly hidVersion: number;
  readonly country: number;
  /** wDescriptorLength of the one report descriptor. */
  readonly reportLength: number;
}

/** What a SuperSpeed device says of itself in its BOS (USB 3.2 §9.6.2). */
export interface BosDescriptor {
  /** bmAttributes of the USB 2.0 extension: 2 is link power management. */
  readonly usb2Attributes: number;
  /** wSpeedsSupported: bit 1 full, 2 high, 3 SuperSpeed. */
  readonly speeds: number;
  /** bFunctionalitySupport: the lowest of those speeds that does everything. */
  readonly lowestFullFunction: number;
  /** bU1DevExitLat in µs, wU2DevExitLat in µs. */
  readonly u1ExitLatency: number;
  readonly u2ExitLatency: number;
}

export function put16(into: Uint8Array, at: number, value: number): void {
  into[at] = value;
  into[at + 1] = value >> 8;
}

/** USB 2.0 §9.6.1. */
export function putDevice(into: Uint8Array, at: number, device: DeviceDescriptor): number {
  into[at] = 18;
  into[at + 1] = DESCRIPTOR_DEVICE;
  put16(into, at + 2, device.usbVersion);
  into[at + 4] = device.deviceClass ?? 0;
  into[at + 5] = device.subclass ?? 0;
  into[at + 6] = device.protocol ?? 0;
  into[at + 7] = device.maxPacketSize0;
  put16(into, at + 8, device.vendorId);
  put16(into, at + 10, device.productId);
  put16(into, at + 12, device.deviceVersion);
  into[at + 14] = device.manufacturer ?? 0;
  into[at + 15] = device.product ?? 0;
  into[at + 16] = device.serialNumber ?? 0;
  into[at + 17] = device.configurations;
  return at + 18;
}

/** USB 2.0 §9.6.2: what the device would say at its other speed. */
export function putDeviceQualifier(into: Uint8Array, at: number, device: DeviceDescriptor): number {
  into[at] = 10;
  into[at + 1] = DESCRIPTOR_DEVICE_QUALIFIER;
  put16(into, at + 2, device.usbVersion);
  into[at + 4] = device.deviceClass ?? 0;
  into[at + 5] = device.subclass ?? 0;
  into[at + 6] = device.protocol ?? 0;
  into[at + 7] = device.maxPacketSize0;
  into[at + 8] = device.configurations;
  into[at + 9] = 0;
  return at + 10;
}

/** USB 2.0 §9.6.3 (and §9.6.4, which differs in its type): a configuration with all that belongs to it. */
export function putConfiguration(
  into: Uint8Array,
  at: number,
  configuration: ConfigurationDescriptor,
  type = DESCRIPTOR_CONFIGURATION,
): number {
  into[at] = 9;
  into[at + 1] = type;
  into[at + 4] = new Set(configuration.interfaces.map((each) => each.number)).size;
  into[at + 5] = configuration.value;
  into[at + 6] = configuration.name ?? 0;
  into[at + 7] = 0x80 | configuration.attributes;
  into[at + 8] = configuration.maxPower;
  let end = at + 9;
  for (const each of configuration.interfaces) end = putInterface(into, end, each);
  put16(into, at + 2, end - at);
  return end;
}

/** USB 2.0 §9.6.5, with its association in front, its class-specific descriptors and its endpoints behind. */
export function putInterface(into: Uint8Array, start: number, each: InterfaceDescriptor): number {
  const at = each.association ? putAssociation(into, start, each.number, each.association) : start;
  into[at] = 9;
  into[at + 1] = DESCRIPTOR_INTERFACE;
  into[at + 2] = each.number;
  into[at + 3] = each.alternate ?? 0;
  into[at + 4] = each.endpoints.length;
  into[at + 5] = each.interfaceClass;
  into[at + 6] = each.subclass;
  into[at + 7] = each.protocol;
  into[at + 8] = each.name ?? 0;
  let end = at + 9;
  if (each.extra) {
    into.set(each.extra, end);
    end += each.extra.length;
  }
  for (const endpoint of each.endpoints) end = putEndpoint(into, end, endpoint);
  return end;
}

/** USB 3.2 §9.6.4. */
function putAssociation(
  into: Uint8Array,
  at: number,
  first: number,
  association: InterfaceAssociationDescriptor,
): number {
  into[at] = 8;
  into[at + 1] = DESCRIPTOR_INTERFACE_ASSOCIATION;
  into[at + 2] = first;
  into[at + 3] = association.interfaces;
  into[at + 4] = association.functionClass;
  into[at + 5] = association.subclass;
  into[at + 6] = association.protocol;
  into[at + 7] = association.name ?? 0;
  return at + 8;
}

/** USB 2.0 §9.6.6, at SuperSpeed with USB 3.2 §9.6.7 behind it, and with its class-specific descriptors. */
export function putEndpoint(into: Uint8Array, at: number, endpoint: EndpointDescriptor): number {
  const { companion, extra } = endpoint;
  into[at] = endpoint.audio ? 9 : 7;
  into[at + 1] = DESCRIPTOR_ENDPOINT;
  into[at + 2] = endpoint.address;
  into[at + 3] = endpoint.attributes;
  put16(into, at + 4, endpoint.maxPacketSize);
  into[at + 6] = endpoint.interval ?? 0;
  let end = at + 7;
  if (endpoint.audio) {
    put16(into, end, 0);
    end += 2;
  }
  if (companion) end = putCompanion(into, end, companion);
  if (extra) {
    into.set(extra, end);
    end += extra.length;
  }
  return end;
}

/** USB 3.2 §9.6.7. */
function putCompanion(into: Uint8Array, at: number, companion: CompanionDescriptor): number {
  into[at] = 6;
  into[at + 1] = DESCRIPTOR_SUPERSPEED_COMPANION;
  into[at + 2] = companion.maxBurst;
  into[at + 3] = companion.attributes ?? 0;
  put16(into, at + 4, companion.bytesPerInterval ?? 0);
  return at + 6;
}

/** USB 2.0 §9.6.7: a string, at most 126 UTF-16 units of it. */
export function putString(into: Uint8Array, at: number, text: string): number {
  const units = Math.min(text.length, 126);
  into[at] = 2 + 2 * units;
  into[at + 1] = DESCRIPTOR_STRING;
  for (let unit = 0; unit < units; unit++) put16(into, at + 2 + 2 * unit, text.charCodeAt(unit));
  return at + 2 + 2 * units;
}

/** USB 2.0 §9.6.7: string zero, the languages of the others. */
export function putLanguages(into: Uint8Array, at: number): number {
  into[at] = 4;
  into[at + 1] = DESCRIPTOR_STRING;
  put16(into, at + 2, LANGUAGE);
  return at + 4;
}

/** USB 3.2 §9.6.2 with the USB 2.0 extension (§9.6.2.1) and the SuperSpeed USB capability (§9.6.2.2). */
export function putBos(into: Uint8Array, at: number, bos: BosDescriptor): number {
  into[at] = 5;
  into[at + 1] = DESCRIPTOR_BOS;
  put16(into, at + 2, 5 + 7 + 10);
  into[at + 4] = 2;

  into[at + 5] = 7;
  into[at + 6] = DESCRIPTOR_DEVICE_CAPABILITY;
  into[at + 7] = 0x02; // USB 2.0 extension
  put16(into, at + 8, bos.usb2Attributes);
  put16(into, at + 10, 0);

  into[at + 12] = 10;
  into[at + 13] = DESCRIPTOR_DEVICE_CAPABILITY;
  into[at + 14] = 0x03; // SuperSpeed USB
  into[at + 15] = 0; // bmAttributes: no latency tolerance messages
  put16(into, at + 16, bos.speeds);
  into[at + 18] = bos.lowestFullFunction;
  into[at + 19] = bos.u1ExitLatency;
  put16(into, at + 20, bos.u2ExitLatency);
  return at + 22;
}

/** HID 1.11 §6.2.1, with one report descriptor. */
export function putHid(into: Uint8Array, at: number, hid: HidDescriptor): number {
  into[at] = 9;
  into[at + 1] = DESCRIPTOR_HID;
  put16(into, at + 2, hid.hidVersion);
  into[at + 4] = hid.country;
  into[at + 5] = 1;
  into[at + 6] = DESCRIPTOR_HID_REPORT;
  put16(into, at + 7, hid.reportLength);
  return at + 9;
}

/** The bytes of one descriptor: `bytesOf((into) => putString(into, 0, "…"))`. */
export function bytesOf(put: (into: Uint8Array) => number): Uint8Array {
  const room = new Uint8Array(4096);
  return room.slice(0, put(room));
}
