/** Where a port is, in the words of 2009's hotplug rules: `guest:controller:port`, as in `1:0:3`. */

export interface PortPlace {
  /** The guest's name, or its number as text. */
  readonly guest: string;
  /** The guest's virtual controllers count from 0. */
  readonly controller: number;
  /** "3", or "3.2" for port 2 of the hub in port 3. */
  readonly path: string;
}

const PLACE = /^([^:]+):(\d{1,3}):([1-9]\d?(?:\.[1-9]\d?)*)$/;

/** Undefined if the text does not say a place. */
export function parsePlace(text: string): PortPlace | undefined {
  const [, guest, controller, path] = PLACE.exec(text) ?? [];
  if (guest === undefined || path === undefined) return undefined;
  return { guest, controller: Number(controller), path };
}

export function formatPlace({ guest, controller, path }: PortPlace): string {
  return `${guest}:${controller}:${path}`;
}
