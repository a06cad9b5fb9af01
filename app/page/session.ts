/**
 * Everything the page knows: its desk, and the machines whose hubs are on it.
 *
 *     pv-app ─ has a ─ Session ─┬─ Desk ─ Hub ─ UsbController ─ UsbPort 1…8
 *                               ├─ Machine (state, console, screen, and its Hub)
 *                               ├─ KeptMachines (over a reload)
 *                               ├─ Snapshots (by a person's names)
 *                               └─ UsbCapture (a file for Wireshark)
 *
 * Whatever changes is told by the desk.
 */

import { idbStates } from "../guest/idb-states.ts";
import type { MachineConfig } from "../guest/machine-config.ts";
import { Desk } from "../hub/desk.ts";
import { machineFailed } from "../hub/words.ts";
import { KeptMachines } from "./kept-machines.ts";
import { Machine } from "./machine.ts";
import { restoreSnapshot } from "./restore-snapshot.ts";
import { Snapshots } from "./snapshots.ts";
import { UsbCapture } from "./usb-capture.ts";

export class Session {
  readonly desk = Desk.ofPage;
  readonly capture = new UsbCapture({
    host: () => this.desk.running,
    announce: (words) => this.desk.announce(words),
  });
  readonly kept = new KeptMachines(this.desk);
  readonly snapshots = new Snapshots(idbStates, {
    machine: () => this.current.snapshot,
    restore: (state, info) => restoreSnapshot(this.current, state, info),
    announce: (words) => this.desk.announce(words),
    complain: (title, error) => this.desk.complain(machineFailed(title, error)),
    changed: () => this.desk.changed(),
  });
  #machines: readonly Machine[] = [];
  #current: Machine;
  #last = 0;
  #sideBySide = false;

  constructor() {
    this.#current = this.add();
  }

  get machines(): readonly Machine[] {
    return this.#machines;
  }

  /** The one that a person looks at. */
  get current(): Machine {
    return this.#current;
  }

  /** All guests are seen at once. */
  get sideBySide(): boolean {
    return this.#sideBySide;
  }

  set sideBySide(sideBySide: boolean) {
    this.#sideBySide = sideBySide;
    this.desk.changed();
  }

  /** One more guest, off. It is looked at. */
  add(): Machine {
    const id = ++this.#last;
    const machine = new Machine(this.desk, id, id === 1 ? "Linux" : `Linux ${id}`);
    this.#machines = [...this.#machines, machine];
    this.show(machine);
    return machine;
  }

  /** Makes the guest another machine, under a name that no other has. */
  become(machine: Machine, config: MachineConfig, keptAs?: string): void {
    const others = new Set(this.#machines.filter((each) => each !== machine).map(({ name }) => name));
    let { name } = config;
    for (let number = 2; others.has(name); number++) name = `${config.name} ${number}`;
    machine.become({ ...config, name }, keptAs);
  }

  show(machine: Machine): void {
    this.#current = machine;
    for (const each of this.#machines) each.hub.isCurrent = each === machine;
    this.desk.changed();
  }

  /** The guest is stopped and gone. The last one stays. */
  async remove(machine: Machine): Promise<void> {
    const rest = this.#machines.filter((each) => each !== machine);
    const [first] = rest;
    if (!first) return;
    this.#machines = rest;
    if (this.#current === machine) this.show(first);
    await machine.close();
    this.desk.announce(`${machine.name} is gone.`);
  }

  async forgetSavedState(): Promise<void> {
    const { forgetSavedState } = await import("./guest.ts");
    await forgetSavedState();
    this.desk.announce("The saved state is forgotten. The next start boots from the beginning.");
  }
}
