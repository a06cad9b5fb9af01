/** Starts the benchmark's worker, in a browser or in Node. */
import type { Answer, Request } from "../../../worker/bench/protocol.ts";

/** The other thread. */
export interface DeviceThread {
  post(message: Request, transfer?: readonly MessagePort[]): void;
  listen(hear: (answer: Answer) => void): void;
  terminate(): void;
}

export async function startDeviceThread(): Promise<DeviceThread> {
  if (typeof Worker === "function") {
    const worker = new Worker(new URL("../../../worker/bench/main.js", import.meta.url), { type: "module" });
    return {
      post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
      listen: (hear) => worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => hear(data)),
      terminate: () => worker.terminate(),
    };
  }
  // A bundler for the browser must not follow these.
  const threads = "node:worker_threads";
  const script = "../../../worker/bench/main.js";
  const { Worker: NodeWorker } = (await import(
    /* webpackIgnore: true */ /* @vite-ignore */ threads
  )) as typeof import("node:worker_threads");
  const worker = new NodeWorker(new URL(/* webpackIgnore: true */ script, import.meta.url));
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer] as never[]),
    listen: (hear) => void worker.on("message", hear),
    terminate: () => void worker.terminate(),
  };
}
