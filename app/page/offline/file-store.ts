/**
 * The page's files, kept in the browser by what is in them: a file that an update leaves as it is is not loaded again, old and
 * new versions lie side by side until the new one takes over, and whatever does not have the hash that its build saw is not kept.
 */
import type { PageFile, PageFiles } from "./page-files.ts";

export class FileStore {
  readonly #folder: string;
  readonly #files: PageFiles;

  /** `folder` is the page's address; an origin may have several pages of ours. */
  constructor(folder: string, files: PageFiles) {
    this.#folder = folder;
    this.#files = files;
  }

  /** Loads all that is not for later. Rejects if only one file is not there, or not of this build. */
  async fill(): Promise<void> {
    const cache = await this.#cache();
    await Promise.all(
      Object.entries(this.#files).map(async ([path, file]) => {
        if (file.later || (await cache.match(this.#key(path, file)))) return;
        // The browser has just loaded most of them for the page; of an update it may still have the version before.
        for (const past of ["default", "reload"] as const) {
          const response = await fetch(this.#address(path), { cache: past });
          if (response.ok && (await this.#keep(cache, path, file, response))) return;
        }
        throw new Error(`${path} is not of this build.`);
      }),
    );
  }

  /** Drops all that is not of this build. */
  async sweep(): Promise<void> {
    const cache = await this.#cache();
    const wanted = new Set(Object.entries(this.#files).map(([path, file]) => this.#key(path, file)));
    for (const { url } of await cache.keys()) if (!wanted.has(url)) await cache.delete(url);
  }

  /** The file as it is kept, or as it is requested. `after` is told what goes on when the answer is given. */
  async load(
    request: Request,
    path: string,
    file: PageFile,
    after: (work: Promise<unknown>) => void,
  ): Promise<Response> {
    const cache = await this.#cache();
    const kept = await cache.match(this.#key(path, file));
    if (kept) return kept;
    const response = await fetch(request);
    // No room is no trouble: then it is loaded again the next time.
    if (response.ok) after(this.#keep(cache, path, file, response.clone()).catch(() => false));
    return response;
  }

  /** False if it is another version. */
  async #keep(cache: Cache, path: string, { hash }: PageFile, response: Response): Promise<boolean> {
    const bytes = await response.arrayBuffer();
    if ((await sha256(bytes)) !== hash) return false;
    // Its length and encoding were the network's.
    const type = response.headers.get("Content-Type");
    await cache.put(this.#key(path, { hash }), new Response(bytes, { headers: type ? { "Content-Type": type } : {} }));
    return true;
  }

  #cache(): Promise<Cache> {
    return caches.open(`pvusb ${this.#folder}`);
  }

  #address(path: string): string {
    return new URL(path.replace(/(^|\/)index\.html$/, "$1") || "./", this.#folder).href;
  }

  #key(path: string, { hash }: PageFile): string {
    return `${new URL(path, this.#folder).href}?${hash}`;
  }
}

async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
