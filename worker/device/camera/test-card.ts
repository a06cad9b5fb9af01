/**
 * A test card of which every line says which picture it is from: colour bars, a white sweep over the whole height that moves
 * with each picture, and nine rows of black and white cells that spell the picture's number.
 *
 *   ▛ row 0 ▟   lines 0…           each row: 32 cells, the most significant bit left, white is 1
 *   │ bars  │                        31……………12   11……8   7……………0
 *   ▛ row 1 ▟                        number     row     check
 *   │   …   │                      check: the sum of the three bytes above it, inverted
 *   ▙ row 8 ▜   …last line
 */
import type { PictureSource } from "./picture-source.ts";

export const ROWS = 9;
export const CELLS = 32;
/** The number counts modulo this. */
export const NUMBERS = 1 << 20;
/** Lines of a row, as a part of the height. */
const ROW_PART = 24;
/** Width of the sweep, as a part of the width. */
const SWEEP_PART = 20;

/** Luma of a cell: black and white of the video range. */
const BLACK = 16;
const WHITE = 235;
/** Chroma without colour. */
const NEUTRAL = 128;

/** White, yellow, cyan, green, magenta, red, blue, black at 75 %: Y, Cb, Cr (ITU-R BT.601). */
const BARS = [
  [180, 128, 128],
  [162, 44, 142],
  [131, 156, 44],
  [112, 72, 58],
  [84, 184, 198],
  [65, 100, 212],
  [35, 212, 114],
  [BLACK, NEUTRAL, NEUTRAL],
] as const;

export class TestCard implements PictureSource {
  readonly width: number;
  readonly height: number;
  /** One line each: the bars alone, the bars with the sweep, a row. */
  readonly #bars: Uint8Array;
  readonly #line: Uint8Array;
  readonly #row: Uint8Array;

  /** Even, at least 64 pixels wide and 48 lines high. */
  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#bars = new Uint8Array(width * 2);
    this.#line = new Uint8Array(width * 2);
    this.#row = new Uint8Array(width * 2);
    for (let x = 0; x < width; x += 2) {
      const [luma, cb, cr] = BARS[Math.floor((x * BARS.length) / width)] ?? BARS[0];
      put(this.#bars, x, luma, cb, cr);
    }
  }

  fill(index: number, target: Uint8Array): boolean {
    const { width, height } = this;
    this.#line.set(this.#bars);
    const sweep = sweepAt(index, width);
    for (let x = 0; x < sweepWidth(width); x += 2) put(this.#line, (sweep + x) % width, WHITE, NEUTRAL, NEUTRAL);
    let y = 0;
    for (let row = 0; row < ROWS; row++) {
      for (const top = rowTop(row, height); y < top; y++) target.set(this.#line, y * width * 2);
      this.#spell(codeOf(index % NUMBERS, row));
      for (const end = y + rowHeight(height); y < end; y++) target.set(this.#row, y * width * 2);
    }
    return true;
  }

  #spell(code: number): void {
    const { width } = this;
    for (let x = 0; x < width; x += 2) {
      const cell = Math.floor((x * CELLS) / width);
      put(this.#row, x, (code >>> (CELLS - 1 - cell)) & 1 ? WHITE : BLACK, NEUTRAL, NEUTRAL);
    }
  }
}

export function rowHeight(height: number): number {
  return Math.floor(height / ROW_PART);
}

/** The rows are spread so that the first begins the picture and the last ends it. */
export function rowTop(row: number, height: number): number {
  return Math.floor((row * (height - rowHeight(height))) / (ROWS - 1));
}

export function codeOf(number: number, row: number): number {
  const word = ((number << 4) | row) >>> 0;
  return ((word << 8) | (~((word >> 16) + (word >> 8) + word) & 0xff)) >>> 0;
}

/** Pixels, even. */
export function sweepWidth(width: number): number {
  return Math.floor(width / SWEEP_PART / 2) * 2;
}

/** Where the sweep of a picture begins; it comes round after the width. Half its own width is a step, so no two neighbours agree. */
export function sweepAt(index: number, width: number): number {
  const step = Math.floor(sweepWidth(width) / 4) * 2;
  return (index * step) % width;
}

/** Two pixels of one colour. */
function put(line: Uint8Array, x: number, luma: number, cb: number, cr: number): void {
  line[2 * x] = luma;
  line[2 * x + 1] = cb;
  line[2 * x + 2] = luma;
  line[2 * x + 3] = cr;
}
