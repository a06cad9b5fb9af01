/** Where drives come from and go to: their images are opened here, and those with a name are kept when they are unplugged. */
import { PlugError } from "../../plug-error.ts";
import type { ImageSource } from "../../protocol.ts";
import { openImage } from "./image/open-image.ts";
import { ImageError } from "./image.ts";
import { Medium } from "./medium.ts";

interface Kept {
  /** Undefined while it is opened. */
  medium: Medium | undefined;
  isPlugged: boolean;
}

export class Shelf {
  readonly #kept = new Map<string, Kept>();

  /** The medium kept under the name, or one that is opened. Rejects with an ImageError, or a BusyError for one in use. */
  async open(image: ImageSource, readOnly = false, name?: string): Promise<Medium> {
    const keep = "kept" in image ? image.kept : name;
    if (keep === undefined) return new Medium(await openImage(image, readOnly));
    const kept = this.#kept.get(keep);
    if (kept?.isPlugged) throw new PlugError("BusyError", "This drive is plugged in already. Unplug it there first.");
    if (kept?.medium) {
      kept.isPlugged = true;
      return kept.medium;
    }
    if ("kept" in image) {
      throw new ImageError("A saved state cannot keep the File that its disk was made of: plug it again.");
    }
    const place: Kept = { medium: undefined, isPlugged: true };
    this.#kept.set(keep, place);
    try {
      place.medium = new Medium(await openImage(image, readOnly), keep, () => this.#back(place));
      return place.medium;
    } catch (error) {
      this.#kept.delete(keep);
      throw error;
    }
  }

  /** What is kept under a name, in a drive or not. */
  find(name: string): Medium | undefined {
    return this.#kept.get(name)?.medium;
  }

  /** Lets go of what is kept; one that is plugged in goes with its unplug. */
  forget(name: string): void {
    const kept = this.#kept.get(name);
    this.#kept.delete(name);
    if (kept && !kept.isPlugged) kept.medium?.dispose();
  }

  clear(): void {
    for (const name of this.#kept.keys()) this.forget(name);
  }

  #back(place: Kept): void {
    const { medium } = place;
    if (!medium?.keep) return;
    place.isPlugged = false;
    if (this.#kept.get(medium.keep) === place) medium.image.flush();
    else medium.dispose();
  }
}
