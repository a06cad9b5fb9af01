/**
 * v86 compiles guest code that runs often. A booting kernel runs most of its code once, and the compiling costs more than
 * it saves: about five times the processor time of a boot without it.
 */
import type { V86Like } from "./v86-internals.ts";

/** `set_jit_config`'s number for "do not compile". */
const JIT_DISABLED = 0;

interface Compiler {
  readonly v86?: { readonly cpu?: { set_jit_config?(index: number, value: number): void } };
}

/** Turns compiling on or off, at any moment; nothing happens where v86 cannot. */
export function setCompiling(emulator: V86Like, on: boolean): void {
  (emulator as Compiler).v86?.cpu?.set_jit_config?.(JIT_DISABLED, on ? 0 : 1);
}
