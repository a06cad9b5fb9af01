/** Both sides of a link in one thread, over one memory. */
import { Core, compileCore, createMemory } from "../../asm/core.ts";
import { ARENA } from "../../asm/layout.ts";

export interface Pair {
  readonly front: Core;
  readonly back: Core;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly words: Uint32Array<SharedArrayBuffer>;
  /** A fresh link in the same memory. */
  format(counter?: number): void;
}

export async function createPair(): Promise<Pair> {
  const module = await compileCore();
  const memory = createMemory();
  const front = await Core.instantiate(module, memory);
  const back = await Core.instantiate(module, memory);
  const buffer = memory.buffer as unknown as SharedArrayBuffer;
  const bytes = new Uint8Array(buffer);
  let generation = 0;
  const pair: Pair = {
    front,
    back,
    bytes,
    words: new Uint32Array(buffer),
    format(counter = 0) {
      bytes.fill(0, 0, ARENA);
      front.exports.frontFormat(++generation, counter);
      if (!back.exports.backAttach(generation)) throw new Error("the back refuses a fresh link");
    },
  };
  pair.format();
  return pair;
}

/** Golden bytes: they count up from `seed`, with a step that shows a slip by a block. */
export function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = seed + at + (at >>> 8) * 3 + (at >>> 16) * 7;
  return bytes;
}
