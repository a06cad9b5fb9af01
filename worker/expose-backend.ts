/** Runs a backend in a worker: of the browser, or of Node's worker_threads. Importing this has no effect. */
import * as Comlink from "comlink";
import { Backend } from "./backend.ts";

/**
 * Serves a backend to whoever started this worker. `usb` stands in for navigator.usb, as in a test's own worker.
 * Call it while the worker's script is first evaluated: a browser hands out messages right after.
 */
export async function exposeBackend(usb?: USB): Promise<void> {
  const backend = new Backend(usb ? { usb } : {});
  if ("WorkerGlobalScope" in globalThis) {
    Comlink.expose(backend, globalThis as unknown as Comlink.Endpoint);
    return;
  }
  const threads = "node:worker_threads"; // a bundler for the browser must not follow this
  const { parentPort } = (await import(
    /* webpackIgnore: true */ /* @vite-ignore */ threads
  )) as typeof import("node:worker_threads");
  if (!parentPort) throw new Error("pvusb/worker is the code of a worker: start it with new Worker().");
  // Node's MessagePort is an EventTarget too, and keeps messages until someone listens.
  Comlink.expose(backend, parentPort as unknown as Comlink.Endpoint);
}
