/**
 * All states of machines that a browser keeps, compressed, in one list: those of ready guests (a cache), those of machines that
 * are to go on after a reload, and the snapshots that a person has named.
 */
import { StateError } from "../../asm/saved.ts";
import {
  type OnProgress,
  packState,
  readStateFile,
  type StateInfo,
  unpackState,
  writeStateFile,
} from "./state-file.ts";
import type { StateStore } from "./state-store.ts";

export type StateKind = "ready" | "machine" | "snapshot";

export interface KeptState extends StateInfo {
  readonly key: string;
  readonly kind: StateKind;
  /** As it is kept. */
  readonly packed: Blob;
}

/** Where they are: a record is a handle of the packed state, and costs no memory. */
export interface StateRecords {
  all(): Promise<readonly KeptState[]>;
  get(key: string): Promise<KeptState | undefined>;
  set(state: KeptState): Promise<void>;
  delete(key: string): Promise<void>;
}

/** What to keep beside the state. Time and size are added. */
export type NewState = Pick<KeptState, "key" | "kind" | "name"> & Partial<Pick<KeptState, "machine" | "plugged">>;

export class KeptStates {
  readonly #records: StateRecords;

  constructor(records: StateRecords) {
    this.#records = records;
  }

  /** The newest first. */
  async list(kind: StateKind): Promise<KeptState[]> {
    const all = await this.#records.all();
    return all.filter((state) => state.kind === kind).sort((a, b) => b.savedAt - a.savedAt);
  }

  /** Undefined if there is none. Rejects with a StateError if it is no longer whole. */
  async read(key: string, onProgress?: OnProgress): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const kept = await this.#records.get(key);
    return kept && unpackState(kept.packed, kept.bytes, onProgress);
  }

  /** Keeps it, instead of the one with this key. Rejects with a StateError when the browser has no room. */
  async add(what: NewState, state: Uint8Array<ArrayBuffer>, onProgress?: OnProgress): Promise<KeptState> {
    const packed = await packState(state, onProgress);
    return this.#set({ machine: undefined, plugged: {}, ...what, savedAt: Date.now(), bytes: state.length, packed });
  }

  /** A file that toFile() gave, of this browser or another, under a key of its own. Rejects with a StateError. */
  async addFile(key: string, file: Blob): Promise<KeptState> {
    const { info, packed } = await readStateFile(file);
    await unpackState(packed, info.bytes);
    return this.#set({ ...info, key, kind: "snapshot", packed });
  }

  async toFile(key: string): Promise<Blob | undefined> {
    const kept = await this.#records.get(key);
    return kept && writeStateFile(kept, kept.packed);
  }

  delete(key: string): Promise<void> {
    return this.#records.delete(key);
  }

  async clear(kind: StateKind): Promise<void> {
    for (const { key } of await this.list(kind)) await this.delete(key);
  }

  async #set(state: KeptState): Promise<KeptState> {
    try {
      await this.#records.set(state);
    } catch (cause) {
      if ((cause as Error).name !== "QuotaExceededError") throw cause;
      throw new StateError("The browser has no room for this state. Delete others, or download it as a file.", {
        cause,
      });
    }
    return state;
  }
}

/** The ready guests' states, as Guest.start() keeps them: the newest few. */
export function readyStates(states: KeptStates, kept = 2): StateStore {
  return {
    get: (key) => states.read(key),
    async set(key, state) {
      const old = (await states.list("ready")).filter((each) => each.key !== key);
      for (const each of old.slice(kept - 1)) await states.delete(each.key);
      await states.add({ key, kind: "ready", name: "" }, state);
    },
    delete: (key) => states.delete(key),
  };
}
