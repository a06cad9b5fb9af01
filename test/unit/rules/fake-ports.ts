/** Ports for rules to plug into, which check that nothing is plugged twice and nothing into a port that is taken. */
import type { HotplugPorts } from "../../../app/rules/hotplug.ts";

export class FakePorts implements HotplugPorts<object> {
  /** Undefined: empty. */
  readonly #ports = new Map<string, object | undefined>();
  /** Cannot be plugged. */
  readonly broken = new Set<object>();
  onChange = (): void => {};
  /** How long a plug takes. */
  pace = (): Promise<void> => Promise.resolve();

  get plugged(): Record<string, object> {
    const entries = [...this.#ports].filter((entry): entry is [string, object] => entry[1] !== undefined);
    return Object.fromEntries(entries);
  }

  add(...places: string[]): void {
    for (const place of places) this.#ports.set(place, undefined);
    this.onChange();
  }

  remove(place: string): void {
    this.#ports.delete(place);
    this.onChange();
  }

  holds(device: object): boolean {
    return [...this.#ports.values()].includes(device);
  }

  isFree(place: string): boolean {
    return this.#ports.has(place) && this.#ports.get(place) === undefined;
  }

  async plug(device: object, place: string): Promise<void> {
    if (this.holds(device)) throw new Error("A device was plugged twice.");
    if (!this.isFree(place)) throw new Error("A device was plugged into no free port.");
    this.#ports.set(place, device);
    this.onChange();
    await this.pace();
    if (!this.broken.has(device)) return;
    if (this.#ports.get(place) === device) this.lose(place);
    throw new Error("The device is broken.");
  }

  lose(place: string): void {
    if (!this.#ports.has(place)) return;
    this.#ports.set(place, undefined);
    this.onChange();
  }
}
