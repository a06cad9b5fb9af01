/** Which frames an adapter takes from its cable (ECM 1.2 §6.2.1, §6.2.4). */
import type { Saved } from "../../../asm/saved.ts";
import { ADDRESS_LENGTH, isGroup, sameAddress } from "./mac-address.ts";

/** The bits of SetEthernetPacketFilter (ECM 1.2 table 8). */
export const PACKET_TYPE_PROMISCUOUS = 0x01;
export const PACKET_TYPE_ALL_MULTICAST = 0x02;
export const PACKET_TYPE_DIRECTED = 0x04;
export const PACKET_TYPE_BROADCAST = 0x08;
export const PACKET_TYPE_MULTICAST = 0x10;
const PACKET_TYPES = 0x1f;

/** A host that sets no filter gets what is meant for it. */
const DEFAULT = PACKET_TYPE_DIRECTED | PACKET_TYPE_BROADCAST | PACKET_TYPE_ALL_MULTICAST;

/** Addresses of multicast that are filtered exactly. */
export const MULTICAST_FILTERS = 16;

const BROADCAST = new Uint8Array(ADDRESS_LENGTH).fill(0xff);

export class PacketFilter {
  readonly #address: Uint8Array;
  #types = DEFAULT;
  /** Addresses, one behind the other. */
  #multicast: Uint8Array = new Uint8Array();

  constructor(address: Uint8Array) {
    this.#address = address;
  }

  reset(): void {
    this.#types = DEFAULT;
    this.#multicast = new Uint8Array();
  }

  /** PACKET_TYPE_…; the bits above are reserved. */
  setTypes(types: number): void {
    this.#types = types & PACKET_TYPES;
  }

  setMulticast(addresses: Uint8Array): void {
    this.#multicast = addresses;
  }

  accepts(frame: Uint8Array): boolean {
    const types = this.#types;
    if (types & PACKET_TYPE_PROMISCUOUS) return true;
    if (!isGroup(frame)) return (types & PACKET_TYPE_DIRECTED) !== 0 && sameAddress(frame, 0, this.#address);
    if (sameAddress(frame, 0, BROADCAST)) return (types & PACKET_TYPE_BROADCAST) !== 0;
    return (
      (types & PACKET_TYPE_ALL_MULTICAST) !== 0 || ((types & PACKET_TYPE_MULTICAST) !== 0 && this.#isListed(frame))
    );
  }

  save(): object {
    return { types: this.#types, multicast: this.#multicast.slice() };
  }

  /** A way to become what `save` said, checked. */
  read(saved: Saved): () => void {
    const types = saved.integer("types", PACKET_TYPES);
    const multicast = saved.bytes("multicast", MULTICAST_FILTERS * ADDRESS_LENGTH, 0);
    if (multicast.length % ADDRESS_LENGTH !== 0) throw saved.wrong("multicast");
    return () => {
      this.#types = types;
      this.#multicast = multicast;
    };
  }

  #isListed(frame: Uint8Array): boolean {
    for (let at = 0; at < this.#multicast.length; at += ADDRESS_LENGTH) {
      if (sameAddress(this.#multicast, at, frame)) return true;
    }
    return false;
  }
}
