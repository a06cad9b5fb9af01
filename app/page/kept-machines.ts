/** The machines that a person keeps over a reload, as the page lists them. Trouble is told to the person, not thrown. */
import { idbMachines } from "../guest/idb-machines.ts";
import { idbStates } from "../guest/idb-states.ts";
import type { KeptMachine, LoadedMachine, MachineStore } from "../guest/machine-store.ts";
import type { Desk } from "../hub/desk.ts";
import { machineFailed } from "../hub/words.ts";
import type { KeptWhole, Machine } from "./machine.ts";

export type Listed = KeptMachine & { readonly hasState: boolean };

export class KeptMachines {
  readonly #desk: Desk;
  #store: MachineStore | undefined;
  #list: readonly Listed[] = [];

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** The newest first. */
  get list(): readonly Listed[] {
    return this.#list;
  }

  /** Reads the list: another tab may have changed it. A browser that keeps nothing has none. */
  async refresh(): Promise<void> {
    this.#list = await this.#open()
      .list()
      .catch(() => []);
    this.#desk.changed();
  }

  async keep(machine: Machine, options: { readonly copyFiles: boolean; readonly withState: boolean }): Promise<void> {
    const { copyFiles, withState } = options;
    const { name, config, keptAs } = machine;
    this.#desk.announce(`Keeping ${name}.`);
    await this.#try(`${name} was not kept`, async () => {
      // A browser that is short of room takes first what it was not asked to persist.
      await navigator.storage?.persist?.().catch(() => false);
      const whole = withState ? await machine.whole() : undefined;
      const { id } = await this.#open().keep(config, {
        copyFiles,
        ...whole,
        ...(keptAs !== undefined && { id: keptAs }),
      });
      machine.keptAs = id;
      this.#desk.announce(`${name} is kept: it is on this page's start after a reload.`);
    });
  }

  /** To be called in a person's click. */
  load(id: string): Promise<LoadedMachine | undefined> {
    return this.#try("This machine cannot be read", () => this.#open().load(id));
  }

  /** The machine as it was, if that was kept. */
  whole(id: string): Promise<KeptWhole | undefined> {
    return this.#try("The machine starts anew: its state cannot be read", async () => {
      const state = await this.#open().state(id);
      const kept = (await idbStates().list("machine")).find(({ key }) => key === id);
      return state && { state, plugged: kept?.plugged ?? {} };
    });
  }

  async forget({ id, machine: { name } }: Listed): Promise<void> {
    await this.#try(`${name} was not forgotten`, async () => {
      await this.#open().delete(id);
      this.#desk.announce(`${name} is forgotten.`);
    });
  }

  #open(): MachineStore {
    this.#store ??= idbMachines();
    return this.#store;
  }

  async #try<T>(title: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#desk.complain(machineFailed(title, error));
      return undefined;
    } finally {
      await this.refresh();
    }
  }
}
