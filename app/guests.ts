/** Which machines a host serves: each has a number, and a name if it was given one, and numbers its own controllers. */

export interface Guest {
  /** Counts from 1; the number of a guest that has left is given to the next. */
  readonly number: number;
  /** Its name, or its number as text. */
  readonly name: string;
}

interface Entry extends Guest {
  readonly machine: object;
  readonly controllers: Set<number>;
}

export class Guests {
  readonly #entries: Entry[] = [];

  /** One more controller of a machine. Throws a RangeError for a name that cannot be had. */
  add(machine: object, name?: string): { readonly guest: Guest; readonly controller: number } {
    let entry = this.#entries.find((each) => each.machine === machine);
    if (entry && name !== undefined && name !== entry.name) {
      throw new RangeError(`This machine is guest ${entry.name} already, and cannot be ${name} as well.`);
    }
    entry ??= this.#new(machine, name);
    const controller = lowestFree(entry.controllers, 0);
    entry.controllers.add(controller);
    return { guest: entry, controller };
  }

  /** A controller leaves, and with the last one its guest. */
  remove(guest: Guest, controller: number): void {
    const entry = this.#entries.find((each) => each === guest);
    entry?.controllers.delete(controller);
    if (entry?.controllers.size === 0) this.#entries.splice(this.#entries.indexOf(entry), 1);
  }

  #new(machine: object, name: string | undefined): Entry {
    const number = lowestFree(new Set(this.#entries.map((each) => each.number)), 1);
    if (name !== undefined && (!/^[^:\n]+$/.test(name) || /^\d+$/.test(name))) {
      throw new RangeError(`A guest cannot be named "${name}": a name has no colon, and more than digits.`);
    }
    if (this.#entries.some((each) => each.name === name)) {
      throw new RangeError(`There is a guest ${name} already. Give this one another name.`);
    }
    const entry: Entry = { number, name: name ?? String(number), machine, controllers: new Set() };
    this.#entries.push(entry);
    return entry;
  }
}

function lowestFree(taken: ReadonlySet<number>, first: number): number {
  let number = first;
  while (taken.has(number)) number++;
  return number;
}
