/** Writes a disc with a few files in its root directory: ISO 9660 (ECMA-119), as little of it as a driver reads. */

const BLOCK = 2048;
const VOLUME_DESCRIPTORS = 16;
const ROOT = 18;

/** A number in both byte orders (ECMA-119 §7.3.3, §7.2.3). */
function both32(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setUint32(at + 4, value, false);
}

function both16(view: DataView, at: number, value: number): void {
  view.setUint16(at, value, true);
  view.setUint16(at + 2, value, false);
}

function text(bytes: Uint8Array, at: number, value: string, width: number): void {
  for (let index = 0; index < width; index++) bytes[at + index] = value.charCodeAt(index) || 0x20;
}

/** Directory record (ECMA-119 §9.1). Answers its length. */
function record(disc: Uint8Array, at: number, name: string, block: number, size: number, isDirectory: boolean): number {
  const view = new DataView(disc.buffer);
  const length = 33 + name.length + (name.length % 2 === 0 ? 1 : 0);
  disc[at] = length;
  both32(view, at + 2, block);
  both32(view, at + 10, size);
  disc.set([126, 1, 2, 3, 4, 5, 0], at + 18); // 2026-01-02 03:04:05
  disc[at + 25] = isDirectory ? 0x02 : 0;
  both16(view, at + 28, 1);
  disc[at + 32] = name.length;
  for (let index = 0; index < name.length; index++) disc[at + 33 + index] = name.charCodeAt(index);
  return length;
}

/** Names are such as `HELLO.TXT`. */
export function isoImage(label: string, files: Readonly<Record<string, Uint8Array>>): Uint8Array<ArrayBuffer> {
  const blocksOf = (bytes: Uint8Array) => Math.ceil(bytes.length / BLOCK);
  const blocks = Object.values(files).reduce((sum, bytes) => sum + blocksOf(bytes), ROOT + 1);
  const disc = new Uint8Array(blocks * BLOCK);
  const view = new DataView(disc.buffer);

  const primary = VOLUME_DESCRIPTORS * BLOCK;
  disc[primary] = 1;
  text(disc, primary + 1, "CD001", 5);
  disc[primary + 6] = 1;
  text(disc, primary + 8, "", 32);
  text(disc, primary + 40, label, 32);
  both32(view, primary + 80, blocks);
  both16(view, primary + 120, 1); // volume set size
  both16(view, primary + 124, 1); // sequence number
  both16(view, primary + 128, BLOCK);
  record(disc, primary + 156, "\0", ROOT, BLOCK, true);
  disc[primary + 881] = 1; // file structure version

  const end = primary + BLOCK;
  disc[end] = 255;
  text(disc, end + 1, "CD001", 5);
  disc[end + 6] = 1;

  let entry = ROOT * BLOCK;
  entry += record(disc, entry, "\0", ROOT, BLOCK, true);
  entry += record(disc, entry, "\x01", ROOT, BLOCK, true);
  let block = ROOT + 1;
  for (const [name, bytes] of Object.entries(files).sort()) {
    entry += record(disc, entry, `${name};1`, block, bytes.length, false);
    disc.set(bytes, block * BLOCK);
    block += blocksOf(bytes);
  }
  return disc;
}
