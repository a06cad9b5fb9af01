/** The image of a drive on its way home: read piece by piece, and never all of it in memory. */
import type { BackendControl, PortAddress } from "../worker/protocol.ts";

export class DriveImage {
  /** Bytes of all of it. */
  readonly size: number;
  /**
   * The image as it was when it was asked for: what the guest has written and its drive has taken, but not what the guest still
   * has in its own cache. Errors with a sentence when it cannot be read to its end. Read it to its end or cancel it.
   */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #control: BackendControl;
  readonly #id: number;

  private constructor(control: BackendControl, id: number, size: number) {
    this.#control = control;
    this.#id = id;
    this.size = size;
    this.stream = new ReadableStream({
      pull: async (stream) => {
        const piece = await control.readImage(id);
        if (piece) stream.enqueue(piece as Uint8Array<ArrayBuffer>);
        else stream.close();
      },
      cancel: () => control.closeImage(id, false),
    });
  }

  static async open(control: BackendControl, of: PortAddress | string): Promise<DriveImage> {
    const { id, size } = await control.openImage(of);
    return new DriveImage(control, id, size);
  }

  /**
   * All that was read is written to the very file that the drive is made of, but for the last step: `commit` does that, and answers
   * the file. The drive's guest waits meanwhile. Rejects when that fails: then the file is to be as it was.
   */
  async replace(commit: () => Promise<Blob>): Promise<void> {
    await this.#control.holdImage(this.#id);
    let blob: Blob;
    try {
      blob = await commit();
    } catch (error) {
      await this.#control.closeImage(this.#id, false);
      throw error;
    }
    await this.#control.closeImage(this.#id, true, blob);
  }

  /** All that was read is kept elsewhere now: the drive counts as unchanged, but for what was written meanwhile. */
  async saved(): Promise<void> {
    await this.#control.closeImage(this.#id, true);
  }
}
