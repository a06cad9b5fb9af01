/** A static host as people have them: a folder below some path, no headers of ours, text and WebAssembly gzip'd, all cached for a while. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".png": "image/png",
};
const GZIPPED = new Set([".html", ".js", ".css", ".json", ".webmanifest", ".wasm", ".svg"]);

export class StaticHost {
  readonly #server: Server;
  readonly #folder: string;
  readonly #path: string;
  readonly #zipped = new Map<string, Buffer>();
  /** What is served in place of a file. */
  readonly instead = new Map<string, Buffer | string>();
  /** Bytes that left, by file; their headers are not counted. */
  readonly sent = new Map<string, number>();

  private constructor(folder: string, path: string) {
    this.#folder = folder;
    this.#path = path;
    this.#server = createServer(({ url = "/" }, response) => {
      const { pathname } = new URL(url, "http://host");
      const file = pathname.startsWith(this.#path)
        ? pathname.slice(this.#path.length).replace(/(^|\/)$/, "$1index.html")
        : undefined;
      const body = file === undefined ? undefined : this.#read(file);
      if (file === undefined || body === undefined) {
        response.writeHead(404, { "Content-Type": "text/plain" }).end("Not found");
        return;
      }
      const type = extname(file);
      const zipped = GZIPPED.has(type);
      const bytes = zipped ? this.#zip(file, body) : body;
      this.sent.set(file, (this.sent.get(file) ?? 0) + bytes.length);
      response.writeHead(200, {
        "Content-Type": TYPES[type] ?? "application/octet-stream",
        "Content-Length": bytes.length,
        "Cache-Control": "max-age=600",
        ...(zipped && { "Content-Encoding": "gzip" }),
      });
      response.end(bytes);
    });
  }

  static async start(folder: string, path: string): Promise<StaticHost> {
    const host = new StaticHost(folder, path);
    await new Promise<void>((resolve) => host.#server.listen(0, "127.0.0.1", resolve));
    return host;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#path}`;
  }

  /** Another version of a file, as a new build would have it: its hash is in the service worker, too. */
  replace(file: string, text: string): void {
    const hash = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");
    const before = this.#read(file) ?? "";
    const worker = this.#read("service-worker.js")?.toString() ?? "";
    this.instead.set(file, text);
    this.instead.set("service-worker.js", worker.replace(hash(before), hash(text)));
  }

  /** Bytes that left of the files whose name `matches`. */
  total(matches = /./): number {
    return [...this.sent].reduce((sum, [file, bytes]) => sum + (matches.test(file) ? bytes : 0), 0);
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #read(file: string): Buffer | undefined {
    const instead = this.instead.get(file);
    if (instead !== undefined) return Buffer.from(instead);
    try {
      return readFileSync(join(this.#folder, file));
    } catch {
      return undefined;
    }
  }

  #zip(file: string, body: Buffer): Buffer {
    if (this.instead.has(file)) return gzipSync(body);
    const zipped = this.#zipped.get(file) ?? gzipSync(body);
    this.#zipped.set(file, zipped);
    return zipped;
  }
}
