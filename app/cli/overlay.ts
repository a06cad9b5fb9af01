/** A directory's files as an archive that Linux unpacks over the guest's own. */
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { type CpioEntry, writeCpio } from "../guest/image/cpio.ts";
import { UsageError } from "./usage-error.ts";

const PERMISSIONS = 0o7777;

/** Modes and symbolic links are kept; owners and times are not. Throws a UsageError. */
export async function readOverlay(folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const entries: CpioEntry[] = [];
  try {
    await collect(folder, "", entries);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`--overlay ${folder} cannot be read: ${(cause as Error).message}`, { cause });
  }
  return writeCpio(entries);
}

/** In the order of names, so that the same directory gives the same archive. */
async function collect(root: string, inside: string, entries: CpioEntry[]): Promise<void> {
  for (const name of (await readdir(join(root, inside))).sort()) {
    const path = inside ? `${inside}/${name}` : name;
    const facts = await lstat(join(root, path));
    const mode = facts.mode & PERMISSIONS;
    if (facts.isDirectory()) {
      entries.push({ kind: "directory", path, mode });
      await collect(root, path, entries);
    } else if (facts.isSymbolicLink()) {
      entries.push({ kind: "symlink", path, target: await readlink(join(root, path)) });
    } else if (facts.isFile()) {
      entries.push({ kind: "file", path, data: await readFile(join(root, path)), mode });
    } else {
      throw new UsageError(`--overlay ${root}: ${path} is no file, directory or symbolic link.`);
    }
  }
}
