/**
 * Pictures of the page, RGBA, as those of a camera: YUY2 of another size, by the colours that the descriptors name (BT.601, video
 * range; ITU-R BT.601-7 §2.5). A picture keeps its shape: it is as large as it fits, in the middle, on black.
 *
 *   ┌──────────────┐
 *   │    black     │ top
 *   ├──────────────┤
 *   │              │
 *   │   picture    │        left and top are 0 for one of the two, or for both
 *   │              │
 *   ├──────────────┤
 *   │    black     │
 *   └──────────────┘
 */

/** RGBA, line by line without gaps. The alpha is not looked at. */
export interface RgbaPicture {
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array | Uint8ClampedArray;
}

const BLACK = 16;
/** Chroma without colour. */
const NEUTRAL = 128;
/** Fixed point: factors of luma are of one pixel, those of chroma of two. */
const SHIFT = 16;
const LUMA_OFFSET = (BLACK << SHIFT) + (1 << (SHIFT - 1));
const CHROMA_OFFSET = (NEUTRAL << (SHIFT + 1)) + (1 << SHIFT);

/** From pictures of one size to pictures of another. */
export class Yuy2Fitter {
  readonly #width: number;
  readonly #height: number;
  /** Pixels of the source. */
  #sourceWidth = 0;
  #sourceHeight = 0;
  /** Of the target, where the picture is. Even, but for the lines. */
  #left = 0;
  #top = 0;
  #lines = 0;
  /** The source's column for each column of the picture. */
  #columns = new Uint16Array(0);

  /** Of the target; the width is even. */
  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
  }

  black(target: Uint8Array): void {
    for (let at = 0; at < target.length; at += 2) {
      target[at] = BLACK;
      target[at + 1] = NEUTRAL;
    }
  }

  /** `target` is as long as a picture. */
  draw({ width, height, bytes }: RgbaPicture, target: Uint8Array): void {
    if (width !== this.#sourceWidth || height !== this.#sourceHeight) {
      this.#measure(width, height);
      this.black(target);
    }
    const columns = this.#columns;
    for (let line = 0; line < this.#lines; line++) {
      const from = Math.floor(((2 * line + 1) * height) / (2 * this.#lines)) * width;
      let at = 2 * ((this.#top + line) * this.#width + this.#left);
      for (let x = 0; x < columns.length; x += 2) {
        const one = 4 * (from + (columns[x] ?? 0));
        const two = 4 * (from + (columns[x + 1] ?? 0));
        const r1 = bytes[one] ?? 0;
        const g1 = bytes[one + 1] ?? 0;
        const b1 = bytes[one + 2] ?? 0;
        const r2 = bytes[two] ?? 0;
        const g2 = bytes[two + 1] ?? 0;
        const b2 = bytes[two + 2] ?? 0;
        const r = r1 + r2;
        const g = g1 + g2;
        const b = b1 + b2;
        target[at] = (16829 * r1 + 33039 * g1 + 6416 * b1 + LUMA_OFFSET) >> SHIFT;
        target[at + 1] = (-9714 * r - 19070 * g + 28784 * b + CHROMA_OFFSET) >> (SHIFT + 1);
        target[at + 2] = (16829 * r2 + 33039 * g2 + 6416 * b2 + LUMA_OFFSET) >> SHIFT;
        target[at + 3] = (28784 * r - 24103 * g - 4681 * b + CHROMA_OFFSET) >> (SHIFT + 1);
        at += 4;
      }
    }
  }

  #measure(width: number, height: number): void {
    const scale = Math.min(this.#width / width, this.#height / height);
    const across = Math.min(this.#width, Math.max(2, 2 * Math.round((width * scale) / 2)));
    this.#lines = Math.min(this.#height, Math.max(1, Math.round(height * scale)));
    this.#left = 2 * Math.floor((this.#width - across) / 4);
    this.#top = Math.floor((this.#height - this.#lines) / 2);
    this.#columns = Uint16Array.from({ length: across }, (_, x) => Math.floor(((2 * x + 1) * width) / (2 * across)));
    this.#sourceWidth = width;
    this.#sourceHeight = height;
  }
}
