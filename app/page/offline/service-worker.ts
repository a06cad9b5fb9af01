/**
 * The page's service worker: gives its files the isolation headers, and keeps them for when there is no network.
 *
 *     install     all of the page but the guest, by hash          a file that is wrong: not installed
 *     activate    what is of no use any more goes
 *     fetch       a file of this build: from the store, or from the network into it
 *     message     "update": a person wants this version now
 *
 * An update waits until no tab has the version before, or until a person asks for it in the last such tab.
 */
import { FileStore } from "./file-store.ts";
import { isolated } from "./isolated.ts";
import { type PageFiles, pathIn } from "./page-files.ts";

/** Written in front of this file by the build. */
declare const PVUSB_FILES: PageFiles;

/** TypeScript knows these for programs that are nothing but workers. */
interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface ServiceWorkerScope {
  readonly registration: ServiceWorkerRegistration;
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: { type: "window"; includeUncontrolled: boolean }): Promise<readonly { readonly url: string }[]>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
  addEventListener(type: "message", listener: (event: ExtendableEvent & MessageEvent) => void): void;
}

const worker = globalThis as unknown as ServiceWorkerScope;
const folder = worker.registration.scope;
const store = new FileStore(folder, PVUSB_FILES);

worker.addEventListener("install", (event) => event.waitUntil(store.fill()));

worker.addEventListener("activate", (event) => {
  // The page that installed it has not used the guest yet: that should be kept, too.
  event.waitUntil(Promise.all([store.sweep(), worker.clients.claim()]));
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const path = request.method === "GET" ? pathIn(folder, request.url) : undefined;
  if (path === undefined) return;
  const file = Object.hasOwn(PVUSB_FILES, path) ? PVUSB_FILES[path] : undefined;
  if (file) event.respondWith(store.load(request, path, file, (work) => event.waitUntil(work)).then(isolated));
  // Only documents and workers are isolated or not.
  else if (["document", "iframe", "worker", "sharedworker"].includes(request.destination)) {
    event.respondWith(fetch(request).then(isolated));
  }
});

worker.addEventListener("message", (event) => {
  if (event.data !== "update") return;
  event.waitUntil(
    worker.clients.matchAll({ type: "window", includeUncontrolled: true }).then(async (windows) => {
      const alone = windows.filter(({ url }) => pathIn(folder, url) !== undefined).length <= 1;
      event.ports[0]?.postMessage(alone);
      if (alone) await worker.skipWaiting();
    }),
  );
});
