/** `pvusb serve`: a folder over HTTP on this computer, with the headers that a page needs to share memory with its worker. */
import { statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { UsageError } from "./usage-error.ts";

/** Nobody but this computer; and browsers trust this address as they trust https. */
const HOST = "127.0.0.1";

/** What makes a page cross-origin isolated; and its files are for isolated pages at other addresses, too. */
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "cross-origin",
  "Cache-Control": "no-store",
  "Accept-Ranges": "bytes",
} as const;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".txt": "text/plain; charset=utf-8",
};

export interface ServeArguments {
  readonly folder: string;
  /** 0: any that is free. */
  readonly port: number;
}

export interface Served {
  readonly server: Server;
  readonly folder: string;
  readonly address: string;
}

/** Files are read anew at each request: what is being worked on is what is shown. Throws a UsageError. */
export async function serve({ folder, port }: ServeArguments): Promise<Served> {
  const root = resolve(folder);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) throw new UsageError(`${folder} is not a folder.`);
  const server = createServer((request, response) => {
    // A browser that went away, or a file that cannot be read to its end: nobody is left to be told.
    answer(root, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((done, failed) => {
    server.once("error", (cause: NodeJS.ErrnoException) => failed(inWords(cause, port)));
    server.listen(port, HOST, done);
  });
  return { server, folder: root, address: `http://${HOST}:${(server.address() as AddressInfo).port}/` };
}

async function answer(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = pathOf(request.url ?? "/");
  const file = path === undefined ? undefined : await openFile(join(root, path));
  if (!file) {
    response.writeHead(404, { ...HEADERS, "Content-Type": "text/plain; charset=utf-8" });
    response.end("There is no such file in the folder that pvusb serves.\n");
    return;
  }
  try {
    const { size } = await file.stat();
    const { start, end } = rangeOf(request.headers.range, size) ?? { start: 0, end: size - 1 };
    const part = end - start + 1 < size;
    response.writeHead(part ? 206 : 200, {
      ...HEADERS,
      "Content-Type": TYPES[extname(path ?? "")] ?? "application/octet-stream",
      "Content-Length": end - start + 1,
      ...(part && { "Content-Range": `bytes ${start}-${end}/${size}` }),
    });
    if (request.method === "HEAD" || size === 0) response.end();
    else await pipeline(file.createReadStream({ start, end, autoClose: false }), response);
  } finally {
    await file.close();
  }
}

/** Where in the folder an address leads; a folder is its index.html. Never above it, nor to what begins with a dot. */
function pathOf(url: string): string | undefined {
  try {
    const path = decodeURIComponent(url.replace(/[?#].*/s, ""));
    if (!path.startsWith("/") || /[/\\]\.|\0/.test(path)) return undefined;
    return path.endsWith("/") ? `${path}index.html` : path;
  } catch {
    return undefined;
  }
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  const file = await open(path).catch(() => undefined);
  if ((await file?.stat())?.isFile()) return file;
  await file?.close();
  return undefined;
}

/** RFC 9110 §14.1.2, one range; undefined stands for the whole file. */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return start <= end ? { start, end } : undefined;
}

function inWords(cause: NodeJS.ErrnoException, port: number): Error {
  switch (cause.code) {
    case "EADDRINUSE":
      return new UsageError(`Port ${port} is taken: give another one with --port, or 0 for any.`, { cause });
    case "EACCES":
      return new UsageError(`Port ${port} is not for everybody: give one from 1024 with --port.`, { cause });
    default:
      return cause;
  }
}
