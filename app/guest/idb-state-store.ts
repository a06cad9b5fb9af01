/** Saved states in the browser's IndexedDB, compressed. One is kept. */
import { clear, createStore, del, get, keys, set } from "idb-keyval";
import type { StateStore } from "./state-store.ts";

export interface IdbStateStore extends StateStore {
  /** The next start boots from the beginning. */
  clear(): Promise<void>;
}

export function idbStateStore(): IdbStateStore {
  const store = createStore("pvusb", "guest-states");
  return {
    async get(key) {
      const packed = await get<Blob>(key, store);
      return packed && through(packed, new DecompressionStream("gzip"));
    },
    async set(key, state) {
      const packed = await through(new Blob([state]), new CompressionStream("gzip"));
      for (const old of await keys<string>(store)) if (old !== key) await del(old, store);
      await set(key, new Blob([packed]), store);
    },
    delete: (key) => del(key, store),
    clear: () => clear(store),
  };
}

async function through(bytes: Blob, transform: CompressionStream | DecompressionStream) {
  return new Uint8Array(await new Response(bytes.stream().pipeThrough(transform)).arrayBuffer());
}
