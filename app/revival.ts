/**
 * What becomes of a host whose backend died: its guests see all ports empty, another worker takes the links up, and each device
 * is plugged in again where it was. A guest loses what a person loses who pulls everything out and plugs it in again.
 */
import type { DeviceSource } from "../worker/protocol.ts";
import type { Notice } from "./notice.ts";
import type { RunningBackend } from "./start-backend.ts";
import type { UsbController } from "./usb-controller.ts";
import { BackendLostError } from "./worker-backend.ts";

/** A backend that dies more often than this in a while would die for ever. */
const RESTARTS_MAX = 3;
const WHILE_MS = 60_000;

const LOST = "The part of pvusb that drives the devices does not answer any more. Start the guest again.";

/** What a revival needs of its host. */
export interface RevivalHost {
  controllers(): readonly UsbController[];
  /** Has a backend that has just begun know all that it must, but for the devices. */
  prepare(): Promise<void>;
  notice(notice: Notice): void;
  /** All is plugged again, as far as that is possible. */
  revived(): void;
}

interface Wanted {
  readonly controller: UsbController;
  readonly path: string;
  readonly product: string;
  readonly source: DeviceSource | undefined;
}

export class Revival {
  readonly #backend: RunningBackend;
  readonly #host: RevivalHost;
  #running = false;
  /** When backends were begun anew. */
  #restarts: number[] = [];

  constructor(backend: RunningBackend, host: RevivalHost) {
    this.#backend = backend;
    this.#host = host;
    backend.onDeath = () => void this.#revive();
  }

  /** Another backend takes over: ports are empty that will not stay so. */
  get running(): boolean {
    return this.#running;
  }

  /** The backend broke the protocol of a link, or does not answer on it: in a worker it has to go. */
  linkLost(controller: UsbController): void {
    if (this.#backend.lose && this.#backend.canRestart) this.#backend.lose("it broke the rules of a link");
    else this.#giveUp(controller);
  }

  async #revive(): Promise<void> {
    // A death meanwhile is seen by the call that it ends.
    if (this.#running) return;
    this.#running = true;
    let wanted = this.#empty();
    while (this.#mayRestart()) {
      try {
        await this.#backend.restart?.();
        await this.#host.prepare();
        while (wanted[0]) {
          await this.#plug(wanted[0]);
          wanted = wanted.slice(1);
        }
        this.#running = false;
        this.#host.revived();
        return;
      } catch (error) {
        if (!(error instanceof BackendLostError)) this.#backend.lose?.(String(error));
        wanted = [...wanted, ...this.#empty()];
      }
    }
    this.#running = false;
    for (const controller of this.#host.controllers()) this.#giveUp(controller);
  }

  /** The guests see all ports empty. Answers what was in them, hubs first. */
  #empty(): Wanted[] {
    return this.#host
      .controllers()
      .flatMap((controller) => controller.backendDied().map((plugged) => ({ controller, ...plugged })));
  }

  #mayRestart(): boolean {
    const now = performance.now();
    this.#restarts = this.#restarts.filter((each) => now - each < WHILE_MS);
    if (!this.#backend.canRestart || this.#restarts.length === RESTARTS_MAX) return false;
    this.#restarts.push(now);
    return true;
  }

  async #plug({ controller, path, product, source }: Wanted): Promise<void> {
    const port = controller.find(path);
    const tell = (words: string) => {
      const reason = `The worker that drives the devices died and was started again. ${words}`;
      this.#host.notice({ controller, port: Number.parseInt(path, 10), path, reason });
    };
    if (!port || !source) {
      tell(`${product} is to be plugged in again by hand.`);
      return;
    }
    try {
      await port.plug(source);
      tell(`${product} was plugged in again${forgets(source) ? ": what was written to it is lost." : "."}`);
    } catch (error) {
      if (error instanceof BackendLostError) throw error;
      tell(`${product} could not be plugged in again: ${error instanceof Error ? error.message : error}`);
    }
  }

  #giveUp(controller: UsbController): void {
    const path = controller.backendLost(0, 0);
    this.#host.notice({ controller, port: 0, path, reason: LOST });
  }
}

/** A disk in memory begins anew, and so does what is kept beside a file. */
function forgets(source: DeviceSource): boolean {
  if (!("image" in source) || !source.image) return false;
  const { image } = source;
  if ("opfs" in image) return false;
  return "size" in image || "bytes" in image || "writes" in image;
}
