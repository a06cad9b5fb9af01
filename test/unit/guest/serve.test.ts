import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Served, serve } from "../../../app/cli/serve.ts";
import { parseCommandLine } from "../../../app/cli/usage.ts";

let folder: string;
let served: Served | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvusb-serve-"));
  mkdirSync(join(folder, "public"));
  writeFileSync(join(folder, "secret.txt"), "secret");
  writeFileSync(join(folder, "public/index.html"), "<!doctype html>");
  writeFileSync(join(folder, "public/core.wasm"), "\0asm");
  writeFileSync(join(folder, "public/.env"), "secret");
});
afterEach(() => {
  served?.server.close();
  served = undefined;
  rmSync(folder, { recursive: true });
});

async function get(path: string, init?: RequestInit): Promise<Response> {
  served ??= await serve({ folder: join(folder, "public"), port: 0 });
  return fetch(new URL(path, served.address), init);
}

test("every answer isolates, the missing file's too", async () => {
  for (const [path, status] of [
    ["", 200],
    ["core.wasm", 200],
    ["not-there.js", 404],
  ] as const) {
    const { headers, status: given } = await get(path);
    expect(given).toBe(status);
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(headers.get("cross-origin-embedder-policy")).toBe("require-corp");
    expect(headers.get("cross-origin-resource-policy")).toBe("cross-origin");
  }
});

test("a folder is its index.html, and WebAssembly has its type", async () => {
  expect(await (await get("")).text()).toBe("<!doctype html>");
  expect((await get("core.wasm")).headers.get("content-type")).toBe("application/wasm");
});

test("an empty file is empty, and HEAD has no body", async () => {
  writeFileSync(join(folder, "public/empty.txt"), "");
  expect(await (await get("empty.txt")).text()).toBe("");
  const head = await get("core.wasm", { method: "HEAD" });
  expect([head.headers.get("content-length"), await head.text()]).toEqual(["4", ""]);
});

test("a file that is written again is served anew", async () => {
  expect(await (await get("index.html")).text()).toBe("<!doctype html>");
  writeFileSync(join(folder, "public/index.html"), "<!doctype html>again");
  expect(await (await get("index.html")).text()).toBe("<!doctype html>again");
});

test("nothing above the folder and no hidden file is served", async () => {
  for (const path of [
    "public",
    "%2Fsecret.txt",
    "%00",
    "%",
    "../secret.txt",
    "%2e%2e/secret.txt",
    "..%2fsecret.txt",
    "/..\\secret.txt",
    ".env",
  ]) {
    expect((await get(path)).status, path).toBe(404);
  }
});

test("a part of a file can be asked for, as v86 asks for a disk's", async () => {
  const part = async (range: string) => {
    const response = await get("core.wasm", { headers: { Range: range } });
    return [response.status, response.headers.get("content-range"), await response.text()];
  };
  expect(await part("bytes=1-2")).toEqual([206, "bytes 1-2/4", "as"]);
  expect(await part("bytes=2-")).toEqual([206, "bytes 2-3/4", "sm"]);
  expect(await part("bytes=-1")).toEqual([206, "bytes 3-3/4", "m"]);
  for (const whole of ["bytes=0-", "bytes=3-1", "bytes=4-", "bytes=0-99", "lines=1-2", "bytes=0-0,2-2"]) {
    expect(await part(whole), whole).toEqual([200, null, "\0asm"]);
  }
});

test("a port that is taken, and what is no folder, are said in a sentence", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const { port } = other.address() as AddressInfo;
  await expect(serve({ folder, port })).rejects.toThrow(`Port ${port} is taken`);
  other.close();
  await expect(serve({ folder: join(folder, "secret.txt"), port: 0 })).rejects.toThrow("is not a folder");
  await expect(serve({ folder: join(folder, "not-there"), port: 0 })).rejects.toThrow("is not a folder");
});

test.each([
  [["serve"], { order: "serve", folder: ".", port: 8080 }],
  [["serve", "docs", "--port", "0"], { order: "serve", folder: "docs", port: 0 }],
])("pvusb %j", (args, expected) => {
  expect(parseCommandLine(args)).toEqual(expected);
});

test.each([
  ["serve", "a", "b"],
  ["serve", "--port", "65536"],
  ["serve", "--port", "-1"],
  ["serve", "--port", "1e3"],
  ["serve", "--port", ""],
])("pvusb %s %s %s is refused", (...args) => {
  expect(() => parseCommandLine(args)).toThrow(/--port|one folder/);
});
