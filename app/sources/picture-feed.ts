/** A camera whose pictures are drawn on the page: each time the guest has taken one, the next one is drawn and sent. */
import type { DeviceOutput, DeviceSource } from "../../worker/protocol.ts";
import type { UsbPort } from "../usb-port.ts";
import type { Feed } from "./feed.ts";
import { followOutput } from "./follow-output.ts";

/** What a camera looks at. */
export interface Film {
  /** Draws what is to be seen next, over all of the canvas; waits for it, if need be. */
  draw(context: CanvasRenderingContext2D): Promise<void> | void;
  /** Gives back what the browser gave. */
  close(): void;
  /** Called with a sentence when there is nothing more to see. */
  onEnd: ((reason: string) => void) | undefined;
}

/** Before a guest has asked for a size. */
const WIDTH = 320;
const HEIGHT = 240;

export class PictureFeed implements Feed {
  readonly source: DeviceSource = { kind: "camera", pictures: "page" };
  readonly actions = [];
  /** What the guest sees. */
  readonly view: HTMLCanvasElement;
  onEnd: ((reason: string) => void) | undefined;
  onChange: (() => void) | undefined;
  readonly #film: Film;
  readonly #context: CanvasRenderingContext2D;
  #port: UsbPort | undefined;
  #leave: (() => void) | undefined;

  /** `name` is what it looks at, in words. */
  constructor(film: Film, name: string) {
    this.#film = film;
    film.onEnd = (reason) => this.onEnd?.(reason);
    this.view = document.createElement("canvas");
    this.view.width = WIDTH;
    this.view.height = HEIGHT;
    this.view.style.inlineSize = "100%";
    this.view.setAttribute("role", "img");
    this.view.setAttribute("aria-label", `What the guest sees of ${name}`);
    this.#context = contextOf(this.view);
    fillBlack(this.#context);
  }

  plugged(port: UsbPort): void {
    this.#leave?.();
    this.#port = port;
    this.#leave = followOutput(port, (output) => this.#show(output));
  }

  close(): void {
    this.#leave?.();
    this.#port = undefined;
    this.#film.close();
  }

  async #show(output: DeviceOutput): Promise<void> {
    if (output.type !== "picture") return;
    if (this.view.width !== output.width || this.view.height !== output.height) {
      this.view.width = output.width; // which empties it
      this.view.height = output.height;
    }
    await this.#film.draw(this.#context);
    const picture = this.#read();
    // Wherever it is by now: there may be no other picture for long.
    if (picture) await this.#port?.input(picture, [picture.bytes.buffer]);
  }

  #read() {
    try {
      const { width, height, data } = this.#context.getImageData(0, 0, this.view.width, this.view.height);
      return { type: "picture", width, height, bytes: data } as const;
    } catch {
      this.onEnd?.("It shows something of another site, which the browser lets no page read.");
      return undefined;
    }
  }
}

/** Draws an image as large as it fits, without a change of its shape, in the middle and on black. */
export function drawFitted(context: CanvasRenderingContext2D, image: CanvasImageSource, width: number, height: number) {
  const { canvas } = context;
  fillBlack(context);
  if (width === 0 || height === 0) return;
  const scale = Math.min(canvas.width / width, canvas.height / height);
  const across = Math.round(width * scale);
  const down = Math.round(height * scale);
  const left = Math.floor((canvas.width - across) / 2);
  context.drawImage(image, left, Math.floor((canvas.height - down) / 2), across, down);
}

function fillBlack(context: CanvasRenderingContext2D): void {
  context.fillStyle = "#000";
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  // Each picture is read back, and nothing shows through it.
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  if (!context)
    throw new Error("This browser draws no pictures: it gave the page no canvas. Close some tabs and plug again.");
  return context;
}
