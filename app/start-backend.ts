/** The one file of the guest's side that starts a backend: in a worker, or on the guest's own thread. */
import * as Comlink from "comlink";
import { Backend } from "../worker/backend.ts";
import { nodeUsb as loadNodeUsb } from "../worker/node-usb/index.ts";
import type { BackendControl, RealDevice } from "../worker/protocol.ts";
import { type BackendWorker, WorkerBackend, type WorkerMaker } from "./worker-backend.ts";

export type { BackendWorker, WorkerMaker } from "./worker-backend.ts";

export interface RunningBackend {
  readonly control: BackendControl;
  /** On the guest's own thread: lets a link's backend answer what it can, now. */
  readonly pump: ((link: number) => void) | undefined;
  /** In a worker: called when that is dead. */
  onDeath?: (() => void) | undefined;
  readonly canRestart?: boolean;
  restart?(): Promise<void>;
  /** In a worker: says that it is as good as dead. */
  lose?(why: string): void;
  stop(): Promise<void>;
}

/** Passes a listener across a worker's boundary. */
export function listener<T extends (...args: never[]) => void>(listen: T): T {
  return Comlink.proxy(listen);
}

/** A USB whose devices know more than a browser's. */
export type NodeUsb = { getDevices(): Promise<(USBDevice & RealDevice)[]> } & USB;

/**
 * In Node the devices of this computer, by the package usb: to be listed, followed, and plugged. Rejects with a sentence that
 * says what to do. A backend finds them by itself.
 */
export function nodeUsb(): Promise<NodeUsb> {
  return loadNodeUsb();
}

/** Gives `parts` of something away across a worker's boundary. */
export function handOver<T>(what: T, parts: Transferable[]): T {
  return parts.length > 0 ? Comlink.transfer(what, parts) : what;
}

/** `worker` or what makes it; a single worker cannot be replaced when it is dead. */
export async function startInWorker(worker: BackendWorker | WorkerMaker = defaultWorker): Promise<RunningBackend> {
  const isMaker = typeof worker === "function";
  const backend = new WorkerBackend(isMaker ? worker : () => worker, isMaker);
  await backend.start();
  return backend;
}

export function startInside(usb?: USB): RunningBackend {
  const backend = new Backend(usb ? { usb } : {});
  return { control: backend, pump: (link) => backend.pump(link), stop: () => backend.stop() };
}

async function defaultWorker(): Promise<BackendWorker> {
  if (typeof Worker === "function") {
    return new Worker(new URL("../worker/main.js", import.meta.url), { type: "module", name: "pvusb-backend" });
  }
  // A bundler for the browser must not follow these.
  const threads = "node:worker_threads";
  const script = "../worker/main.js";
  const { Worker: NodeWorker } = (await import(
    /* webpackIgnore: true */ /* @vite-ignore */ threads
  )) as typeof import("node:worker_threads");
  return new NodeWorker(new URL(/* webpackIgnore: true */ script, import.meta.url));
}
