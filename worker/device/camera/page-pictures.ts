/**
 * A scene that the page shows, picture by picture. Each time the camera takes a picture it asks for the next one, so the page makes
 * as many as the guest looks at, and none while it does not look.
 *
 *   guest      takes a picture ───▶ fill()                    takes a picture ───▶ fill(): the newest there is
 *   camera                            └─ hasOutput()             ▲
 *   page                                   └─▶ output(): of this size ─▶ draws one ─▶ input()
 */
import type { WantedPicture } from "../../protocol.ts";
import type { PictureSource, Scene } from "./picture-source.ts";
import { type RgbaPicture, Yuy2Fitter } from "./yuy2.ts";

/** Pixels of either side. */
const SIDE_MAX = 4096;

export class PagePictures implements Scene {
  readonly #hasOutput: () => void;
  #newest: RgbaPicture | undefined;
  #wanted: WantedPicture | undefined;

  /** `hasOutput` tells the page that the camera wants a picture. */
  constructor(hasOutput: () => void) {
    this.#hasOutput = hasOutput;
  }

  /** Black until there is a picture. */
  open(width: number, height: number): PictureSource {
    const fitter = new Yuy2Fitter(width, height);
    const wanted: WantedPicture = { type: "picture", width, height };
    let drawn: RgbaPicture | undefined;
    this.#want(wanted);
    return {
      fill: (_, target) => {
        if (!drawn) fitter.black(target);
        if (this.#newest && this.#newest !== drawn) fitter.draw(this.#newest, target);
        drawn = this.#newest;
        this.#want(wanted);
        return true;
      },
    };
  }

  input(message: unknown): void {
    this.#newest = readPicture(message) ?? this.#newest;
  }

  output(): WantedPicture | undefined {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    return wanted;
  }

  #want(wanted: WantedPicture): void {
    this.#wanted = wanted;
    this.#hasOutput();
  }
}

/** Undefined for what is no picture. */
function readPicture(message: unknown): RgbaPicture | undefined {
  const { type, width, height, bytes } = (message ?? {}) as Record<string, unknown>;
  if (type !== "picture" || !isSide(width) || !isSide(height)) return undefined;
  if (!(bytes instanceof Uint8Array || bytes instanceof Uint8ClampedArray)) return undefined;
  return bytes.length === 4 * width * height ? { width, height, bytes } : undefined;
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= SIDE_MAX;
}
