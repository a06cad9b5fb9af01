/** A medium: an image with what becomes of it outside of its drive. */
import { Saved } from "../../../asm/saved.ts";
import type { Request } from "../../request.ts";
import type { Image } from "./image.ts";
import { ImageReader } from "./image-reader.ts";

export class Medium {
  readonly image: Image;
  /** What it is kept by when its drive is unplugged, and who keeps it. */
  readonly keep: string | undefined;
  readonly #release: (medium: Medium) => void;
  readonly #readers = new Set<ImageReader>();
  /** Counts the writes to a volatile image, and how many of them were saved elsewhere. */
  #writes = 0;
  #saved = 0;
  /** Hears when `changed` is another than before. */
  onChange: (() => void) | undefined;

  constructor(
    image: Image,
    keep?: string,
    release: (medium: Medium) => void = () => {
      this.dispose();
    },
  ) {
    this.image = image;
    this.keep = keep;
    this.#release = release;
  }

  /** Something was written that is nowhere else. */
  get changed(): boolean {
    return this.#writes !== this.#saved;
  }

  write(offset: number, length: number, request: Request): void {
    for (const reader of this.#readers) reader.preserve(offset, length);
    this.image.write(offset, length, request, 0);
    if (!this.image.volatile) return;
    const { changed } = this;
    this.#writes++;
    if (!changed) this.onChange?.();
  }

  /** Reads the image as it is now. Throws when the store fails. */
  open(): ImageReader {
    this.image.flush();
    const writes = this.#writes;
    const mark = this.image.mark?.() ?? 0;
    const reader = new ImageReader(this.image, {
      over: () => this.#readers.delete(reader),
      replace: () => this.image.replace?.(mark) ?? (() => undefined),
      saved: () => {
        if (!this.changed || writes <= this.#saved) return;
        this.#saved = writes;
        if (!this.changed) this.onChange?.();
      },
    });
    this.#readers.add(reader);
    return reader;
  }

  save(): unknown {
    return { image: this.image.save(), changed: this.changed };
  }

  restore(state: unknown): string | undefined {
    const saved = new Saved(state, "a medium");
    const changed = saved.flag("changed");
    for (const reader of this.#readers) reader.fail("A saved state was restored before all of the drive was read.");
    const note = this.image.restore(saved.get("image"));
    this.#writes++;
    this.#saved = changed ? 0 : this.#writes;
    return note;
  }

  /** Its drive is unplugged. Throws when what was written cannot last. */
  close(): void {
    this.onChange = undefined;
    this.#release(this);
  }

  /** Nobody wants it any more. */
  dispose(): void {
    for (const reader of this.#readers) reader.fail("The drive was unplugged before all of it was read.");
    this.image.close();
  }
}
