/** Builds the two threads' entries from source and starts them over one memory. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { build } from "vite";
import { compileCore, createMemory } from "../../asm/core.ts";
import type { BackReport, FrontReport, TrafficOptions } from "./traffic.ts";

/** Node 20 reads no TypeScript in a worker, so the entries are bundled first. */
export async function buildThreads(): Promise<{ directory: string; remove(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), "pvusb-threads-"));
  const entry = (name: string) => fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  await build({
    configFile: false,
    logLevel: "error",
    publicDir: false,
    build: {
      ssr: true,
      target: "node20",
      minify: false,
      outDir: directory,
      rolldownOptions: {
        input: { front: entry("front-thread"), back: entry("back-thread") },
        output: { entryFileNames: "[name].mjs" },
      },
    },
  });
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

/** A worker whose messages are awaited one by one. */
export class Thread {
  readonly #worker: Worker;
  readonly #messages: unknown[] = [];
  #wanted: { resolve(message: unknown): void; reject(error: unknown): void } | undefined;

  constructor(file: string, options: TrafficOptions) {
    this.#worker = new Worker(file, { workerData: options });
    this.#worker.on("message", (message) => {
      this.#messages.push(message);
      this.#hand();
    });
    this.#worker.on("error", (error) => this.#wanted?.reject(error));
  }

  post(message: unknown): void {
    this.#worker.postMessage(message);
  }

  next<T>(): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#wanted = { resolve: resolve as (message: unknown) => void, reject };
      this.#hand();
    });
  }

  /** The next answer that is not one of the thread's own announcements. */
  async ask<T>(message: unknown): Promise<T> {
    this.post(message);
    for (;;) {
      const answer = await this.next();
      if (typeof answer !== "string") return answer as T;
    }
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #hand(): void {
    if (!this.#wanted || this.#messages.length === 0) return;
    const { resolve } = this.#wanted;
    this.#wanted = undefined;
    resolve(this.#messages.shift());
  }
}

export interface Threads {
  readonly front: Thread;
  readonly back: Thread;
  stop(): Promise<void>;
}

export const defaults = {
  seed: 1,
  urbs: 100_000,
  depth: 64,
  counter: 0xfffffff0,
  waiting: "sleep",
  lengths: "mixed",
  silentFrom: 0xffffffff,
  garbage: 0,
} as const;

/** Front and back, ready; the front begins when it is told. */
export async function startThreads(directory: string, options: Partial<TrafficOptions>): Promise<Threads> {
  const all = { ...defaults, ...options, module: await compileCore(), memory: createMemory() };
  const front = new Thread(join(directory, "front.mjs"), all);
  await front.next();
  const back = new Thread(join(directory, "back.mjs"), all);
  await back.next();
  front.post("start");
  return {
    front,
    back,
    async stop() {
      await front.terminate();
      await back.terminate();
    },
  };
}

/** Traffic until all URBs are answered, and both threads' reports. */
export async function runTraffic(
  directory: string,
  options: Partial<TrafficOptions>,
): Promise<{ front: FrontReport; back: BackReport }> {
  const { front, back, stop } = await startThreads(directory, options);
  try {
    await front.next();
    const backReport = await back.ask<BackReport>("stop");
    const frontReport = await front.ask<FrontReport>({ events: backReport.events });
    return { front: frontReport, back: backReport };
  } finally {
    await stop();
  }
}
