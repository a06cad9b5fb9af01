/** `pvusb guest DIR`: the default guest's files in a folder, as v86 loads them by itself: nothing is packed. */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileName } from "../guest/guest-files.ts";
import type { GuestFile, GuestManifest } from "../guest/image/manifest.ts";
import { folderFiles } from "../guest/node-files.ts";
import { ownGuest } from "./own-guest.ts";

const FILES: readonly GuestFile[] = ["kernel", "initrd", "bios", "vgaBios"];

/** Of the image in `from`, by default of our own, which is built first if need be. */
export async function writeGuest(folder: string, from?: string): Promise<void> {
  const image = folderFiles(from ?? (await ownGuest()));
  const packed = await image.manifest();
  const encoding = { ...packed.encoding };
  const sha256 = { ...packed.sha256 };
  await mkdir(folder, { recursive: true });
  for (const file of FILES) {
    const bytes = await image.load(file);
    encoding[file] = "identity";
    sha256[file] = createHash("sha256").update(bytes).digest("hex");
    await writeFile(join(folder, fileName(packed, file)), bytes);
  }
  const manifest: GuestManifest = { ...packed, encoding, sizes: packed.plainSizes, sha256 };
  await writeFile(join(folder, "manifest.json"), `${JSON.stringify(manifest, undefined, "\t")}\n`);
}
