/** The beginning of a bzImage, with the fields of its header that a loader reads; boot.rst's offsets, written out. */
export function kernelImage(
  fields: {
    readonly magic?: string;
    readonly version?: number;
    readonly loadflags?: number;
    readonly xloadflags?: number;
  },
  size = 100_000,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint8(0x1f1, 27);
  view.setUint16(0x1fe, 0xaa55, true);
  bytes.set(new TextEncoder().encode(fields.magic ?? "HdrS"), 0x202);
  view.setUint16(0x206, fields.version ?? 0x020f, true);
  view.setUint8(0x211, fields.loadflags ?? 1);
  view.setUint16(0x236, fields.xloadflags ?? 0, true);
  view.setUint32(0x238, 2047, true);
  view.setUint32(0x258, 0x1000000, true);
  view.setUint32(0x260, 0x1234000, true);
  return bytes;
}
