/** A PNG of a YUY2 picture, for people to look at. */
import { crc32, deflateSync } from "node:zlib";

/** PNG 1.2: signature, IHDR of 8-bit RGB, one IDAT, IEND. */
export function pngOfYuy2(bytes: Uint8Array, width: number, height: number): Uint8Array {
  const lines = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pair = (y * width + (x & ~1)) * 2;
      const luma = bytes[(y * width + x) * 2] ?? 0;
      lines.set(rgbOf(luma, bytes[pair + 1] ?? 0, bytes[pair + 3] ?? 0), y * (1 + width * 3) + 1 + x * 3);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(lines)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const result = Buffer.alloc(body.length + 8);
  result.writeUInt32BE(data.length, 0);
  result.set(body, 4);
  result.writeUInt32BE(crc32(body), body.length + 4);
  return result;
}

/** ITU-R BT.601, the video range. */
function rgbOf(luma: number, cb: number, cr: number): number[] {
  const y = 1.164 * (luma - 16);
  const [blue, red] = [cb - 128, cr - 128];
  return [y + 1.596 * red, y - 0.392 * blue - 0.813 * red, y + 2.017 * blue].map((value) =>
    Math.max(0, Math.min(255, Math.round(value))),
  );
}
