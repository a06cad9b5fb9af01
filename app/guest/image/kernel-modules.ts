/**
 * Linux kernel modules: what a .ko file says about itself, the set a guest needs, and the two index
 * files that modprobe reads (Debian's kernel package leaves them to depmod).
 */

import { ElfObject } from "./elf.ts";

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

const R_386_PC32 = 2;
const CALL = 0xe8;
const NOP5 = [0x0f, 0x1f, 0x44, 0x00, 0x00];

/**
 * Every function begins with a call of `__fentry__`, which Linux turns into a no-op when it loads the
 * module. In doing so it looks up the symbol of each such place by linear search: a third of the guest's
 * boot. The same is done here once, and the list of the places is left empty. What is lost is the
 * function tracer inside modules; trace events stay.
 */
export function withoutTracerCalls(ko: Uint8Array): Uint8Array {
  const patched = Uint8Array.from(ko);
  const elf = new ElfObject(patched);
  for (const section of elf.sections.filter(({ isRelocations }) => isRelocations)) {
    const code = elf.data(section.info);
    elf.filterRelocations(section, ({ offset, type, symbol }) => {
      if (symbol !== "__fentry__") {
        return true;
      }
      if (type !== R_386_PC32 || code[offset - 1] !== CALL) {
        throw new Error("a use of __fentry__ that is not a call");
      }
      code.set(NOP5, offset - 1);
      return false;
    });
  }
  for (const name of ["__mcount_loc", ".rel__mcount_loc"]) {
    const places = elf.section(name);
    if (places !== undefined) {
      elf.empty(places.index);
    }
  }
  return patched;
}

export function readModule(file: string, ko: Uint8Array): KernelModule {
  const elf = new ElfObject(ko);
  const info = elf.section(".modinfo");
  const tags = info === undefined ? [] : decoder.decode(elf.data(info.index)).split("\0");
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
