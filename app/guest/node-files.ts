/** The default guest's files in a folder, and the emulator's code in node_modules. Node only. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { fileName, GuestFileError, type GuestFiles, wrongSize } from "./guest-files.ts";
import type { GuestManifest } from "./image/manifest.ts";

const inflate = promisify(gunzip);

export function folderFiles(folder: string): GuestFiles {
  let manifest: Promise<GuestManifest> | undefined;
  const files: GuestFiles = {
    manifest() {
      manifest ??= readManifest(folder);
      return manifest;
    },
    async load(file, progress) {
      const facts = await files.manifest();
      const stored = await read(join(folder, fileName(facts, file)));
      progress?.(stored.length);
      const plain = facts.encoding[file] === "gzip" ? await inflate(stored) : stored;
      if (plain.length !== facts.plainSizes[file]) throw wrongSize(file);
      // A small Buffer shares its memory with others; the emulator takes whole buffers.
      return Uint8Array.from(plain);
    },
  };
  return files;
}

/** Where the npm package `v86` is, and its version. */
export function installedV86(): { readonly wasm: string; readonly version: string } {
  const require = createRequire(import.meta.url);
  const { version } = require("v86/package.json") as { version: string };
  return { wasm: join(dirname(require.resolve("v86/package.json")), "build", "v86.wasm"), version };
}

async function readManifest(folder: string): Promise<GuestManifest> {
  const path = join(folder, "manifest.json");
  try {
    return JSON.parse(await readFile(path, "utf8")) as GuestManifest;
  } catch (cause) {
    throw new GuestFileError(`There is no guest image in ${folder}. Build it with: npm run build:guest`, { cause });
  }
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new GuestFileError(`${path} cannot be read.`, { cause });
  }
}
