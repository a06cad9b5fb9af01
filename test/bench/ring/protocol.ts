/** What the two threads of the ring's benchmark say to each other. */
export const SIZES = [64, 4096, 65536, 1 << 20] as const;
export const LARGEST: number = 1 << 20;

export type Request =
  | {
      readonly kind: "start";
      readonly module: WebAssembly.Module;
      readonly memory: WebAssembly.Memory;
      readonly comlink: MessagePort;
    }
  | { readonly kind: "clone"; readonly length: number }
  | { readonly kind: "transfer"; readonly length: number };

export type Answer = "started" | Uint8Array<ArrayBuffer>;

/** The other thread, in a browser or in Node. */
export interface Peer {
  post(message: Request, transfer?: readonly MessagePort[]): void;
  listen(hear: (answer: Answer) => void): void;
}

/** What the worker offers by Comlink. */
export interface Reader {
  read(length: number): Uint8Array<ArrayBuffer>;
}

export interface Variant {
  readonly name: string;
  readonly way: "ring" | "clone" | "transfer" | "comlink";
  readonly depth: number;
}

export const VARIANTS: readonly Variant[] = [
  { name: "ring, depth 1", way: "ring", depth: 1 },
  { name: "postMessage clone, depth 1", way: "clone", depth: 1 },
  { name: "postMessage transfer, depth 1", way: "transfer", depth: 1 },
  { name: "Comlink, depth 1", way: "comlink", depth: 1 },
  { name: "ring, depth 16", way: "ring", depth: 16 },
  { name: "postMessage clone, depth 16", way: "clone", depth: 16 },
  { name: "postMessage transfer, depth 16", way: "transfer", depth: 16 },
  { name: "Comlink, depth 16", way: "comlink", depth: 16 },
];

/** Round trips a second: by variant, by size, one a round. */
export type Results = number[][][];

/** What the page offers to main.ts. */
export interface Measures {
  measureRing(rounds: number): Promise<Results>;
}
