import { describe, expect, it } from "vitest";
import { BLANK_DRIVE_SIZE, BLANK_SIZES, blankImage, formatBlank } from "../../app/sources/blank-drive.ts";
import { formatFat16 } from "../../app/sources/fat16.ts";
import { readFat16 } from "../fakes/fat16-reader.ts";

const MIB = 1 << 20;
const date = new Date(2024, 1, 29, 13, 45, 58);
/** With the zeros that are behind it. */
const whole = (start: Uint8Array, size: number) => {
  const disk = new Uint8Array(size);
  disk.set(start);
  return disk;
};
const bytes = (length: number) => Uint8Array.from({ length }, (_, n) => (n * 7 + 0x11) & 0xff);

describe("formatFat16", () => {
  for (const size of [4 * MIB, 16 * MIB, 64 * MIB, 512 * MIB, 1024 * MIB]) {
    it(`makes a disk of ${size / MIB} MiB that a FAT16 reader accepts`, () => {
      const files = [
        { name: "README.TXT", content: bytes(1234) },
        { name: "EMPTY", content: new Uint8Array() },
        { name: "LONG.BIN", content: bytes(100_001) },
      ];
      const image = formatFat16({ size, label: "TRY", files, date, serial: 0x11223344 });
      expect(image.length).toBeLessThan(MIB);
      const disk = readFat16(whole(image, size));
      expect(disk.label).toBe("TRY");
      expect(disk.serial).toBe(0x11223344);
      expect(disk.files.map(({ name }) => name)).toEqual(["README.TXT", "EMPTY", "LONG.BIN"]);
      disk.files.forEach((file, index) => {
        expect(Buffer.compare(file.content, files[index]?.content ?? new Uint8Array(1))).toBe(0);
        expect(file.written).toEqual(date);
      });
    });
  }

  it("refuses what FAT16 cannot hold", () => {
    const make = (change: object) => () =>
      formatFat16({ size: 4 * MIB, label: "TRY", files: [], date, serial: 1, ...change });
    expect(make({ size: MIB })).toThrow(RangeError);
    expect(make({ size: 3 * 1024 * MIB })).toThrow(RangeError);
    expect(make({ size: 4 * MIB + 1 })).toThrow(RangeError);
    expect(make({ label: "TWELVE CHARS" })).toThrow(RangeError);
    expect(make({ files: [{ name: "readme.txt", content: new Uint8Array() }] })).toThrow(RangeError);
    expect(make({ files: [{ name: "BIG.BIN", content: new Uint8Array(4 * MIB) }] })).toThrow(RangeError);
  });
});

describe("a blank drive", () => {
  it.each(BLANK_SIZES)("of %d bytes is a disk with a README.TXT, and costs little", (size) => {
    const start = formatBlank(size, date);
    expect(start.length).toBeLessThan(MIB);
    const { files, label } = readFat16(whole(start, size));
    expect(label).toBe("PVUSB");
    expect(files.map(({ name }) => name)).toEqual(["README.TXT"]);
    expect(new TextDecoder().decode(files[0]?.content)).toContain("This flash drive is software");
  });

  it("has 64 MiB unless it is said", () => {
    expect(blankImage()).toMatchObject({ size: BLANK_DRIVE_SIZE });
  });
});
