/** Where saved states of ready guests are kept. A store may forget at any time; then a guest boots. */

export interface StateStore {
  get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  set(key: string, state: Uint8Array<ArrayBuffer>): Promise<void>;
  delete(key: string): Promise<void>;
}

/** A state belongs to everything that decided how the guest came to it: any difference is another key. */
export async function stateKey(parts: readonly (string | number | Uint8Array)[]): Promise<string> {
  const hashes = await Promise.all(
    parts.map((part) => sha256(typeof part === "object" ? part : new TextEncoder().encode(String(part)))),
  );
  return sha256(new TextEncoder().encode(hashes.join(" ")));
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
