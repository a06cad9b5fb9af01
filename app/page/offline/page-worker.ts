/** The page's side of its service worker: registers it, isolates the page with it, and hears of a newer version. */
import { type Isolation, type IsolationPlace, isolate } from "./isolation.ts";

const NAME = "service-worker.js";
const TRIED = "pvusb: loaded again to be isolated";

/** `home` is the folder of the whole page, relative to this one. */
export function isolatePage(home: string): Promise<Isolation> {
  const place: IsolationPlace = {
    crossOriginIsolated: globalThis.crossOriginIsolated,
    isSecureContext: globalThis.isSecureContext,
    framed: globalThis.top !== globalThis.self,
    register: "serviceWorker" in navigator ? () => register(home) : undefined,
    controlled: Boolean(navigator.serviceWorker?.controller),
    get tried() {
      return history.state === TRIED;
    },
    set tried(value) {
      history.replaceState(value ? TRIED : null, "");
    },
    reload: () => location.reload(),
  };
  return isolate(place);
}

/** A newer version of the page is there. */
export interface Update {
  /** Loads it. False while another tab has the page: whoever works there is not to be disturbed. */
  apply(): Promise<boolean>;
}

/**
 * Keeps the page for when there is no network, and tells when a newer version is kept. Whoever serves the page on this very
 * computer, with the headers, needs no network for it and may serve another page there tomorrow: for them it is not kept.
 */
export async function keepPage(home: string, onUpdate?: (update: Update) => void): Promise<void> {
  const { serviceWorker } = navigator as { readonly serviceWorker?: ServiceWorkerContainer };
  if (!serviceWorker || (isThisComputer() && !serviceWorker.controller)) return;
  const registration = await register(home).catch(() => undefined);
  if (!registration) return;
  const tell = (): void => {
    // The first one replaces nothing.
    if (registration.waiting && serviceWorker.controller) onUpdate?.({ apply: () => apply(registration) });
  };
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", tell);
  });
  tell();
}

async function apply({ waiting }: ServiceWorkerRegistration): Promise<boolean> {
  if (!waiting) return false;
  const changed = new Promise((resolve) => {
    navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true });
  });
  const { port1, port2 } = new MessageChannel();
  const alone = new Promise<boolean>((resolve) => {
    port1.onmessage = ({ data }) => resolve(data === true);
  });
  waiting.postMessage("update", [port2]);
  if (!(await alone)) return false;
  await changed;
  location.reload();
  return true;
}

function register(home: string): Promise<ServiceWorkerRegistration | undefined> {
  return navigator.serviceWorker.register(home + NAME);
}

function isThisComputer(): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(location.hostname);
}
