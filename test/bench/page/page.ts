/** The benchmark's page: main.ts calls `measureRing` from outside. */
import { measure } from "../ring/guest.ts";
import type { Answer, Measures } from "../ring/protocol.ts";

(globalThis as unknown as Measures).measureRing = async (rounds) => {
  const worker = new Worker(new URL("./device-worker.ts", import.meta.url), { type: "module" });
  const results = await measure(
    {
      post: (message, transfer) => worker.postMessage(message, [...(transfer ?? [])]),
      listen: (hear) => worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => hear(data)),
    },
    rounds,
  );
  worker.terminate();
  return results;
};
document.title = "ready";
