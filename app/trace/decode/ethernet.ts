/** Ethernet frames, as far as a sentence goes (IEEE 802.3 §3.2, EtherTypes of IEEE 802). */
import { be16, count, hex, u8 } from "./bytes.ts";
import { type Description, field, named, say } from "./description.ts";

const ETHER_TYPES: Readonly<Record<number, string>> = {
  2048: "IPv4",
  2054: "ARP",
  33024: "VLAN",
  34525: "IPv6",
  34915: "PPPoE discovery",
  34916: "PPPoE",
  34958: "EAPOL",
  35020: "LLDP",
};
/** Smaller ones are lengths. */
const ETHER_TYPE_MIN = 0x0600;
const IPV4 = 0x0800;
const PROTOCOLS: Readonly<Record<number, string>> = { 1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 58: "ICMPv6" };

/** "IPv4 TCP 10.0.0.1 → 10.0.0.2, 98 bytes", of the first part of a frame of so many bytes. */
export function frameWords(frame: Uint8Array, length: number): string {
  const type = be16(frame, 12);
  const name = type < ETHER_TYPE_MIN ? "802.3" : (ETHER_TYPES[type] ?? `EtherType ${hex(type, 4)}`);
  const more = type === IPV4 && frame.length >= 34 ? ` ${ipv4(frame)}` : "";
  return `${name}${more}, ${count(length, "byte")}`;
}

export function describeFrame(frame: Uint8Array, length: number): Description {
  if (frame.length < 14) return say(`frame of ${count(length, "byte")}, too short to be one`);
  return say(
    frameWords(frame, length),
    field("destination", macAddress(frame, 0)),
    field("source", macAddress(frame, 6)),
    field("EtherType", hex(be16(frame, 12), 4)),
  );
}

function ipv4(frame: Uint8Array): string {
  const address = (at: number) => [0, 1, 2, 3].map((each) => u8(frame, at + each)).join(".");
  return `${named(PROTOCOLS, u8(frame, 23), "protocol")} ${address(26)} → ${address(30)}`;
}

function macAddress(frame: Uint8Array, at: number): string {
  return Array.from(frame.subarray(at, at + 6), (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
