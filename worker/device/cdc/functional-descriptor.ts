/**
 * Functional descriptors of a Communications interface: typed literals in, bytes out (CDC 1.2 §5.2.3, PSTN 1.2 §5.3, ECM 1.2 §5.4,
 * NCM 1.0 §5.2).
 * As in ../descriptor.ts, each `put…` writes one descriptor at `at` and answers the offset behind it.
 */
import { put16 } from "../descriptor.ts";

const CS_INTERFACE = 0x24;

/** bDescriptorSubtype (CDC 1.2 table 13). */
const HEADER = 0x00;
const CALL_MANAGEMENT = 0x01;
const ABSTRACT_CONTROL_MANAGEMENT = 0x02;
const UNION = 0x06;
const ETHERNET_NETWORKING = 0x0f;
const NCM = 0x1a;

export interface EthernetNetworkingDescriptor {
  /** iMACAddress: a string of 12 hexadecimal digits. */
  readonly macAddress: number;
  /** wMaxSegmentSize: the longest frame. */
  readonly maxSegmentSize: number;
  /** wNumberMCFilters; bit 15 clear says that they filter exactly. */
  readonly multicastFilters: number;
}

/** CDC 1.2 §5.2.3.1. */
export function putHeader(into: Uint8Array, at: number): number {
  into[at] = 5;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = HEADER;
  put16(into, at + 3, 0x0120); // bcdCDC
  return at + 5;
}

/** CDC 1.2 §5.2.3.2, with one subordinate interface. */
export function putUnion(into: Uint8Array, at: number, control: number, subordinate: number): number {
  into[at] = 5;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = UNION;
  into[at + 3] = control;
  into[at + 4] = subordinate;
  return at + 5;
}

/** PSTN 1.2 §5.3.1: the device does not handle call management itself. */
export function putCallManagement(into: Uint8Array, at: number, dataInterface: number): number {
  into[at] = 5;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = CALL_MANAGEMENT;
  into[at + 3] = 0;
  into[at + 4] = dataInterface;
  return at + 5;
}

/** PSTN 1.2 §5.3.2. */
export function putAbstractControlManagement(into: Uint8Array, at: number, capabilities: number): number {
  into[at] = 4;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = ABSTRACT_CONTROL_MANAGEMENT;
  into[at + 3] = capabilities;
  return at + 4;
}

/** ECM 1.2 §5.4. */
export function putEthernetNetworking(into: Uint8Array, at: number, ethernet: EthernetNetworkingDescriptor): number {
  into[at] = 13;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = ETHERNET_NETWORKING;
  into[at + 3] = ethernet.macAddress;
  into.fill(0, at + 4, at + 8); // bmEthernetStatistics: none
  put16(into, at + 8, ethernet.maxSegmentSize);
  put16(into, at + 10, ethernet.multicastFilters);
  into[at + 12] = 0; // bNumberPowerFilters
  return at + 13;
}

/** NCM 1.0 §5.2.1. */
export function putNcm(into: Uint8Array, at: number, networkCapabilities: number): number {
  into[at] = 6;
  into[at + 1] = CS_INTERFACE;
  into[at + 2] = NCM;
  put16(into, at + 3, 0x0100); // bcdNcmVersion
  into[at + 5] = networkCapabilities;
  return at + 6;
}
