/**
 * Linux kernel modules: what a .ko file says about itself, the set a guest needs, and the two index
 * files that modprobe reads (Debian's kernel package leaves them to depmod).
 */

export interface KernelModule {
  /** With underscores, as the kernel writes it. */
  readonly name: string;
  /** File name, as it ships. */
  readonly file: string;
  readonly data: Uint8Array;
  readonly depends: readonly string[];
  readonly aliases: readonly string[];
}

export class MissingModuleError extends Error {
  override readonly name = "MissingModuleError";
}

const SIGNATURE_MARK = "~Module signature appended~\n";
/** struct module_signature: 8 bytes of ids and lengths, then sig_len, big-endian. */
const SIGNATURE_HEADER_BYTES = 12;

const decoder = new TextDecoder("latin1");

export function moduleName(file: string): string {
  return file.replace(/^.*\//, "").replace(/\.ko$/, "").replaceAll("-", "_");
}

/** The bytes of a named section of a 32-bit little-endian ELF file, or nothing. */
function elfSection(elf: Uint8Array, wanted: string): Uint8Array | undefined {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  if (view.getUint32(0, false) !== 0x7f454c46 || elf[4] !== 1 || elf[5] !== 1) {
    throw new Error("not a 32-bit ELF file");
  }
  const shoff = view.getUint32(0x20, true);
  const shentsize = view.getUint16(0x2e, true);
  const shnum = view.getUint16(0x30, true);
  const shstrndx = view.getUint16(0x32, true);
  const bytes = (index: number): Uint8Array => {
    const header = shoff + index * shentsize;
    const offset = view.getUint32(header + 0x10, true);
    return elf.subarray(offset, offset + view.getUint32(header + 0x14, true));
  };
  const names = bytes(shstrndx);
  for (let index = 1; index < shnum; index++) {
    const start = view.getUint32(shoff + index * shentsize, true);
    const name = decoder.decode(names.subarray(start, names.indexOf(0, start)));
    if (name === wanted) {
      return bytes(index);
    }
  }
  return undefined;
}

/**
 * Debian signs its modules. This kernel does not insist on signatures, and checking one is a thousand
 * bytes of RSA on an emulated processor, so they are cut off.
 */
export function withoutSignature(ko: Uint8Array): Uint8Array {
  const markAt = ko.length - SIGNATURE_MARK.length;
  if (markAt < SIGNATURE_HEADER_BYTES || decoder.decode(ko.subarray(markAt)) !== SIGNATURE_MARK) {
    return ko;
  }
  const length = new DataView(ko.buffer, ko.byteOffset + markAt - 4, 4).getUint32(0, false);
  return ko.subarray(0, markAt - SIGNATURE_HEADER_BYTES - length);
}

export function readModule(file: string, ko: Uint8Array): KernelModule {
  const info = elfSection(ko, ".modinfo");
  const tags = info === undefined ? [] : decoder.decode(info).split("\0");
  const values = (tag: string): string[] =>
    tags.filter((line) => line.startsWith(`${tag}=`)).map((line) => line.slice(tag.length + 1));
  return {
    name: moduleName(file),
    file: file.replace(/^.*\//, ""),
    data: ko,
    depends: values("depends")
      .flatMap((list) => list.split(","))
      .filter((name) => name !== "")
      .map(moduleName),
    aliases: values("alias"),
  };
}

/**
 * The named modules and everything they depend on, dependencies first.
 * @param load - finds a module by name
 * @throws MissingModuleError
 */
export function moduleClosure(
  names: Iterable<string>,
  load: (name: string) => KernelModule | undefined,
): Map<string, KernelModule> {
  const closure = new Map<string, KernelModule>();
  const visit = (name: string, wantedBy: string): void => {
    if (closure.has(name)) {
      return;
    }
    const module = load(name);
    if (module === undefined) {
      throw new MissingModuleError(`kernel module ${name}, wanted by ${wantedBy}, is not in the kernel package`);
    }
    for (const dependency of module.depends) {
      visit(dependency, name);
    }
    closure.set(name, module);
  };
  for (const name of names) {
    visit(name, "the recipe");
  }
  return closure;
}

/** modules.dep: each module with all it needs, the one to load first at the end of the line. */
export function writeModulesDep(modules: ReadonlyMap<string, KernelModule>): string {
  let text = "";
  for (const module of modules.values()) {
    const needs = [...moduleClosure([module.name], (name) => modules.get(name)).values()]
      .filter((needed) => needed !== module)
      .reverse()
      .map((needed) => needed.file);
    text += `${module.file}: ${needs.join(" ")}`.trimEnd();
    text += "\n";
  }
  return text;
}

/** modules.alias: how a device's MODALIAS finds its driver. */
export function writeModulesAlias(modules: ReadonlyMap<string, KernelModule>): string {
  let text = "";
  for (const module of modules.values()) {
    for (const alias of module.aliases) {
      text += `alias ${alias} ${module.name}\n`;
    }
  }
  return text;
}
