/** A canvas of the page as a camera. */
import { drawFitted, type Film, PictureFeed } from "./picture-feed.ts";

/**
 * Whatever is drawn on it, the guest sees. A canvas of WebGL needs `preserveDrawingBuffer`, or is empty between two pictures; one
 * with images of other sites can not be read, and then the device is unplugged with a sentence.
 */
export function canvasCamera(canvas: HTMLCanvasElement): PictureFeed {
  return new PictureFeed(new CanvasFilm(canvas), "the canvas");
}

class CanvasFilm implements Film {
  onEnd: ((reason: string) => void) | undefined;
  readonly #canvas: HTMLCanvasElement;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  draw(context: CanvasRenderingContext2D): void {
    drawFitted(context, this.#canvas, this.#canvas.width, this.#canvas.height);
  }

  close(): void {}
}
