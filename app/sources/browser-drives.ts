/** Drives that the browser keeps: files of the origin's private file system. They survive reloads, until the person deletes them. */
import { formatBlank } from "./blank-drive.ts";

const FOLDER = "pvusb-drives";
const SUFFIX = ".img";

export interface BrowserDrive {
  /** As the person has named it. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Its path in the origin's private file system. */
  readonly path: string;
}

/** Lists of a folder; not in TypeScript's types of the DOM. */
type Folder = FileSystemDirectoryHandle & { values(): AsyncIterable<FileSystemHandle> };

export class BrowserDrives {
  static get areSupported(): boolean {
    return typeof globalThis.navigator?.storage?.getDirectory === "function";
  }

  /** Those that earlier visits have made, by name. */
  async list(): Promise<BrowserDrive[]> {
    const folder = await this.#folder();
    const drives: BrowserDrive[] = [];
    for await (const entry of folder.values()) {
      if (entry.kind !== "file" || !entry.name.endsWith(SUFFIX)) continue;
      const { size } = await (entry as FileSystemFileHandle).getFile();
      drives.push(driveOf(entry.name, size));
    }
    return drives.sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Makes a formatted one. Rejects with a sentence. */
  async create(name: string, size: number): Promise<BrowserDrive> {
    const trimmed = name.trim();
    if (!/^[^/\\]{1,60}$/.test(trimmed) || trimmed.startsWith(".")) {
      throw new Error("The drive needs a name of 1 to 60 characters, without slashes.");
    }
    const folder = await this.#folder();
    const fileName = trimmed + SUFFIX;
    if (await exists(folder, fileName)) throw new Error(`There is a drive “${trimmed}” already. Give it another name.`);
    void navigator.storage.persist?.(); // the browser may ask; without it, it may delete the drive when it needs room
    try {
      const handle = await folder.getFileHandle(fileName, { create: true });
      const file = await handle.createWritable();
      await file.write(formatBlank(size));
      await file.truncate(size);
      await file.close();
    } catch (error) {
      await folder.removeEntry(fileName).catch(() => undefined);
      if (!(error instanceof DOMException && error.name === "QuotaExceededError")) throw error;
      throw new Error("The browser has no room for a drive of this size. Make a smaller one, or delete another.", {
        cause: error,
      });
    }
    return driveOf(fileName, size);
  }

  /** Rejects with a sentence. */
  async delete({ name }: BrowserDrive): Promise<void> {
    try {
      await (await this.#folder()).removeEntry(name + SUFFIX);
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotFoundError") return;
      throw new Error(`The drive “${name}” is in use, here or in another tab. Unplug it there first.`, {
        cause: error,
      });
    }
  }

  /** What the browser grants, for a person; undefined where it does not tell. */
  async room(): Promise<{ readonly free: number; readonly quota: number } | undefined> {
    const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
    if (quota === undefined || usage === undefined) return undefined;
    return { free: Math.max(0, quota - usage), quota };
  }

  async #folder(): Promise<Folder> {
    const root = await navigator.storage.getDirectory();
    return (await root.getDirectoryHandle(FOLDER, { create: true })) as Folder;
  }
}

function driveOf(fileName: string, size: number): BrowserDrive {
  return { name: fileName.slice(0, -SUFFIX.length), size, path: `${FOLDER}/${fileName}` };
}

async function exists(folder: FileSystemDirectoryHandle, name: string): Promise<boolean> {
  try {
    await folder.getFileHandle(name);
    return true;
  } catch {
    return false;
  }
}
