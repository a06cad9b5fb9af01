/**
 * Reads the test card of a camera back from the bytes that a guest captured (YUY2), by what a person sees: which picture each
 * of the nine rows of cells says it is from, and on which lines between them the white sweep is somewhere else than in that
 * picture. Written against worker/device/camera/test-card.ts's head comment, not its code.
 */
const ROWS = 9;
const CELLS = 32;

export interface Reading {
  /** The picture's number, when every row and every line agrees. */
  readonly number: number | undefined;
  /** The number in each row; undefined where its lines differ, or are no row of this place. */
  readonly rows: readonly (number | undefined)[];
  /** Lines between the rows that are from another picture than the row above them. */
  readonly strayLines: readonly number[];
}

export function readTestCard(bytes: Uint8Array, width: number, height: number): Reading {
  if (bytes.length !== width * height * 2) return { number: undefined, rows: [], strayLines: [] };
  const luma = (x: number, y: number): number => bytes[(y * width + x) * 2] ?? 0;
  const rows: (number | undefined)[] = [];
  const strayLines: number[] = [];
  const thickness = Math.floor(height / 24);
  const tops = Array.from({ length: ROWS }, (_, row) => Math.floor((row * (height - thickness)) / (ROWS - 1)));
  for (const [row, top] of tops.entries()) {
    const lines = Array.from({ length: thickness }, (_, line) => readCells(luma, top + line, width, row));
    const number = lines.every((each) => each === lines[0]) ? lines[0] : undefined;
    rows.push(number);
    for (let y = top + thickness; y < (tops[row + 1] ?? height); y++) {
      if (number === undefined || !hasSweep(luma, y, width, number)) strayLines.push(y);
    }
  }
  const whole = strayLines.length === 0 && rows.every((each) => each === rows[0]);
  return { number: whole ? rows[0] : undefined, rows, strayLines };
}

/** 20 bits of number, 4 of row, 8 of check; every pixel of a cell is black (16) or white (235). */
function readCells(luma: (x: number, y: number) => number, y: number, width: number, row: number): number | undefined {
  let number = 0;
  let low = 0;
  for (let cell = 0; cell < CELLS; cell++) {
    const from = 2 * Math.ceil((cell * width) / CELLS / 2);
    const to = 2 * Math.ceil(((cell + 1) * width) / CELLS / 2);
    const shade = luma(from, y);
    if (shade !== 16 && shade !== 235) return undefined;
    for (let x = from; x < to; x++) if (luma(x, y) !== shade) return undefined;
    const bit = shade === 235 ? 1 : 0;
    if (cell < 20) number = number * 2 + bit;
    else low = low * 2 + bit;
  }
  const word = number * 16 + (low >> 8);
  const sum = (word >> 16) + ((word >> 8) & 0xff) + (word & 0xff);
  return low >> 8 === row && (low & 0xff) === 255 - (sum & 0xff) ? number : undefined;
}

/** The sweep is a twentieth of the width, in whole pairs of pixels, and moves by half of itself, wrapping at the edge. */
function hasSweep(luma: (x: number, y: number) => number, y: number, width: number, number: number): boolean {
  const pairs = Math.floor(width / 40);
  const begin = number * 2 * Math.floor(pairs / 2);
  for (let x = 0; x < width; x++) {
    const inside = (((x - begin) % width) + width) % width < 2 * pairs;
    if ((luma(x, y) === 235) !== inside) return false;
  }
  return true;
}
