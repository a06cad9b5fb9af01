import { expect, test } from "vitest";
import { TestCard } from "../../../worker/device/camera/test-card.ts";
import { readTestCard } from "../../fakes/test-card-reader.ts";

/** Every line of the small ones is tried, and of the large one some. */
const SIZES = [
  [160, 120, 1],
  [320, 240, 3],
  [640, 480, 19],
] as const;

function picture(index: number, width: number, height: number): Uint8Array {
  const bytes = new Uint8Array(width * height * 2).fill(0xa5);
  new TestCard(width, height).fill(index, bytes);
  return bytes;
}

test.each(SIZES)("%dx%d: every row and line says which picture it is from", (width, height) => {
  for (const index of [0, 1, 2, 39, 40, 41, 255, 256, 65_535, 1_000_000, (1 << 20) - 1]) {
    const reading = readTestCard(picture(index, width, height), width, height);
    expect(reading).toEqual({ number: index, rows: Array(9).fill(index), strayLines: [] });
  }
  expect(readTestCard(picture((1 << 20) + 7, width, height), width, height).rows[0], "counts modulo 2^20").toBe(7);
});

test.each(SIZES)("%dx%d: two pictures torn together at any line are seen", (width, height, step) => {
  const [first, second] = [picture(12, width, height), picture(13, width, height)];
  for (let line = 1; line < height; line += step) {
    const torn = first.slice();
    torn.set(second.subarray(line * width * 2), line * width * 2);
    expect(readTestCard(torn, width, height).number, `line ${line}`).toBeUndefined();
  }
});

test.each(SIZES)("%dx%d: a stripe of one line of the picture before, or of nothing, is seen", (width, height, step) => {
  const [before, now] = [picture(12, width, height), picture(13, width, height)];
  for (let line = 0; line < height; line += step) {
    for (const from of [before, new Uint8Array(now.length)]) {
      const striped = now.slice();
      striped.set(from.subarray(line * width * 2, (line + 1) * width * 2), line * width * 2);
      const { number, rows, strayLines } = readTestCard(striped, width, height);
      expect(number, `line ${line}`).toBeUndefined();
      expect(rows.includes(undefined) || strayLines.includes(line)).toBe(true);
    }
  }
});

test("a picture moved by one packet, or cut short, is seen", () => {
  const bytes = picture(5, 320, 240);
  const moved = new Uint8Array(bytes.length);
  moved.set(bytes.subarray(1012));
  expect(readTestCard(moved, 320, 240).number).toBeUndefined();
  expect(readTestCard(bytes.subarray(4), 320, 240)).toEqual({ number: undefined, rows: [], strayLines: [] });
});

test("bars are in the video range, in ITU-R BT.601", () => {
  const bytes = picture(20, 320, 240); // the sweep is at 160
  const bar = (x: number): number[] => [...bytes.subarray((15 * 320 + x) * 2, (15 * 320 + x) * 2 + 4)];
  expect([20, 60, 100, 140, 180, 220, 260, 300].map(bar)).toEqual([
    [180, 128, 180, 128],
    [162, 44, 162, 142],
    [131, 156, 131, 44],
    [112, 72, 112, 58],
    [84, 184, 84, 198],
    [65, 100, 65, 212],
    [35, 212, 35, 114],
    [16, 128, 16, 128],
  ]);
  expect(bar(160)).toEqual([235, 128, 235, 128]);
});
