/** The guest's first root file system, as a list of cpio entries. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CpioEntry } from "./cpio.ts";
import { filesByName, GuestBuildError } from "./debian.ts";
import {
  type KernelModule,
  moduleClosure,
  moduleName,
  readModule,
  withoutSignature,
  withoutTracerCalls,
  writeModulesAlias,
  writeModulesDep,
} from "./kernel-modules.ts";
import { BOOT_MODULES, EXTRA_MODULES, PROGRAMS } from "./recipe.ts";

/** Our own files of the guest: name in this folder → path and mode in the guest. */
export const OWN_FILES: Readonly<Record<string, { path: string; mode: number }>> = {
  init: { path: "init", mode: 0o755 },
  agent: { path: "etc/pvusb/agent", mode: 0o644 },
  profile: { path: "etc/profile", mode: 0o644 },
  "mdev.conf": { path: "etc/mdev.conf", mode: 0o644 },
  "modprobe.conf": { path: "etc/modprobe.conf", mode: 0o644 },
  stop: { path: "etc/pvusb/stop", mode: 0o755 },
  motd: { path: "etc/motd", mode: 0o644 },
  "mkfs.vfat": { path: "usr/sbin/mkfs.vfat", mode: 0o755 },
  eject: { path: "usr/bin/eject", mode: 0o755 },
};

const EMPTY_FOLDERS = ["dev", "etc", "init.d", "mnt", "proc", "root", "run", "sbin", "sys", "tmp", "usr/sbin", "var"];

export interface GuestModules {
  readonly release: string;
  readonly modules: ReadonlyMap<string, KernelModule>;
}

/** @param unpacked - the kernel package's files */
export function chooseModules(unpacked: string): GuestModules {
  const files = filesByName(unpacked);
  const kernel = [...files.keys()].find((name) => name.startsWith("vmlinuz-"));
  if (kernel === undefined) {
    throw new GuestBuildError("the kernel package has no vmlinuz");
  }
  const byModule = new Map<string, string>();
  for (const [name, path] of files) {
    if (name.endsWith(".ko")) {
      byModule.set(moduleName(name), path);
    }
  }
  const builtIn = files.get("modules.builtin");
  const inKernel = new Set(builtIn === undefined ? [] : readFileSync(builtIn, "utf8").split("\n").map(moduleName));
  const wanted = [...BOOT_MODULES, ...EXTRA_MODULES].filter((name) => !inKernel.has(name));
  const modules = moduleClosure(wanted, (name) => {
    const path = byModule.get(name);
    return path === undefined ? undefined : readModule(path, withoutTracerCalls(withoutSignature(readFileSync(path))));
  });
  return { release: kernel.slice("vmlinuz-".length), modules };
}

function text(path: string, content: string): CpioEntry {
  return { kind: "file", path, data: new TextEncoder().encode(content) };
}

/**
 * @param unpacked - the files of all packages but the kernel's
 * @param ownFiles - this folder, with `init` and the others
 */
export function rootFileSystem(unpacked: string, ownFiles: string, { release, modules }: GuestModules): CpioEntry[] {
  const files: CpioEntry[] = [];
  const packaged = filesByName(unpacked);
  for (const [name, path] of Object.entries(PROGRAMS)) {
    const source = packaged.get(name);
    if (source === undefined) {
      throw new GuestBuildError(`no package has ${name}`);
    }
    files.push({ kind: "file", path, data: readFileSync(source), mode: 0o755 });
  }
  for (const [name, { path, mode }] of Object.entries(OWN_FILES)) {
    files.push({ kind: "file", path, data: readFileSync(join(ownFiles, name)), mode });
  }
  const moduleFolder = `lib/modules/${release}`;
  for (const module of modules.values()) {
    files.push({ kind: "file", path: `${moduleFolder}/${module.file}`, data: module.data });
  }
  files.push(
    text(`${moduleFolder}/modules.dep`, writeModulesDep(modules)),
    text(`${moduleFolder}/modules.alias`, writeModulesAlias(modules)),
    text("etc/pvusb/boot-modules", `${BOOT_MODULES.join("\n")}\n`),
    text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
    text("etc/group", "root:x:0:\n"),
    { kind: "symlink", path: "bin/sh", target: "busybox" },
    { kind: "symlink", path: "sbin/modprobe", target: "../bin/busybox" },
    { kind: "character-device", path: "dev/console", major: 5, minor: 1 },
    { kind: "character-device", path: "dev/null", major: 1, minor: 3, mode: 0o666 },
  );
  return [...folders(files), ...files];
}

/** Every folder that the files need, parents first. */
function folders(files: readonly CpioEntry[]): CpioEntry[] {
  const paths = new Set<string>();
  const add = (folder: string): void => {
    const parts = folder.split("/");
    for (let depth = 1; depth <= parts.length; depth++) {
      paths.add(parts.slice(0, depth).join("/"));
    }
  };
  EMPTY_FOLDERS.forEach(add);
  for (const file of files) {
    if (file.path.includes("/")) {
      add(file.path.slice(0, file.path.lastIndexOf("/")));
    }
  }
  return [...paths].map((path) => ({ kind: "directory", path }));
}
