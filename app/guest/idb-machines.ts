/** Kept machines in the browser's IndexedDB, which also copies their files. */
import { createStore, del, get, set, values } from "idb-keyval";
import { idbStates } from "./idb-states.ts";
import { type KeptMachine, MachineStore } from "./machine-store.ts";

export function idbMachines(): MachineStore {
  const store = createStore("pvusb-machines", "machines");
  return new MachineStore(
    {
      all: () => values<KeptMachine>(store),
      get: (id) => get<KeptMachine>(id, store),
      set: (machine) => set(machine.id, machine, store),
      delete: (id) => del(id, store),
      async room() {
        const { quota, usage = 0 } = await navigator.storage.estimate();
        return quota === undefined ? undefined : Math.max(0, quota - usage);
      },
    },
    idbStates(),
  );
}
