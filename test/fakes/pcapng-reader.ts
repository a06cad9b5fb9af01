/**
 * Reads pcapng files, either byte order, from the specification alone (draft-ietf-opsawg-pcapng): it shares no code and no
 * constants with what writes them, and throws at whatever a strict reader would refuse.
 */

export interface PcapngInterface {
  readonly linkType: number;
  readonly snapLength: number;
  readonly options: ReadonlyMap<number, Uint8Array>;
}

export interface PcapngPacket {
  readonly interface: number;
  /** In units of 10^-6 s, or what the interface says. */
  readonly timestamp: bigint;
  readonly bytes: Uint8Array;
  readonly originalLength: number;
  readonly options: ReadonlyMap<number, Uint8Array>;
}

export interface PcapngFile {
  readonly section: ReadonlyMap<number, Uint8Array>;
  readonly interfaces: readonly PcapngInterface[];
  readonly packets: readonly PcapngPacket[];
}

export function readPcapng(from: Uint8Array): PcapngFile {
  const file = new Uint8Array(from); // a Buffer's slice is no copy
  const view = new DataView(file.buffer);
  const little = view.getUint32(8, true) === 0x1a2b3c4d;
  if (!little && view.getUint32(8) !== 0x1a2b3c4d) throw new Error("no byte-order magic");
  const u16 = (at: number) => view.getUint16(at, little);
  const u32 = (at: number) => view.getUint32(at, little);

  const optionsOf = (start: number, end: number): Map<number, Uint8Array> => {
    const options = new Map<number, Uint8Array>();
    for (let at = start; at < end; ) {
      const code = u16(at);
      const length = u16(at + 2);
      const next = at + 4 + Math.ceil(length / 4) * 4;
      if (next > end) throw new Error("an option beyond its block");
      if (code === 0) {
        if (length !== 0 || next !== end) throw new Error("an end of options that is not the end");
        return options;
      }
      for (let pad = at + 4 + length; pad < next; pad++) if (file[pad] !== 0) throw new Error("padding that is not 0");
      options.set(code, file.slice(at + 4, at + 4 + length));
      at = next;
    }
    if (start !== end) throw new Error("options without an end");
    return options;
  };

  let section: Map<number, Uint8Array> | undefined;
  const interfaces: PcapngInterface[] = [];
  const packets: PcapngPacket[] = [];
  for (let at = 0; at < file.length; ) {
    const type = u32(at);
    const size = u32(at + 4);
    if (size < 12 || size % 4 !== 0 || at + size > file.length) throw new Error(`a block of ${size} bytes`);
    if (u32(at + size - 4) !== size) throw new Error("two lengths that differ");
    const body = at + 8;
    const end = at + size - 4;
    if (!section && type !== 0x0a0d0d0a) throw new Error("no section header at the beginning");
    switch (type) {
      case 0x0a0d0d0a:
        if (section) throw new Error("a second section");
        if (u16(body + 4) !== 1 || u16(body + 6) !== 0) throw new Error("an unknown version");
        section = optionsOf(body + 16, end);
        break;
      case 1:
        interfaces.push({ linkType: u16(body), snapLength: u32(body + 4), options: optionsOf(body + 8, end) });
        break;
      case 6: {
        const number = u32(body);
        const captured = u32(body + 12);
        const last = interfaces[number];
        if (!last) throw new Error("a packet of no interface");
        if (last.snapLength !== 0 && captured > last.snapLength) throw new Error("a packet that is too long");
        if (body + 20 + captured > end) throw new Error("a packet beyond its block");
        packets.push({
          interface: number,
          timestamp: (BigInt(u32(body + 4)) << 32n) | BigInt(u32(body + 8)),
          bytes: file.slice(body + 20, body + 20 + captured),
          originalLength: u32(body + 16),
          options: optionsOf(body + 20 + Math.ceil(captured / 4) * 4, end),
        });
        break;
      }
      default:
        throw new Error(`an unknown block ${type}`);
    }
    at += size;
  }
  if (!section) throw new Error("an empty file");
  return { section, interfaces, packets };
}
