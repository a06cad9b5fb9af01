/** Snapshots: whole states of machines under names, kept in the browser or taken home as files. */
import type { KeptState, KeptStates } from "../guest/kept-states.ts";
import type { StateInfo } from "../guest/state-file.ts";

/** A machine as far as a snapshot goes. */
export interface SnapshotMachine {
  readonly name: string;
  /** How such a machine is made: plain data. */
  readonly machine: unknown;
  /** What is in its ports, by their paths: the ids of cards. */
  readonly plugged: Readonly<Record<string, string>>;
  saveState(): Promise<Uint8Array<ArrayBuffer>>;
}

export interface SnapshotHooks {
  /** The one that a person looks at, if it runs. */
  machine(): SnapshotMachine | undefined;
  /** Has a machine go on from this state. Rejects, with a sentence, when none can; false when the person knows why already. */
  restore(state: Uint8Array<ArrayBuffer>, info: StateInfo): Promise<boolean>;
  announce(words: string): void;
  /** What went wrong, in a title and a sentence. */
  complain(title: string, error: unknown): void;
  /** Something is to be drawn again. */
  changed(): void;
}

/** What is under way. */
export interface Work {
  readonly does: string;
  /** 0 to 1; undefined while nobody knows. */
  readonly fraction: number | undefined;
}

export class Snapshots {
  readonly #states: () => KeptStates;
  readonly #hooks: SnapshotHooks;
  #list: readonly KeptState[] = [];
  #work: Work | undefined;

  /** `states` is called where there is a browser's store, and not before it is needed. */
  constructor(states: () => KeptStates, hooks: SnapshotHooks) {
    this.#states = states;
    this.#hooks = hooks;
  }

  /** The newest first. */
  get list(): readonly KeptState[] {
    return this.#list;
  }

  get work(): Work | undefined {
    return this.#work;
  }

  get canSave(): boolean {
    return this.#hooks.machine() !== undefined && !this.#work;
  }

  /** A name for the next one: "Linux, 24 Nov 13:05". */
  get nextName(): string {
    const when = new Date().toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    return `${this.#hooks.machine()?.name ?? "Machine"}, ${when}`;
  }

  /** Reads the list: another tab may have changed it. */
  async refresh(): Promise<void> {
    try {
      this.#list = await this.#states().list("snapshot");
    } catch (error) {
      this.#hooks.complain("The snapshots cannot be read", error);
    }
    this.#hooks.changed();
  }

  save(name: string): Promise<void> {
    return this.#during("Saving the machine", "The machine cannot be saved", async () => {
      const from = this.#hooks.machine();
      if (!from) return undefined;
      // A browser that is short of room takes what is only kept first.
      void navigator.storage?.persist?.().catch(() => false);
      const { machine, plugged } = from;
      const state = await from.saveState();
      const what = { key: crypto.randomUUID(), kind: "snapshot" as const, name: name.trim() || this.nextName };
      await this.#states().add({ ...what, machine, plugged }, state, this.#progress("Compressing the state"));
      return `${what.name} is saved.`;
    });
  }

  restore({ key, name }: KeptState): Promise<void> {
    return this.#during("Restoring the machine", `${name} cannot be restored`, async () => {
      const kept = this.#list.find((each) => each.key === key);
      const state = await this.#states().read(key, this.#progress("Reading the state"));
      if (!kept || !state) return undefined;
      this.#become({ does: "Restoring the machine", fraction: undefined });
      return (await this.#hooks.restore(state, kept)) ? `${name} is restored.` : undefined;
    });
  }

  delete({ key, name }: KeptState): Promise<void> {
    return this.#during("Deleting", `${name} cannot be deleted`, async () => {
      await this.#states().delete(key);
      return `${name} is deleted.`;
    });
  }

  /** Takes a file into the list. */
  addFile(file: File): Promise<void> {
    return this.#during("Reading the file", `${file.name} cannot be used`, async () => {
      const { name } = await this.#states().addFile(crypto.randomUUID(), file);
      return `${name} is in the list now. Restore it if you trust where it comes from.`;
    });
  }

  /** A file of it, and what to call that. */
  async toFile({ key, name }: KeptState): Promise<{ readonly file: Blob; readonly name: string } | undefined> {
    const file = await this.#states().toFile(key);
    return file && { file, name: `${name.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-")}.pvusb-state` };
  }

  #progress(does: string): (fraction: number) => void {
    return (fraction) => this.#become({ does, fraction });
  }

  #become(work: Work | undefined): void {
    this.#work = work;
    this.#hooks.changed();
  }

  /** One thing at a time; what `work` answers is said when the list shows it. Trouble is told to the person, not thrown. */
  async #during(does: string, trouble: string, work: () => Promise<string | undefined>): Promise<void> {
    if (this.#work) return;
    this.#become({ does, fraction: undefined });
    let done: string | undefined;
    try {
      done = await work();
    } catch (error) {
      this.#hooks.complain(trouble, error);
    }
    await this.refresh();
    this.#become(undefined);
    if (done !== undefined) this.#hooks.announce(done);
  }
}
