/**
 * Programs that only tests need in the guest, from Debian's i386 packages, as an overlay. They are fetched
 * the way the image's own packages are; an overlay that was made once is kept in the builder's cache.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type CpioEntry, writeCpio } from "../../dist/app/guest/image/cpio.js";
import { DebianArchive, type DebianPackage, unpackDeb } from "../../dist/app/guest/image/debian.js";
import { GUEST_FOLDER } from "./harness.ts";

/** apt wants whole paths. */
const CACHE = resolve("node_modules/.cache/pvusb");
const PERL = "usr/lib/i386-linux-gnu/perl-base";
const LIBM = "lib/i386-linux-gnu/libm.so.6";

/** What is taken of a tool's packages: paths of files and, with a slash at the end, of whole folders. */
interface Recipe {
  /** Beside libc6. */
  readonly packages: readonly string[];
  readonly paths: readonly string[];
}

const RECIPES = {
  /** perl with strict, warnings and Fcntl: `ioctl`, `pack` and `syscall` need no module. */
  "perl-base": {
    packages: ["perl-base", "libcrypt1"],
    paths: [
      "usr/bin/perl",
      ...["strict.pm", "warnings.pm", "Exporter.pm", "XSLoader.pm", "Fcntl.pm", "auto/Fcntl/"].map(
        (path) => `${PERL}/${path}`,
      ),
      "lib/i386-linux-gnu/libcrypt.so.1",
      LIBM,
    ],
  },
  /** Frames from a V4L2 camera. */
  yavta: { packages: ["yavta"], paths: ["usr/bin/yavta"] },
  /** aplay, arecord and amixer, with the configuration of a USB card. */
  "alsa-utils": {
    packages: ["alsa-utils", "libasound2", "libasound2-data"],
    paths: [
      "usr/bin/aplay",
      "usr/bin/arecord",
      "usr/bin/amixer",
      "usr/lib/i386-linux-gnu/libasound.so.2",
      LIBM,
      "usr/share/alsa/alsa.conf",
      "usr/share/alsa/cards/aliases.conf",
      "usr/share/alsa/cards/USB-Audio.conf",
      "usr/share/alsa/ctl/",
      "usr/share/alsa/pcm/",
    ],
  },
} as const satisfies Record<string, Recipe>;

export type GuestTool = keyof typeof RECIPES;

/** For `Guest.start({ overlay })`. Guests with the same tools share a saved state: so take all, unless memory is short. */
export function guestTools(tools = Object.keys(RECIPES) as readonly GuestTool[]): Uint8Array {
  const libc = imageLibc();
  const recipes: Recipe[] = tools.map((tool) => RECIPES[tool]);
  const packages = [...new Set(recipes.flatMap((recipe) => recipe.packages))].sort();
  const paths = [...new Set(recipes.flatMap((recipe) => recipe.paths))].sort();
  const key = createHash("sha256")
    .update(JSON.stringify([libc, packages, paths]))
    .digest("hex")
    .slice(0, 16);
  const kept = join(CACHE, `tools-${key}.cpio`);
  try {
    return readFileSync(kept);
  } catch {
    const scratch = join(CACHE, randomUUID());
    try {
      unpack(packages, libc, scratch);
      writeFileSync(`${scratch}.cpio`, writeCpio(entries(scratch, paths)));
      renameSync(`${scratch}.cpio`, kept);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
    return readFileSync(kept);
  }
}

/** libm goes with the libc of the image: another version may not fit. */
function imageLibc(): DebianPackage {
  const manifest = JSON.parse(readFileSync(join(GUEST_FOLDER, "manifest.json"), "utf8"));
  return { name: "libc6", version: manifest.packages.libc6 };
}

function unpack(names: readonly string[], libc: DebianPackage, into: string): void {
  mkdirSync(CACHE, { recursive: true });
  const archive = new DebianArchive(CACHE);
  archive.update();
  const packages = archive.resolve(names).filter(({ name }) => names.includes(name));
  for (const deb of archive.fetch([...packages, libc]).values()) unpackDeb(deb, into);
}

/** The files with the folders above them; links are followed. */
function entries(root: string, paths: readonly string[]): CpioEntry[] {
  const files = paths.flatMap((path) =>
    path.endsWith("/")
      ? readdirSync(join(root, path), { recursive: true, withFileTypes: true })
          .filter((entry) => !entry.isDirectory())
          .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
          .sort()
      : [path],
  );
  const folders = new Set(
    files.flatMap((file) => {
      const parts = file.split("/");
      return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
    }),
  );
  return [
    ...[...folders].map((path): CpioEntry => ({ kind: "directory", path })),
    ...files.map(
      (path): CpioEntry => ({
        kind: "file",
        path,
        data: readFileSync(join(root, path)),
        mode: statSync(join(root, path)).mode & 0o777,
      }),
    ),
  ];
}
