#!/usr/bin/env node
/**
 * Builds the default guest from Debian's i386 packages into public/guest/. README.md tells what and why.
 *
 *   node dist/app/guest/image/build.js [--force] [--out DIR] [--cache DIR] [--sources FILE]
 */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { writeCpio } from "./cpio.ts";
import { DebianArchive, decompressXz, filesByName, GuestBuildError, unpackDeb } from "./debian.ts";
import { withoutCompression } from "./kernel.ts";
import type { GuestFile, GuestManifest } from "./manifest.ts";
import {
  BIOS,
  COMPRESSED_KERNEL_COMMAND_LINE,
  IMAGE_VERSION,
  KERNEL_COMMAND_LINE,
  KERNEL_META_PACKAGE,
  KERNEL_PACKAGE,
  MEMORY_MIB,
  PACKAGES,
  VGA_BIOS,
} from "./recipe.ts";
import { chooseModules, OWN_FILES, rootFileSystem } from "./rootfs.ts";

const MANIFEST = "manifest.json";
const FILES = { kernel: "vmlinuz", initrd: "initrd", bios: "bios.bin", vgaBios: "vgabios.bin" } as const;
const GUEST_FILES = Object.keys(FILES) as GuestFile[];

interface Places {
  readonly ownFiles: string;
  readonly out: string;
  readonly cache: string;
}

function sha256(...parts: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    hash.update(part);
  }
  return hash.digest("hex");
}

function mebibytes(bytes: number): string {
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

/** Runs one stage and says on stderr what it made, and how long it took if that was long. */
function stage<T>(what: string, work: () => T, result: (value: T) => string): T {
  const start = performance.now();
  const value = work();
  const seconds = (performance.now() - start) / 1000;
  process.stderr.write(`guest image: ${what}: ${result(value)}${seconds < 1 ? "" : `, ${seconds.toFixed(1)} s`}\n`);
  return value;
}

/** The folder that has package.json: this file may run from dist/. */
function projectRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) {
      throw new GuestBuildError("cannot find the project's folder above the builder");
    }
    folder = parent;
  }
  return folder;
}

/** Hash of the builder's code and of the guest's own files. */
function recipeHash(ownFiles: string): string {
  const code = readdirSync(import.meta.dirname)
    .filter((name) => /\.(js|ts)$/.test(name) && !name.endsWith(".d.ts"))
    .map((name) => join(import.meta.dirname, name));
  const own = Object.keys(OWN_FILES).map((name) => join(ownFiles, name));
  return sha256(...[...code, ...own].sort().flatMap((path) => [path.replace(/^.*\//, ""), "\0", readFileSync(path)]));
}

/** True when the image in `out` is what this recipe makes. */
function isUpToDate(out: string, recipe: string): boolean {
  const path = join(out, MANIFEST);
  if (!existsSync(path)) {
    return false;
  }
  const manifest = JSON.parse(readFileSync(path, "utf8")) as GuestManifest;
  return (
    manifest.recipe === recipe &&
    GUEST_FILES.every(
      (file) => statSync(join(out, FILES[file]), { throwIfNoEntry: false })?.size === manifest.sizes[file],
    )
  );
}

function build({ ownFiles, out, cache }: Places, recipe: string, sources: string | undefined): GuestManifest {
  const scratch = join(cache, "unpacked");
  rmSync(scratch, { recursive: true, force: true });
  const archive = new DebianArchive(cache, sources);
  stage(
    "package lists",
    () => archive.update(),
    () => "ready",
  );
  const resolved = archive.resolve([KERNEL_META_PACKAGE, ...PACKAGES]);
  const wanted = resolved.filter(
    ({ name }) => KERNEL_PACKAGE.test(name) || (PACKAGES as readonly string[]).includes(name),
  );
  const isKernel = ({ name }: { name: string }): boolean => KERNEL_PACKAGE.test(name);
  const debs = stage(
    "packages",
    () => archive.fetch(wanted),
    (files) => `${files.size}, ${mebibytes([...files.values()].reduce((sum, deb) => sum + statSync(deb).size, 0))}`,
  );
  const kernelFiles = join(scratch, "kernel");
  const otherFiles = join(scratch, "other");
  stage(
    "unpacking",
    () => {
      for (const [debianPackage, deb] of debs) {
        unpackDeb(deb, isKernel(debianPackage) ? kernelFiles : otherFiles);
      }
    },
    () => wanted.map(({ name, version }) => `${name} ${version}`).join(", "),
  );

  const modules = chooseModules(kernelFiles);
  const vmlinuz = readFileSync(join(kernelFiles, "boot", `vmlinuz-${modules.release}`));
  const kernel = stage(
    "kernel",
    () => withoutCompression(vmlinuz, (payload) => decompressXz(payload, scratch)),
    (image) => (image === undefined ? "kept as it is" : "decompressed"),
  );
  const firmware = filesByName(otherFiles);
  const firmwareFile = (name: string): Uint8Array => {
    const path = firmware.get(name);
    if (path === undefined) {
      throw new GuestBuildError(`no package has ${name}`);
    }
    return readFileSync(path);
  };
  const plain: Record<GuestFile, Uint8Array> = {
    kernel: kernel ?? vmlinuz,
    initrd: writeCpio(rootFileSystem(otherFiles, ownFiles, modules)),
    bios: firmwareFile(BIOS),
    vgaBios: firmwareFile(VGA_BIOS),
  };
  const encoding = {
    kernel: kernel === undefined ? "identity" : "gzip",
    initrd: "gzip",
    bios: "identity",
    vgaBios: "identity",
  } as const;
  const stored = stage(
    "compressing",
    () => mapFiles((file) => (encoding[file] === "gzip" ? gzipSync(plain[file], { level: 9 }) : plain[file])),
    (files) => GUEST_FILES.map((file) => `${FILES[file]} ${mebibytes(files[file].length)}`).join(", "),
  );

  const hashes = mapFiles((file) => sha256(stored[file]));
  const cmdline = kernel === undefined ? COMPRESSED_KERNEL_COMMAND_LINE : KERNEL_COMMAND_LINE;
  const manifest: GuestManifest = {
    version: IMAGE_VERSION,
    id: sha256(JSON.stringify([IMAGE_VERSION, mapFiles((file) => sha256(plain[file])), cmdline, MEMORY_MIB])),
    recipe,
    ...FILES,
    encoding,
    sizes: mapFiles((file) => stored[file].length),
    plainSizes: mapFiles((file) => plain[file].length),
    sha256: hashes,
    cmdline,
    memoryMiB: MEMORY_MIB,
    kernelRelease: modules.release,
    packages: Object.fromEntries(wanted.map(({ name, version }) => [name, version])),
  };
  // The manifest goes first and comes last: a build that is interrupted leaves an image that is not up to date.
  mkdirSync(out, { recursive: true });
  rmSync(join(out, MANIFEST), { force: true });
  for (const file of GUEST_FILES) {
    replaceFile(join(out, FILES[file]), stored[file]);
  }
  replaceFile(join(out, MANIFEST), `${JSON.stringify(manifest, undefined, "\t")}\n`);
  rmSync(scratch, { recursive: true, force: true });
  return manifest;
}

function mapFiles<T>(make: (file: GuestFile) => T): Record<GuestFile, T> {
  return { kernel: make("kernel"), initrd: make("initrd"), bios: make("bios"), vgaBios: make("vgaBios") };
}

function replaceFile(path: string, data: string | Uint8Array): void {
  writeFileSync(`${path}.new`, data);
  renameSync(`${path}.new`, path);
}

function main(): void {
  const { values } = parseArgs({
    options: {
      force: { type: "boolean", default: false },
      out: { type: "string" },
      cache: { type: "string" },
      sources: { type: "string" },
    },
  });
  const root = projectRoot();
  const places = {
    ownFiles: join(root, "app/guest/image"),
    out: values.out ?? join(root, "public/guest"),
    cache: values.cache ?? join(root, "node_modules/.cache/pvusb"),
  };
  const recipe = recipeHash(places.ownFiles);
  if (!values.force && isUpToDate(places.out, recipe)) {
    console.log("guest image is up to date");
    return;
  }
  const manifest = build(places, recipe, values.sources);
  console.log(`guest image ${manifest.id.slice(0, 12)} is ready in ${places.out}`);
}

try {
  main();
} catch (error) {
  if (!(error instanceof GuestBuildError)) {
    throw error;
  }
  console.error(`guest image: ${error.message}`);
  process.exitCode = 1;
}
