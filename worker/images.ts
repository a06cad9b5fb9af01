/** Images of drives that are read for a person: each reading has a number, for whoever asks is often in another thread. */
import type { Shelf } from "./device/storage/shelf.ts";
import type { ImageReading } from "./device.ts";
import { PlugError, reasonOf } from "./plug-error.ts";
import type { OpenedImage } from "./protocol.ts";
import type { Socket } from "./socket.ts";

/** Readings at once, so that those that nobody closes end some time. */
const READINGS_MAX = 64;

export class Images {
  readonly #shelf: Shelf;
  readonly #readings = new Map<number, ImageReading>();
  /** Not from 0: those of a backend that died are none of this one's. */
  #last = Math.floor(Math.random() * 2 ** 48);

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  /** Throws a PlugError. */
  open(of: Socket | string): OpenedImage {
    const reading = this.#begin(of);
    if (!reading) throw new PlugError("NotFoundError", "There is no disk here whose image could be read.");
    const [oldest] = this.#readings.keys();
    if (oldest !== undefined && this.#readings.size === READINGS_MAX) this.close(oldest, false);
    this.#readings.set(++this.#last, reading);
    return { id: this.#last, size: reading.size };
  }

  async read(id: number): Promise<Uint8Array | undefined> {
    const reading = this.#readings.get(id);
    if (!reading) throw new PlugError("NotFoundError", "Reading the drive was given up.");
    try {
      return await reading.next();
    } catch (error) {
      throw asImageError(error);
    }
  }

  hold(id: number): void {
    const reading = this.#readings.get(id);
    if (!reading) throw new PlugError("NotFoundError", "Reading the drive was given up.");
    reading.hold();
  }

  close(id: number, saved: boolean, blob?: Blob): void {
    this.#readings.get(id)?.close(saved, blob);
    this.#readings.delete(id);
  }

  #begin(of: Socket | string): ImageReading | undefined {
    try {
      return typeof of === "string" ? this.#shelf.find(of)?.open() : of.openImage();
    } catch (error) {
      throw asImageError(error);
    }
  }
}

function asImageError(error: unknown): PlugError {
  return error instanceof PlugError
    ? error
    : new PlugError("ImageError", `The drive could not be read: ${reasonOf(error)}`);
}
