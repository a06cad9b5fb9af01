/** Two instances share one memory, so the built module may bring nothing of its own into it. */
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { Core, compileCore, createMemory } from "../../../asm/core.ts";
import { MEMORY_PAGES, MEMORY_SIZE } from "../../../asm/layout.ts";

const wat = await readFile(new URL("../../../asm/build/core.wat", import.meta.url), "utf8");
const module = await compileCore();

describe("the built core", () => {
  it("has no data segment, no start function and no runtime", () => {
    expect(wat).not.toMatch(/\(data\b/);
    expect(wat).not.toMatch(/\(start\b/);
    expect(wat).not.toContain("~lib/rt");
  });

  it("imports the link's memory and nothing else", () => {
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
    expect(wat).toContain(`(import "env" "memory" (memory $0 ${MEMORY_PAGES} ${MEMORY_PAGES} shared))`);
  });

  it("exports functions and nothing else", () => {
    const kinds = WebAssembly.Module.exports(module).map((each) => each.kind);
    expect(new Set(kinds)).toEqual(new Set(["function"]));
  });

  it("leaves the memory as it is when it is instantiated", async () => {
    const memory = createMemory();
    const bytes = new Uint8Array(memory.buffer);
    bytes.fill(0xa5);
    await Core.instantiate(module, memory);
    expect(Buffer.alloc(MEMORY_SIZE, 0xa5).equals(bytes)).toBe(true);
  });

  it("refuses a memory that is not a link's", async () => {
    const small = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    await expect(Core.instantiate(module, small)).rejects.toThrow();
    const lonely = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES });
    await expect(Core.instantiate(module, lonely)).rejects.toThrow();
  });

  it("is compiled from an address, bytes, or a module", async () => {
    const url = new URL("../../../asm/build/core.wasm", import.meta.url);
    const sources = [url, url.href, new Uint8Array(await readFile(url)), module];
    for (const source of sources) expect(await compileCore(source)).toBeInstanceOf(WebAssembly.Module);
  });
});
