/** The entry of the benchmark's worker, of a browser or of Node's worker_threads. */
import { device } from "./device.ts";
import type { Request } from "./protocol.ts";

interface Scope {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  addEventListener(type: "message", hear: (event: { readonly data: Request }) => void): void;
}

async function scope(): Promise<Scope> {
  const threads = "node:worker_threads"; // a bundler for the browser must not follow this
  const { parentPort } = (await import(
    /* webpackIgnore: true */ /* @vite-ignore */ threads
  )) as typeof import("node:worker_threads");
  return parentPort as unknown as Scope;
}

function serve(own: Scope): void {
  const answer = device((bytes, transfer) => own.postMessage(bytes, transfer));
  own.addEventListener("message", ({ data }) => void answer(data));
}

// A browser hands out messages as soon as this was evaluated; Node keeps them until someone listens.
if ("WorkerGlobalScope" in globalThis) serve(globalThis as unknown as Scope);
else void scope().then(serve);
