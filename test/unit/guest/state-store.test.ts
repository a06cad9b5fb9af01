import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { folderStateStore } from "../../../app/guest/node-state-store.ts";
import { stateKey } from "../../../app/guest/state-store.ts";

async function store() {
  const folder = await mkdtemp(join(tmpdir(), "pvusb-states-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return { folder, states: folderStateStore(join(folder, "new")) };
}

test("a key tells its parts apart", async () => {
  const keys = await Promise.all([
    stateKey(["ab", "c"]),
    stateKey(["a", "bc"]),
    stateKey(["ab", "c", ""]),
    stateKey([Uint8Array.of(1), 2]),
    stateKey([Uint8Array.of(2), 2]),
  ]);
  expect(new Set(keys).size).toBe(keys.length);
  expect(await stateKey(["ab", "c"])).toBe(keys[0]);
});

test("what is set is got, until it is deleted", async () => {
  const { states } = await store();
  const state = Uint8Array.from({ length: 100_000 }, (_, i) => i & 0xff);
  expect(await states.get("a")).toBeUndefined();
  await states.set("a", state);
  expect(Buffer.compare((await states.get("a")) ?? new Uint8Array(0), state)).toBe(0);
  await states.delete("a");
  await states.delete("a");
  expect(await states.get("a")).toBeUndefined();
});

test("only the newest few are kept", async () => {
  const { folder, states } = await store();
  for (const key of ["a", "b", "c", "d", "e", "f"]) {
    await states.set(key, Uint8Array.of(1));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect((await readdir(join(folder, "new"))).sort()).toEqual(["c", "d", "e", "f"].map((key) => `${key}.state.gz`));
});

test("a state that is no longer whole is an error, for the caller to forget it", async () => {
  const { folder, states } = await store();
  await states.set("a", new Uint8Array(1000));
  await writeFile(join(folder, "new", "a.state.gz"), "rubbish");
  await expect(states.get("a")).rejects.toThrow();
});
