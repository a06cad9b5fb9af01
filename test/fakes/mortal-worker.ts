/** A backend's worker on this very thread, which dies when a test says so: with the word of it that Node gives, or silently. */
import * as Comlink from "comlink";
import type { BackendWorker } from "../../app/worker-backend.ts";
import { Backend } from "../../worker/backend.ts";

export class MortalWorker {
  readonly backend = new Backend();
  isTerminated = false;
  readonly #near: MessagePort;
  readonly #far: MessagePort;
  readonly #listeners = new Map<string, Set<(...args: never[]) => void>>();

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#near = port1;
    this.#far = port2;
    Comlink.expose(this.backend, port2);
    port1.onmessage = ({ data }) => this.#emit("message", data);
  }

  /** As a worker of Node's. */
  get worker(): BackendWorker {
    return this as unknown as BackendWorker;
  }

  postMessage(message: unknown, transfer: Transferable[] = []): void {
    this.#near.postMessage(message, transfer);
  }

  on(type: string, listener: (...args: never[]) => void): void {
    this.#listeners.set(type, (this.#listeners.get(type) ?? new Set()).add(listener));
  }

  off(type: string, listener: (...args: never[]) => void): void {
    this.#listeners.get(type)?.delete(listener);
  }

  /** It answers nothing any more, and tells nobody. */
  fallSilent(): void {
    this.#far.close();
  }

  crash(): void {
    this.fallSilent();
    this.#emit("exit", 1);
  }

  async terminate(): Promise<void> {
    this.isTerminated = true;
    this.fallSilent();
    this.#near.close();
  }

  #emit(type: string, data: unknown): void {
    for (const listener of this.#listeners.get(type) ?? []) (listener as (data: unknown) => void)(data);
  }
}
