/** Where the default guest's files come from: over the network here, from a folder in `node-files.ts`. */
import type { GuestFile, GuestManifest } from "./image/manifest.ts";

/** Hears how many bytes of a file were loaded. */
export type LoadProgress = (loaded: number) => void;

export interface GuestFiles {
  manifest(): Promise<GuestManifest>;
  /** A file as the emulator wants it: inflated, alone in its buffer. */
  load(file: GuestFile, progress?: LoadProgress): Promise<Uint8Array<ArrayBuffer>>;
}

/** A file of the guest's image is not there, or not what the manifest says. */
export class GuestFileError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "GuestFileError";
  }
}

/** Names for the manifest's words. */
export function fileName(manifest: GuestManifest, file: GuestFile): string {
  return manifest[file];
}

/** The files beside `base`, an address that ends in a slash. */
export function fetchFiles(base: string | URL): GuestFiles {
  let manifest: Promise<GuestManifest> | undefined;
  const files: GuestFiles = {
    manifest() {
      manifest ??= request(new URL("manifest.json", base)).then(
        (response) => response.json() as Promise<GuestManifest>,
      );
      return manifest;
    },
    async load(file, progress) {
      const facts = await files.manifest();
      const url = new URL(fileName(facts, file), base);
      // The manifest's id: a new image must not meet an old file in the browser's cache.
      url.searchParams.set("image", facts.id.slice(0, 16));
      const response = await request(url);
      if (!response.body) throw new GuestFileError(`${url.pathname} came without a body.`);
      let loaded = 0;
      const counted = response.body.pipeThrough(
        new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
          transform(chunk, controller) {
            loaded += chunk.length;
            progress?.(loaded);
            controller.enqueue(chunk);
          },
        }),
      );
      const plain = facts.encoding[file] === "identity" ? counted : await inflated(counted);
      return collect(plain, facts.plainSizes[file], file);
    },
  };
  return files;
}

async function request(url: URL): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new GuestFileError(`${url.pathname} could not be loaded.`, { cause });
  }
  if (!response.ok) throw new GuestFileError(`${url.pathname} could not be loaded: ${response.status}.`);
  return response;
}

/**
 * Some servers say "Content-Encoding: gzip" of a file that is gzip'd itself, and it arrives inflated; others gzip it once more,
 * say the same, and it arrives as it is. So its first bytes tell (RFC 1952 §2.3.1).
 */
async function inflated(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<ReadableStream<Uint8Array>> {
  const reader = body.getReader();
  const { value: first } = await reader.read();
  const whole = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      if (first) controller.enqueue(first);
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  const isGzip = first?.[0] === 0x1f && first[1] === 0x8b;
  return isGzip ? whole.pipeThrough(new DecompressionStream("gzip")) : whole;
}

async function collect(stream: ReadableStream<Uint8Array>, size: number, file: GuestFile) {
  const bytes = new Uint8Array(size);
  const reader = stream.getReader();
  let at = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (at + value.length > size) throw wrongSize(file);
    bytes.set(value, at);
    at += value.length;
  }
  if (at !== size) throw wrongSize(file);
  return bytes;
}

export function wrongSize(file: GuestFile): GuestFileError {
  return new GuestFileError(`The guest's ${file} is not of the size its manifest says. Build the image again.`);
}
