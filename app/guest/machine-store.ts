/**
 * Machines that a person keeps over a reload: how each is made, its files, and, when wished, its whole state.
 *
 *     MachineStore ─┬─ records      one a machine: its description, and of each file a handle, a copy, or its name alone
 *                   └─ KeptStates   kind "machine", under the machine's id
 */
import type { KeptStates } from "./kept-states.ts";
import { type MachineConfig, MachineError, type MachineFile } from "./machine-config.ts";
import {
  describedMachine,
  describeMachine,
  type FileField,
  type MachineDescription,
  machineFiles,
} from "./machine-description.ts";

/** A file as it is kept. With neither handle nor copy a person must choose it again. */
export interface KeptFile {
  readonly name: string;
  readonly size: number;
  /** ms since 1970; 0 if it is not known. */
  readonly changed: number;
  readonly handle?: FileSystemFileHandle;
  readonly copy?: Blob;
}

export interface KeptMachine {
  readonly id: string;
  /** ms since 1970. */
  readonly savedAt: number;
  readonly machine: MachineDescription;
  readonly files: Readonly<Partial<Record<FileField, KeptFile>>>;
}

/** Where they are. A record is structured-cloneable; a copy in it costs no memory. */
export interface MachineRecords {
  all(): Promise<readonly KeptMachine[]>;
  get(id: string): Promise<KeptMachine | undefined>;
  set(machine: KeptMachine): Promise<void>;
  delete(id: string): Promise<void>;
  /** Bytes that the browser would still keep for this page, as far as it says. */
  room(): Promise<number | undefined>;
}

export interface KeepOptions {
  /** Instead of the one with this id. */
  readonly id?: string;
  /** Copies files that have no handle; otherwise only their names are kept. */
  readonly copyFiles?: boolean;
  /** The whole machine as it is, as Guest.saveState() gives it. */
  readonly state?: Uint8Array<ArrayBuffer>;
  /** What is in its ports, for who restores it: card ids by path. */
  readonly plugged?: Readonly<Record<string, string>>;
}

/** A machine that was kept, as far as its files can be read. */
export interface LoadedMachine {
  readonly machine: MachineDescription;
  readonly files: ReadonlyMap<FileField, MachineFile>;
  /** To be chosen again. */
  readonly missing: readonly FileField[];
  /** Files that were written to since, with which a kept state does not go together. */
  readonly changed: readonly string[];
  /** Undefined when something is missing. */
  readonly config: MachineConfig | undefined;
}

/** A compressed state has about this share of its bytes; mostly less. */
const PACKED_SHARE = 0.5;
const MIB = 2 ** 20;

export class MachineStore {
  readonly #records: MachineRecords;
  readonly #states: KeptStates;

  constructor(records: MachineRecords, states: KeptStates) {
    this.#records = records;
    this.#states = states;
  }

  /** The newest first; which of them have a state. */
  async list(): Promise<readonly (KeptMachine & { readonly hasState: boolean })[]> {
    const states = new Set((await this.#states.list("machine")).map(({ key }) => key));
    const all = await this.#records.all();
    return [...all].sort((a, b) => b.savedAt - a.savedAt).map((each) => ({ ...each, hasState: states.has(each.id) }));
  }

  /** Rejects with a MachineError or StateError, and nothing has changed then. */
  async keep(config: MachineConfig, options: KeepOptions = {}): Promise<KeptMachine> {
    const { copyFiles = false, state, plugged } = options;
    const files = [...machineFiles(config)].map(([field, file]) => [field, keptFile(file, copyFiles)] as const);
    const copies = files.reduce((sum, [, { copy }]) => sum + (copy?.size ?? 0), 0);
    await this.#assertRoom(copies + (state ? state.length * PACKED_SHARE : 0));
    const id = options.id ?? crypto.randomUUID();
    const machine = describeMachine(config);
    const kept: KeptMachine = { id, savedAt: Date.now(), machine, files: Object.fromEntries(files) };
    const before = await this.#records.get(id);
    try {
      await this.#records.set(kept);
    } catch (cause) {
      throw new MachineError(whyNotKept(cause), { cause });
    }
    try {
      if (state) {
        const what = { key: id, kind: "machine" as const, name: config.name, machine, ...(plugged && { plugged }) };
        await this.#states.add(what, state);
      } else {
        await this.#states.delete(id);
      }
    } catch (error) {
      await (before ? this.#records.set(before) : this.#records.delete(id));
      throw error;
    }
    return kept;
  }

  /** To be called in a person's click: a browser may ask whether the page may read a file again. */
  async load(id: string): Promise<LoadedMachine | undefined> {
    const kept = await this.#records.get(id);
    if (!kept) return undefined;
    const files = new Map<FileField, MachineFile>();
    const missing: FileField[] = [];
    const changed: string[] = [];
    for (const [field, file] of Object.entries(kept.files) as [FileField, KeptFile][]) {
      const found = await readable(file);
      if (!found) {
        missing.push(field);
        continue;
      }
      files.set(field, found);
      if (changedAt(found.blob) !== file.changed && !file.copy) changed.push(file.name);
    }
    const config = missing.length === 0 ? describedMachine(kept.machine, files) : undefined;
    return { machine: kept.machine, files, missing, changed, config };
  }

  /** Its state, if one was kept. Rejects with a StateError if that is no longer whole. */
  state(id: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#states.read(id);
  }

  async delete(id: string): Promise<void> {
    await this.#states.delete(id);
    await this.#records.delete(id);
  }

  async #assertRoom(bytes: number): Promise<void> {
    const room = await this.#records.room();
    if (room === undefined || bytes <= room) return;
    throw new MachineError(
      `The browser keeps ${inMiB(room)} MiB more for this page, and this machine needs ${inMiB(bytes)} MiB. ` +
        "Forget another machine, or keep this one without copies and state.",
    );
  }
}

function inMiB(bytes: number): string {
  return Math.ceil(bytes / MIB).toLocaleString("en");
}

function keptFile({ name, blob, handle }: MachineFile, copyFiles: boolean): KeptFile {
  const known = { name, size: blob.size, changed: changedAt(blob) };
  if (handle) return { ...known, handle };
  return copyFiles ? { ...known, copy: blob } : known;
}

function changedAt(blob: Blob): number {
  return blob instanceof File ? blob.lastModified : 0;
}

async function readable({ name, handle, copy }: KeptFile): Promise<MachineFile | undefined> {
  if (copy) return { name, blob: copy };
  if (!handle) return undefined;
  try {
    const asked = handle as PermissionHandle;
    const granted = (await asked.queryPermission?.({ mode: "read" })) ?? "granted";
    if (granted !== "granted" && (await asked.requestPermission?.({ mode: "read" })) !== "granted") return undefined;
    return { name, blob: await handle.getFile(), handle };
  } catch {
    return undefined;
  }
}

/** Chromium's; not in TypeScript's types of the DOM. */
interface PermissionHandle extends FileSystemFileHandle {
  queryPermission?(what: { mode: "read" }): Promise<PermissionState>;
  requestPermission?(what: { mode: "read" }): Promise<PermissionState>;
}

function whyNotKept(cause: unknown): string {
  const { name } = cause as Error;
  if (name === "QuotaExceededError") {
    return "The browser has no room for this machine. Forget another machine, or keep this one without copies and state.";
  }
  if (name === "NotReadableError" || name === "NotFoundError" || name === "DataError") {
    return "A file of this machine cannot be read: it was moved or changed since it was chosen. Choose it again.";
  }
  return "The browser cannot keep this machine: allow this page to store data.";
}
