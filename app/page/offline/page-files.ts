/** What the page is made of, as its build writes it into the service worker: so a new build is a new worker. */

export interface PageFile {
  /** SHA-256, hexadecimal. */
  readonly hash: string;
  /** Kept when it was used for the first time, not before: the guest is large. */
  readonly later?: true;
}

/** By path, relative to the page's folder. */
export type PageFiles = Readonly<Record<string, PageFile>>;

/** The path of a file in the page's folder, or undefined for what is elsewhere. A folder itself is its index.html. */
export function pathIn(folder: string, address: string): string | undefined {
  const { origin, pathname } = new URL(address);
  const base = new URL(folder);
  if (origin !== base.origin || !pathname.startsWith(base.pathname)) return undefined;
  return decoded(pathname.slice(base.pathname.length)).replace(/(^|\/)$/, "$1index.html");
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
