/** A file on disk, in Node. Its reads and writes go straight from and to the transfer's shared memory. */
import { checkSize, ImageError } from "../image.ts";
import { type FileHandle, HandleImage } from "./handle-image.ts";

/** Opens `path` for reading and writing, or for reading only when that is asked for or all that is allowed. */
export async function openNodeFile(path: string, readOnly: boolean): Promise<HandleImage> {
  const fs = await nodeFileSystem();
  let writable = !readOnly;
  const notes: string[] = [];
  let file: number;
  try {
    if (fs.statSync(path).isDirectory()) throw new ImageError(`The image ${path} is a directory.`);
    try {
      file = fs.openSync(path, writable ? "r+" : "r");
    } catch (error) {
      if (!writable || !DENIED.has(errorCode(error))) throw error;
      writable = false;
      file = fs.openSync(path, "r");
      notes.push(`The image ${path} may not be written, so the disk is write-protected.`);
    }
  } catch (error) {
    throw imageError(path, error);
  }
  try {
    const { size } = fs.fstatSync(file);
    if (size === 0) throw new ImageError(`The image ${path} is empty.`);
    checkSize(size);
    return new HandleImage(new NodeFile(fs, file), { path: fs.realpathSync(path) }, size, !writable, notes);
  } catch (error) {
    fs.closeSync(file);
    throw imageError(path, error);
  }
}

type FileSystem = typeof import("node:fs");

class NodeFile implements FileHandle {
  readonly #fs: FileSystem;
  readonly #file: number;

  constructor(fs: FileSystem, file: number) {
    this.#fs = fs;
    this.#file = file;
  }

  read(into: Uint8Array, at: number): number {
    return this.#fs.readSync(this.#file, into, 0, into.length, at);
  }

  write(from: Uint8Array, at: number): number {
    return this.#fs.writeSync(this.#file, from, 0, from.length, at);
  }

  flush(): void {
    this.#fs.fsyncSync(this.#file);
  }

  written(): number {
    return this.#fs.fstatSync(this.#file).mtimeMs;
  }

  close(): void {
    this.#fs.closeSync(this.#file);
  }
}

async function nodeFileSystem(): Promise<FileSystem> {
  const name = "node:fs"; // a bundler for the browser must not follow this
  try {
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as FileSystem;
  } catch (error) {
    throw new ImageError("A disk image can be named by its path in Node only; a page gives a File.", { cause: error });
  }
}

const DENIED: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS"]);

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function imageError(path: string, error: unknown): ImageError {
  if (error instanceof ImageError) return error;
  switch (errorCode(error)) {
    case "ENOENT":
      return new ImageError(`There is no image ${path}.`, { cause: error });
    case "EACCES":
    case "EPERM":
      return new ImageError(`The image ${path} may not be read.`, { cause: error });
    default:
      return new ImageError(`The image ${path} could not be opened: ${String((error as Error).message ?? error)}.`, {
        cause: error,
      });
  }
}
