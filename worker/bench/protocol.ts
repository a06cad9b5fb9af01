/** What the two threads of the ring's benchmark say to each other. */
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

/** What the worker offers by Comlink. */
export interface Reader {
  read(length: number): Uint8Array<ArrayBuffer>;
}
