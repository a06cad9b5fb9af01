/** A file of the origin's private file system, in a browser's worker: the only place that has synchronous access to it. */
import { checkSize, ImageError } from "../image.ts";
import { type FileHandle, HandleImage } from "./handle-image.ts";

/** FileSystemSyncAccessHandle, which TypeScript's DOM library leaves to its worker library. */
interface SyncAccessHandle {
  read(into: Uint8Array, options: { at: number }): number;
  write(from: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

interface SyncFileHandle {
  createSyncAccessHandle?(): Promise<SyncAccessHandle>;
}

/** Opens the file `name`, made with `size` bytes when it is new or empty. Slashes are directories. */
export async function openOpfsFile(name: string, size: number | undefined, readOnly: boolean): Promise<HandleImage> {
  const storage = (globalThis as { navigator?: Partial<Navigator> }).navigator?.storage;
  if (typeof storage?.getDirectory !== "function") {
    throw new ImageError("A disk of the origin's private file system needs a browser that has one, on a secure page.");
  }
  const steps = name.split("/").filter((step) => step !== "");
  const last = steps.pop();
  if (last === undefined) throw new ImageError("The disk's file in the origin's private file system needs a name.");
  let handle: SyncAccessHandle;
  try {
    let directory = await storage.getDirectory();
    for (const step of steps) directory = await directory.getDirectoryHandle(step, { create: size !== undefined });
    const file = await directory.getFileHandle(last, { create: size !== undefined });
    const { createSyncAccessHandle } = file as SyncFileHandle;
    if (!createSyncAccessHandle) {
      throw new ImageError("A disk of the origin's private file system works in pvusb's worker only.");
    }
    handle = await createSyncAccessHandle.call(file);
  } catch (error) {
    throw opfsError(name, error);
  }
  try {
    if (handle.getSize() === 0 && size !== undefined) {
      checkSize(size);
      handle.truncate(size);
    }
    if (handle.getSize() === 0) throw new ImageError(`The disk "${name}" is empty; give it a size.`);
    return new HandleImage(new OpfsFile(handle), { opfs: name }, handle.getSize(), readOnly);
  } catch (error) {
    handle.close();
    throw opfsError(name, error);
  }
}

/** Browsers differ in whether this handle takes views of shared memory, so bytes pass through a block of its own. */
class OpfsFile implements FileHandle {
  readonly #handle: SyncAccessHandle;
  readonly #scratch = new Uint8Array(0x10000);
  /** What the next read and write are told, kept so as not to allocate. */
  readonly #options = { at: 0 };

  constructor(handle: SyncAccessHandle) {
    this.#handle = handle;
  }

  read(into: Uint8Array, at: number): number {
    const scratch = this.#part(into.length);
    this.#options.at = at;
    const count = this.#handle.read(scratch, this.#options);
    into.set(count === scratch.length ? scratch : scratch.subarray(0, count));
    return count;
  }

  write(from: Uint8Array, at: number): number {
    const scratch = this.#part(from.length);
    scratch.set(scratch.length === from.length ? from : from.subarray(0, scratch.length));
    this.#options.at = at;
    return this.#handle.write(scratch, this.#options);
  }

  flush(): void {
    this.#handle.flush();
  }

  close(): void {
    this.#handle.close();
  }

  #part(length: number): Uint8Array {
    return length >= this.#scratch.length ? this.#scratch : this.#scratch.subarray(0, length);
  }
}

function opfsError(name: string, error: unknown): ImageError {
  if (error instanceof ImageError) return error;
  const reason = error instanceof Error ? error.name : "";
  switch (reason) {
    case "NotFoundError":
      return new ImageError(`There is no disk "${name}" in the origin's private file system.`, { cause: error });
    case "NoModificationAllowedError":
      return new ImageError(`The disk "${name}" is in use, in this page or another.`, { cause: error });
    case "QuotaExceededError":
      return new ImageError(`The browser grants no room for the disk "${name}".`, { cause: error });
    default:
      return new ImageError(`The disk "${name}" could not be opened: ${String(error)}.`, { cause: error });
  }
}
