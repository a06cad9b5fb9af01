/**
 * Cables, which stations join by name. A cable is a hub: what one station sends, all others get, whatever guest or controller
 * they are plugged into.
 */

/** Something at a cable: an adapter, or a program. */
export interface Station {
  /** A frame, from the destination's address to the end of the data; no check sequence. It is the sender's again afterwards. */
  receive(frame: Uint8Array): void;
  /** A burst of frames is over: what came is handed on now. */
  flush(): void;
  /** Another station came, or the last other one left: `Cable.connected`. */
  linkChanged(): void;
}

export class Cable {
  readonly #stations = new Set<Station>();

  /** There is somebody to talk to: no station is alone. */
  get connected(): boolean {
    return this.#stations.size > 1;
  }

  get empty(): boolean {
    return this.#stations.size === 0;
  }

  join(station: Station): void {
    this.#stations.add(station);
    if (this.#stations.size === 2) this.#linkChanged();
  }

  leave(station: Station): void {
    if (this.#stations.delete(station) && this.#stations.size === 1) this.#linkChanged();
  }

  /** A burst of frames is sent, and then flushed. */
  send(from: Station, frame: Uint8Array): void {
    for (const station of this.#stations) if (station !== from) station.receive(frame);
  }

  flush(from: Station): void {
    for (const station of this.#stations) if (station !== from) station.flush();
  }

  #linkChanged(): void {
    for (const station of this.#stations) station.linkChanged();
  }
}

/** The cables of a backend. */
export class Cables {
  readonly #byName = new Map<string, Cable>();

  /** The cable of this name, which is there as long as somebody is at it. */
  named(name: string): Cable {
    for (const [other, cable] of this.#byName) if (cable.empty) this.#byName.delete(other);
    const cable = this.#byName.get(name) ?? new Cable();
    this.#byName.set(name, cable);
    return cable;
  }
}
