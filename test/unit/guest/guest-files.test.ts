import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fetchFiles } from "../../../app/guest/guest-files.ts";

const PLAIN = Uint8Array.from({ length: 7_000 }, (_, index) => (index * 7) & 0xff);
const STORED = new Uint8Array(gzipSync(PLAIN));
const MANIFEST = {
  id: "0123456789abcdef0123",
  kernel: "vmlinuz",
  bios: "bios.bin",
  encoding: { kernel: "gzip", bios: "identity" },
  plainSizes: { kernel: PLAIN.length, bios: PLAIN.length },
};

describe("fetchFiles", () => {
  let answers: Map<string, () => Response>;
  beforeEach(() => {
    answers = new Map([["manifest.json", () => Response.json(MANIFEST)]]);
    vi.stubGlobal("fetch", async (url: URL) => {
      return answers.get(url.pathname.replace("/deep/guest/", ""))?.() ?? new Response("", { status: 404 });
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  const files = () => fetchFiles("https://host/deep/guest/");
  const gzip = { headers: { "Content-Encoding": "gzip" } };

  test.each([
    ["as it is stored", () => new Response(STORED)],
    ["by a server that takes it for an encoding", () => new Response(PLAIN, gzip)],
    ["by a server that gzips it once more", () => new Response(STORED, gzip)],
  ])("inflates a file that is sent %s", async (_, answer) => {
    answers.set("vmlinuz", answer);
    expect(await files().load("kernel")).toEqual(PLAIN);
  });

  test("leaves a plain file as it is, whatever it begins with", async () => {
    const like = PLAIN.slice();
    like.set([0x1f, 0x8b]);
    answers.set("bios.bin", () => new Response(like));
    expect(await files().load("bios")).toEqual(like);
  });

  test.each([
    ["cut short", () => new Response(PLAIN.subarray(1), gzip)],
    ["too long", () => new Response(new Uint8Array(PLAIN.length + 1), gzip)],
    ["empty", () => new Response(new Uint8Array())],
  ])("refuses a file that is %s, in words", async (_, answer) => {
    answers.set("vmlinuz", answer);
    await expect(files().load("kernel")).rejects.toThrow("not of the size");
  });

  test("says which file is not there", async () => {
    await expect(files().load("kernel")).rejects.toThrow("/deep/guest/vmlinuz could not be loaded: 404.");
  });
});
