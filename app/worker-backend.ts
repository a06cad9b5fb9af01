/**
 * A backend in a worker, which can die: crash, be terminated, or fall silent. Then all that was asked of it is answered with an
 * error, because Comlink would never answer it, and another worker can take its place.
 */
import * as Comlink from "comlink";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";
import type { BackendControl } from "../worker/protocol.ts";

/** A worker of the browser, or of Node's worker_threads. */
export type BackendWorker = Worker | NodeWorker;

interface NodeWorker {
  postMessage(message: unknown, transfer?: readonly unknown[]): void;
  on(type: string, listener: (...args: never[]) => void): unknown;
  off(type: string, listener: (...args: never[]) => void): unknown;
  terminate(): unknown;
  unref?(): void;
}

/** Makes a worker that runs `pvusb/worker`. */
export type WorkerMaker = () => BackendWorker | Promise<BackendWorker>;

/** The worker is gone. */
export class BackendLostError extends Error {
  constructor(why: string) {
    super(`The worker that drives the devices is gone (${why}).`);
    this.name = "BackendLostError";
  }
}

const BEAT_MS = 1000;
/** Beats without an answer, of a thread that was itself awake for each of them, after which a worker counts as dead. */
const SILENT_BEATS = 10;

type Call = (...args: readonly unknown[]) => Promise<unknown>;

export class WorkerBackend {
  /** Of whatever worker there is. */
  readonly control: BackendControl;
  /** Called once for each death. */
  onDeath: (() => void) | undefined;
  /** A dead worker can be replaced. */
  readonly canRestart: boolean;
  readonly pump = undefined;
  readonly #make: WorkerMaker;
  readonly #calls = new Set<(error: Error) => void>();
  #worker: BackendWorker | undefined;
  #remote: Comlink.Remote<BackendControl> | undefined;
  #lost: BackendLostError | undefined;
  #silence = 0;
  #heart: ReturnType<typeof setInterval> | undefined;

  constructor(make: WorkerMaker, canRestart: boolean) {
    this.#make = make;
    this.canRestart = canRestart;
    const call =
      (method: keyof BackendControl) =>
      (...args: readonly unknown[]) =>
        this.#call(method, args);
    this.control = new Proxy({} as BackendControl, {
      // It is no promise.
      get: (_, name) => (name === "then" ? undefined : call(name as keyof BackendControl)),
    });
  }

  async start(): Promise<void> {
    const worker = await this.#make();
    this.#worker = worker;
    this.#lost = undefined;
    const died = (why: string) => {
      if (this.#worker === worker) this.lose(why);
    };
    if ("addEventListener" in worker) {
      // A worker lives on after an error, unless that is why it never began.
      worker.addEventListener("error", ({ message }) => {
        if (this.#silence > 0) died(message || "its script did not load");
      });
      this.#remote = Comlink.wrap<BackendControl>(worker);
    } else {
      worker.on("error", (error: Error) => died(error.message));
      worker.on("exit", () => died("it has ended"));
      this.#remote = Comlink.wrap<BackendControl>(nodeEndpoint(worker));
    }
    this.#silence = 0;
    this.#beat();
    this.#heart = setInterval(() => this.#beat(), BEAT_MS);
    (this.#heart as { unref?(): void }).unref?.();
  }

  /** Another worker in place of one that is dead, or as good as dead. */
  async restart(): Promise<void> {
    await this.#bury();
    await this.start();
  }

  /** The worker is no good any more. */
  lose(why: string): void {
    if (this.#lost) return;
    this.#lost = new BackendLostError(why);
    clearInterval(this.#heart);
    for (const reject of this.#calls) reject(this.#lost);
    this.#calls.clear();
    this.onDeath?.();
  }

  async stop(): Promise<void> {
    this.onDeath = undefined;
    this.lose("it was stopped");
    await this.#bury();
  }

  async #bury(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#remote?.[Comlink.releaseProxy]();
    this.#remote = undefined;
    await worker?.terminate();
  }

  /** Asks for a sign of life, and counts how often there was none. */
  #beat(): void {
    if (this.#silence++ === 0)
      void this.#call("stats", []).then(
        () => (this.#silence = 0),
        () => undefined,
      );
    else if (this.#silence > SILENT_BEATS) this.lose("it does not answer");
  }

  #call(method: keyof BackendControl, args: readonly unknown[]): Promise<unknown> {
    const remote = this.#remote;
    if (this.#lost || !remote) return Promise.reject(this.#lost ?? new BackendLostError("it has not started"));
    return new Promise((resolve, reject) => {
      this.#calls.add(reject);
      const over = () => this.#calls.delete(reject);
      (remote[method] as Call)(...args)
        .then(resolve, reject)
        .finally(over);
    });
  }
}
