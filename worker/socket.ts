/**
 * A socket: where a person plugs a device in, at the controller or at a hub. Plugs and unplugs take turns.
 *
 *   empty ──plug──▶ opening ──▶ occupied
 *     ▲               │            │
 *     └───────────────┴── closing ◀┘        unplug, or the device is gone
 *
 * Most devices connect to one port. A USB 3 hub is two devices, and so connects to two; what is plugged into a socket of
 * that hub connects to a port of one half or the other, as its speed says.
 *
 *   Socket 1 ─┬─ Port 1   SuperSpeed hub ── Port 1, route 2 ─┬─ Socket 1.2
 *             └─ Port 17  USB 2.0 hub ───── Port 17, route 2 ┘
 */
import { SPEED_HIGH, SPEED_SUPER } from "../asm/layout.ts";
import { StateError } from "../asm/saved.ts";
import type { Device, DeviceHost, ImageReading } from "./device.ts";
import { behind, type Place, placeName, TIER_BITS, TIERS_MAX } from "./place.ts";
import { PlugError, reasonOf } from "./plug-error.ts";
import type { Port } from "./port.ts";
import type {
  ConfiguredDevice,
  DeviceInput,
  DeviceOutput,
  DeviceSource,
  MovedDevice,
  PlugReport,
  RestoredDevice,
  SavedDevice,
} from "./protocol.ts";
import { restoreHalves } from "./saved-device.ts";
import { type Occupied, reportOf, type SocketState, type Taken } from "./socket-state.ts";
import { Tie, type TieEnd } from "./tie.ts";

/** Makes the device of a source, opened and ready for its first transfer, at no more than the `fastest` speed. */
export type DeviceOpener = (source: DeviceSource, host: DeviceHost, fastest: number) => Promise<Device>;

/** The port that a device of this speed connects to, if the socket has one. */
export type Contact = (speed: number, isCompanion: boolean) => Port | undefined;

export interface SocketHost {
  readonly open: DeviceOpener;
  /** Hears of a device that goes by itself. */
  left(place: Place, reason: string): void;
  /** Hears once of a device that has output, until it was asked for it. */
  hasOutput(place: Place): void;
}

export class Socket implements TieEnd {
  readonly #place: Place;
  readonly #contact: Contact;
  readonly #host: SocketHost;
  #state: SocketState = { name: "empty" };
  /** What the socket is part of is going away: no further plugs. */
  #retired = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(place: Place, contact: Contact, host: SocketHost) {
    this.#place = place;
    this.#contact = contact;
    this.#host = host;
  }

  /** Devices here, and in all sockets behind. */
  get devices(): number {
    if (this.#state.name !== "occupied") return 0;
    return this.#state.sockets.reduce((sum, socket) => sum + socket.devices, 1);
  }

  /** A socket of the hub that is plugged in here. */
  downstream(number: number): Socket | undefined {
    return this.#state.name === "occupied" ? this.#state.sockets[number - 1] : undefined;
  }

  plug(source: DeviceSource): Promise<PlugReport> {
    return this.#inTurn(() => this.#plugNow(source));
  }

  unplug(): Promise<void> {
    return this.#inTurn(() => this.#unplugNow());
  }

  save(): SavedDevice | undefined {
    if (this.#state.name !== "occupied") return undefined;
    const { device, source, id, halves, sockets } = this.#state;
    const states = halves.map((half) => half.device.save?.());
    return {
      port: this.#number,
      plugs: halves.map(({ port }) => port.name),
      id,
      origin: device.origin ?? source,
      states: states.includes(undefined) ? undefined : states,
      devices: sockets.map((socket) => socket.save()).filter((saved) => saved !== undefined),
    };
  }

  /** Unplugs what the saved device takes the place of. */
  makeRoom({ id, origin, states }: SavedDevice): Promise<void> {
    return this.#inTurn(async () => {
      const isHere = this.#state.name === "occupied" && this.#state.id === id;
      if (states && typeof origin !== "string" && !isHere) await this.#unplugNow();
    });
  }

  /** Has a saved device here, and behind it what was plugged into it. Never rejects. */
  restore(saved: SavedDevice): Promise<RestoredDevice[]> {
    return this.#inTurn(() => this.#restoreNow(saved));
  }

  /**
   * Plugs the device into another socket instead, as it is, with all that is plugged into it. One move at a time over all
   * sockets: each takes two turns, the one nearer to its controller first, as an unplug of a hub does.
   */
  moveTo(target: Socket): Promise<MovedDevice[]> {
    const [first, second] = this.#place.tier <= target.#place.tier ? [this, target] : [target, this];
    return first.#inTurn(() => second.#inTurn(() => this.#moveNow(target)));
  }

  /** Unplugs for good. */
  retire(): Promise<void> {
    this.#retired = true;
    return this.unplug();
  }

  input(message: DeviceInput): Promise<void> | void {
    if (this.#state.name === "occupied") return this.#state.device.input?.(message);
  }

  openImage(): ImageReading | undefined {
    return this.#state.name === "occupied" ? this.#state.device.openImage?.() : undefined;
  }

  output(): DeviceOutput | undefined {
    if (this.#state.name !== "occupied") return undefined;
    this.#state.tie.told = false;
    return this.#state.device.output?.();
  }

  configured(): ConfiguredDevice[] {
    if (this.#state.name !== "occupied") return [];
    return this.#state.halves.flatMap(({ device, port }) => {
      const active = device.configured?.();
      return active ? [{ ...active, speed: device.speed, plug: port.name }] : [];
    });
  }

  async #unplugNow(): Promise<void> {
    if (this.#state.name === "occupied") this.#drop(this.#state);
    if (this.#state.name === "closing") await this.#state.closed;
  }

  async #plugNow(source: DeviceSource, id: string = crypto.randomUUID()): Promise<PlugReport> {
    await this.#mustBeEmpty();
    const tie = new Tie();
    this.#setState({ name: "opening" });
    let device: Device;
    try {
      device = await this.#host.open(source, tie, this.#contact(SPEED_SUPER, false) ? SPEED_SUPER : SPEED_HIGH);
    } catch (error) {
      this.#setState({ name: "empty" });
      throw error;
    }
    if (tie.left !== undefined || this.#retired) {
      const reason = tie.left ?? "what the port belongs to is gone";
      await this.#close(device, []);
      throw new PlugError("NotFoundError", `The device left while it was being plugged: ${reason}`);
    }
    const halves = this.#halvesOf(device);
    const refusal = this.#refusal(device, halves.length);
    if (refusal !== undefined) {
      await this.#close(device, []);
      throw new PlugError("UnsupportedError", refusal);
    }
    return this.#connect({ name: "occupied", device, source, id, tie, halves, sockets: [] });
  }

  async #mustBeEmpty(): Promise<void> {
    if (this.#state.name === "closing") await this.#state.closed;
    if (this.#retired) throw new PlugError("NotFoundError", "What this port belongs to is gone.");
    if (this.#state.name === "empty") return;
    const name = placeName(this.#place);
    throw new PlugError("PortOccupiedError", `Port ${name} is occupied. Unplug its device first.`);
  }

  async #moveNow(target: Socket): Promise<MovedDevice[]> {
    if (this.#state.name !== "occupied") {
      throw new PlugError("NotFoundError", `There is no device in port ${placeName(this.#place)}.`);
    }
    const { device } = this.#state;
    if (this.#hasBehind(target)) throw new PlugError("UnsupportedError", "A hub cannot be plugged into itself.");
    await target.#mustBeEmpty();
    const refusal = target.#refusal(device, target.#halvesOf(device).length);
    if (refusal !== undefined) throw new PlugError("UnsupportedError", refusal);
    const taken = this.#take(this.#state);
    target.#setState({ name: "opening" });
    try {
      // The next guest finds nothing of what the last one has left in it.
      await Promise.all([device.reset(), device.companion?.reset()]);
    } catch (error) {
      taken.tie.left ??= reasonOf(error);
    }
    if (taken.tie.left !== undefined || target.#retired) {
      await target.#close(device, []);
      throw new PlugError(
        "NotFoundError",
        `The device left while it was moved: ${taken.tie.left ?? "its port is gone"}`,
      );
    }
    return target.#put(taken);
  }

  #hasBehind(socket: Socket): boolean {
    if (socket === this) return true;
    return this.#state.name === "occupied" && this.#state.sockets.some((each) => each.#hasBehind(socket));
  }

  /** To the guest it is an unplug. */
  #take({ device, source, id, tie, halves, sockets }: Occupied): Taken {
    const behind = sockets.flatMap((socket, index) => {
      const taken = socket.#state.name === "occupied" ? [socket.#take(socket.#state)] : [];
      void socket.retire();
      return taken.map((each) => ({ number: index + 1, taken: each }));
    });
    tie.end = undefined;
    for (const { port } of halves) port.detach();
    this.#setState({ name: "empty" });
    return { device, source, id, tie, behind };
  }

  /** What fits nowhere behind a hub any more, such as a SuperSpeed device behind one that is USB 2.0 now, is unplugged. */
  #put({ device, source, id, tie, behind }: Taken): MovedDevice[] {
    const halves = this.#halvesOf(device);
    const sockets: Socket[] = [];
    if (tie.left !== undefined || this.#refusal(device, halves.length) !== undefined) {
      void this.#close(device, []);
      return [];
    }
    this.#connect({ name: "occupied", device, source, id, tie, halves, sockets });
    const further = behind.flatMap(({ number, taken }) => {
      const socket = sockets[number - 1];
      return socket ? socket.#put(taken) : [];
    });
    return [...this.#reportHere(), ...further];
  }

  #reportHere(): MovedDevice[] {
    const { port, route } = this.#place;
    return this.#state.name === "occupied" ? [{ port, route, report: reportOf(this.#state) }] : [];
  }

  #halvesOf(device: Device): Occupied["halves"] {
    return [device, device.companion].flatMap((half) => {
      const port = half && this.#contact(half.speed, half !== device);
      return half && port ? [{ device: half, port }] : [];
    });
  }

  #refusal(device: Device, halves: number): string | undefined {
    if (halves === 0) {
      return "A SuperSpeed device needs a port of the controller or of a USB 3 hub, and this hub is a USB 2.0 hub.";
    }
    if (device.hub && this.#place.tier >= TIERS_MAX)
      return `USB allows ${TIERS_MAX} hubs in a row. Use a port further up.`;
    return undefined;
  }

  #connect(occupied: Occupied & { readonly sockets: Socket[] }): PlugReport {
    const { tie, halves, sockets } = occupied;
    tie.end = this;
    tie.told = false; // whoever has it now asks once by himself
    this.#setState(occupied);
    const downstream = halves.map((half) => ({
      isFast: half.device.speed === SPEED_SUPER,
      ports: half.port.attach(half.device, tie.gone),
    }));
    const count = Math.max(...downstream.map(({ ports }) => ports.length));
    for (let index = 0; index < count; index++) {
      const contact: Contact = (speed) =>
        downstream.find(({ isFast }) => isFast === (speed === SPEED_SUPER))?.ports[index];
      sockets.push(new Socket(behind(this.#place, index + 1), contact, this.#host));
    }
    return reportOf(occupied);
  }

  async #restoreNow(saved: SavedDevice): Promise<RestoredDevice[]> {
    const { id, origin, states } = saved;
    const wasHere = this.#state.name === "occupied";
    const behindHere: RestoredDevice[] = [];
    let same = false;
    let note: string | undefined;
    let damage: string | undefined;
    try {
      if (states && this.#state.name === "occupied" && this.#state.id === id) {
        // To everybody else it is another plug all the same, so that nothing that was meant for it before reaches it.
        for (const { port } of this.#state.halves) port.reconnect();
      } else if (states || !wasHere) {
        // A real device's place may be taken: then what is there is what the guest finds.
        if (typeof origin === "string") throw new PlugError("NotFoundError", origin);
        await this.#plugNow(origin, id);
      }
      if (states) {
        note = await this.#become(saved, states, behindHere);
        same = true;
      }
    } catch (error) {
      if (error instanceof StateError) damage = error.message;
      else note = `The device of the saved state did not come back: ${reasonOf(error)}`;
      if (!wasHere) await this.#unplugNow();
    }
    return [{ ...this.#restored(), same, note, damage }, ...behindHere];
  }

  /** What is here now, of which a saved state knows nothing. */
  #restored(): RestoredDevice {
    const { port, route } = this.#place;
    const occupied = this.#state.name === "occupied" ? this.#state : undefined;
    const report = occupied && reportOf(occupied);
    return { port, route, report, source: occupied?.source, same: false, note: undefined, damage: undefined };
  }

  /** What is plugged into a hub comes first, because the hub's own state knows of it already. */
  async #become(saved: SavedDevice, states: readonly unknown[], behindHere: RestoredDevice[]) {
    const state = this.#state;
    if (state.name !== "occupied") return undefined;
    const strangers: Socket[] = [];
    for (const socket of state.sockets) {
      const device = saved.devices.find(({ port }) => port === socket.#number);
      if (device) await socket.makeRoom(device);
      const [here, ...further] = device ? await socket.restore(device) : [];
      if (here) behindHere.push(here, ...further);
      if (here ? !here.same : socket.devices > 0) strangers.push(socket);
      if (!here && socket.devices > 0) behindHere.push(socket.#restored());
    }
    const note = restoreHalves(
      state.halves.map(({ device }) => device),
      states,
    );
    state.halves.forEach(({ port }, index) => {
      port.rename(saved.plugs[index] ?? 0);
    });
    for (const socket of strangers) socket.#reconnect();
    return note;
  }

  /** What is here, or that nothing is, is not what the hub's state knows of. */
  #reconnect(): void {
    for (const speed of [SPEED_HIGH, SPEED_SUPER]) this.#contact(speed, false)?.reconnect();
  }

  /** Its number at the controller or at the hub that it is part of. */
  get #number(): number {
    const { port, route, tier } = this.#place;
    return tier === 0 ? port : route >>> (TIER_BITS * (tier - 1));
  }

  deviceGone(reason: string): void {
    if (this.#state.name !== "occupied") return;
    this.#drop(this.#state);
    this.#host.left(this.#place, reason);
  }

  deviceWakes(half: Device | undefined): void {
    const state = this.#state;
    if (state.name !== "occupied") return;
    state.halves.find(({ device }) => device === (half ?? state.device))?.port.wake();
  }

  deviceHasOutput(): void {
    this.#host.hasOutput(this.#place);
  }

  /** Nothing gets through to the device from now on; it is closed once the caller has finished with it. */
  #drop({ device, tie, halves, sockets }: Occupied): void {
    tie.end = undefined;
    this.#close(device, sockets);
    for (const { port } of halves) port.detach();
  }

  /** What is plugged into a hub goes with it. */
  #close(device: Device, sockets: readonly Socket[]): Promise<void> {
    const closed = Promise.resolve()
      .then(() => Promise.all(sockets.map((socket) => socket.retire())))
      .then(() => Promise.all([device.close(), device.companion?.close()]))
      .catch(() => undefined) // gone already: there is nothing left to close
      .then(() => this.#setState({ name: "empty" }));
    this.#setState({ name: "closing", closed });
    return closed;
  }

  #setState(state: SocketState): void {
    this.#state = state;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
