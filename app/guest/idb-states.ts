/** The states of machines in the browser's IndexedDB. */
import { createStore, del, get, set, values } from "idb-keyval";
import { type KeptState, KeptStates } from "./kept-states.ts";

export function idbStates(): KeptStates {
  const store = createStore("pvusb-states", "states");
  return new KeptStates({
    all: () => values<KeptState>(store),
    get: (key) => get<KeptState>(key, store),
    set: (state) => set(state.key, state, store),
    delete: (key) => del(key, store),
  });
}
