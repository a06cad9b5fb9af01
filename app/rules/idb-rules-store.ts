/** Rules in the browser's IndexedDB. */
import { createStore, get, set } from "idb-keyval";
import type { RulesStore } from "./store.ts";

const KEY = "rules";

export function idbRulesStore(): RulesStore {
  // A database of its own: idb-keyval adds no second store to one that is there.
  const store = createStore("pvusb-rules", "text");
  return { get: () => get<string>(KEY, store), set: (text) => set(KEY, text, store) };
}
