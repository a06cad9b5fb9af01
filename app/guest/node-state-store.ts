/** Saved states in a cache folder, compressed, the newest few. Node only. */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { constants, gunzip, gzip } from "node:zlib";
import type { StateStore } from "./state-store.ts";

const KEPT = 4;
const SUFFIX = ".state.gz";

/** `$XDG_CACHE_HOME/pvusb`, or `~/.cache/pvusb`. */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME } = process.env;
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "pvusb");
}

export function folderStateStore(folder = cacheFolder()): StateStore {
  const path = (key: string): string => join(folder, key + SUFFIX);
  return {
    async get(key) {
      let packed: Uint8Array;
      try {
        packed = await readFile(path(key));
      } catch {
        return undefined;
      }
      const now = new Date();
      await utimes(path(key), now, now).catch(() => {});
      return (await promisify(gunzip)(packed)) as Uint8Array<ArrayBuffer>;
    },
    async set(key, state) {
      await mkdir(folder, { recursive: true });
      const packed = await promisify(gzip)(state, { level: constants.Z_BEST_SPEED });
      // Renamed when complete: another process may be reading, or writing the same.
      const draft = join(folder, `${randomUUID()}.draft`);
      await writeFile(draft, packed);
      await rename(draft, path(key));
      await prune(folder);
    },
    delete: (key) => rm(path(key), { force: true }),
  };
}

async function prune(folder: string): Promise<void> {
  const states = (await readdir(folder)).filter((name) => name.endsWith(SUFFIX)).map((name) => join(folder, name));
  const aged = await Promise.all(states.map(async (path) => ({ path, used: (await stat(path)).mtimeMs })));
  aged.sort((a, b) => b.used - a.used);
  for (const { path } of aged.slice(KEPT)) await rm(path, { force: true });
}
