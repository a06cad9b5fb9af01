/** What a driver reads from the capability registers before it touches anything else (xHCI 1.2 §5.3, §7). */
import type { MemoryWindow } from "../../../app/guest/machine.ts";

export interface SupportedProtocol {
  /** 2 or 3. */
  readonly major: number;
  readonly name: string;
  readonly firstPort: number;
  readonly portCount: number;
  readonly slotType: number;
}

const CAPABILITIES_MAX = 64;

export class Capabilities {
  readonly operational: number;
  readonly version: number;
  readonly runtime: number;
  readonly doorbells: number;
  readonly maxSlots: number;
  readonly maxInterrupters: number;
  readonly maxPorts: number;
  /** log2. */
  readonly maxEventSegments: number;
  readonly scratchpads: number;
  readonly contextSize: 32 | 64;
  readonly has64BitAddresses: boolean;
  readonly hasPortPower: boolean;
  readonly hasPortIndicators: boolean;
  readonly protocols: readonly SupportedProtocol[];
  /** Offsets of the extended capabilities, in the list's order. */
  readonly list: readonly number[];

  constructor(bar: MemoryWindow) {
    const read = (offset: number) => {
      if (offset + 4 > bar.size) throw new RangeError(`Offset 0x${offset.toString(16)} lies outside the BAR.`);
      return bar.read(offset, 4);
    };
    this.operational = bar.read(0, 1);
    this.version = bar.read(2, 2);
    const structural1 = read(4);
    const structural2 = read(8);
    const capability1 = read(0x10);
    this.maxSlots = structural1 & 0xff;
    this.maxInterrupters = (structural1 >>> 8) & 0x7ff;
    this.maxPorts = structural1 >>> 24;
    this.maxEventSegments = (structural2 >>> 4) & 0xf;
    this.scratchpads = (((structural2 >>> 21) & 0x1f) << 5) | (structural2 >>> 27);
    this.has64BitAddresses = (capability1 & 1) !== 0;
    this.hasPortPower = (capability1 & 8) !== 0;
    this.hasPortIndicators = (capability1 & 16) !== 0;
    this.contextSize = capability1 & 4 ? 64 : 32;
    this.doorbells = read(0x14) & ~3;
    this.runtime = read(0x18) & ~0x1f;
    const list: number[] = [];
    const protocols: SupportedProtocol[] = [];
    let at = (capability1 >>> 16) << 2;
    while (at !== 0) {
      if (list.push(at) > CAPABILITIES_MAX) throw new Error("The list of extended capabilities has no end.");
      const header = read(at);
      if ((header & 0xff) === 2) {
        const name = read(at + 4);
        const ports = read(at + 8);
        protocols.push({
          major: header >>> 24,
          name: String.fromCharCode(name & 0xff, (name >>> 8) & 0xff, (name >>> 16) & 0xff, name >>> 24),
          firstPort: ports & 0xff,
          portCount: (ports >>> 8) & 0xff,
          slotType: read(at + 12) & 0x1f,
        });
      }
      const step = ((header >>> 8) & 0xff) << 2;
      at = step === 0 ? 0 : at + step;
    }
    this.list = list;
    this.protocols = protocols;
  }
}
