/**
 * Makes the page cross-origin isolated, which it must be to share memory: by its server's headers, or else by its service
 * worker's, for which it is loaded once more.
 */

/** Why it cannot be. */
export type NotIsolatedBecause = "insecure" | "framed" | "no-service-worker" | "no-effect";

export type Isolation =
  | { readonly is: "isolated" }
  /** It is about to be loaded again: nothing should be begun. */
  | { readonly is: "reloading" }
  | { readonly is: "impossible"; readonly because: NotIsolatedBecause };

/** What is asked of the browser. */
export interface IsolationPlace {
  readonly crossOriginIsolated: boolean;
  readonly isSecureContext: boolean;
  /** Inside another page, whose headers decide. */
  readonly framed: boolean;
  /** Undefined where there are none; rejects where they are forbidden. */
  readonly register: (() => Promise<ServiceWorkerRegistration | undefined>) | undefined;
  /** Whether a service worker answers for this page. */
  readonly controlled: boolean;
  /** Whether the page has been loaded again for this; the browser keeps it over a reload, in every kind of window. */
  tried: boolean;
  reload(): void;
}

/** A network may be slow, and the worker is ready when the whole page is kept. */
const PATIENCE_MS = 60_000;

export async function isolate(place: IsolationPlace): Promise<Isolation> {
  const { tried } = place;
  if (tried) place.tried = false;
  if (place.crossOriginIsolated) return { is: "isolated" };
  if (!place.isSecureContext) return { is: "impossible", because: "insecure" };
  if (place.framed) return { is: "impossible", because: "framed" };
  if (!place.register) return { is: "impossible", because: "no-service-worker" };
  // With the worker's headers, or with none of its doing, another load would be the same again.
  if (place.controlled || tried) return { is: "impossible", because: "no-effect" };
  const ready = await place.register().then(untilActive, () => false);
  if (!ready) return { is: "impossible", because: "no-service-worker" };
  place.tried = true;
  place.reload();
  return { is: "reloading" };
}

/** False if it will never be. */
function untilActive(registration: ServiceWorkerRegistration | undefined): Promise<boolean> | boolean {
  if (!registration || registration.active) return registration?.active !== undefined;
  const worker = registration.installing ?? registration.waiting;
  if (!worker) return false;
  return new Promise((resolve) => {
    const patience = setTimeout(() => resolve(false), PATIENCE_MS);
    worker.addEventListener("statechange", () => {
      if (worker.state !== "activated" && worker.state !== "redundant") return;
      clearTimeout(patience);
      resolve(worker.state === "activated");
    });
  });
}
