/** The states that a browser keeps, and as files: what goes in comes out, and what is no state is refused in words. */
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { type KeptState, KeptStates, readyStates } from "../../../app/guest/kept-states.ts";

const STATE = Uint8Array.from({ length: 3_000_000 }, (_, at) => (at < 1_000_000 ? 0 : (at * at) >>> 7));
const same = (a: Uint8Array | undefined, b: Uint8Array) => Buffer.compare(a ?? new Uint8Array(0), b) === 0;

function create() {
  const records = new Map<string, KeptState>();
  let full = false;
  const states = new KeptStates({
    all: async () => [...records.values()],
    get: async (key) => records.get(key),
    set: async (state) => {
      if (full) throw new DOMException("no room", "QuotaExceededError");
      records.set(state.key, state);
    },
    delete: async (key) => void records.delete(key),
  });
  const fill = () => {
    full = true;
  };
  return { records, states, fill };
}

test("a state comes back as it was, smaller while it is kept, and progress goes from nothing to all", async () => {
  const { states } = create();
  const saving: number[] = [];
  const kept = await states.add(
    { key: "a", kind: "snapshot", name: "one", plugged: { 1: "blank-drive" } },
    STATE,
    (f) => saving.push(f),
  );
  expect(kept.bytes).toBe(STATE.length);
  expect(kept.packed.size).toBeLessThan(2_100_000);
  const reading: number[] = [];
  expect(same(await states.read("a", (f) => reading.push(f)), STATE)).toBe(true);
  for (const heard of [saving, reading]) {
    expect(heard.length).toBeGreaterThan(2);
    expect(heard).toEqual([...heard].sort((a, b) => a - b));
    expect(heard.at(-1)).toBe(1);
  }
  expect(await states.read("b")).toBeUndefined();
});

test("lists one kind, the newest first, and clears one kind", async () => {
  const { records, states } = create();
  await states.add({ key: "a", kind: "snapshot", name: "old" }, STATE.subarray(0, 10));
  await states.add({ key: "b", kind: "snapshot", name: "new" }, STATE.subarray(0, 10));
  await states.add({ key: "c", kind: "machine", name: "other" }, STATE.subarray(0, 10));
  const old = records.get("a");
  if (old) records.set("a", { ...old, savedAt: 1 });
  expect((await states.list("snapshot")).map(({ name }) => name)).toEqual(["new", "old"]);
  await states.clear("snapshot");
  expect([...records.keys()]).toEqual(["c"]);
});

test("a file goes from one browser to another with all that is known of it", async () => {
  const here = create();
  const there = create();
  const machine = { memoryMiB: 192, image: "default" };
  await here.states.add(
    { key: "a", kind: "snapshot", name: "Tuesday ✓", machine, plugged: { "3.2": "keyboard" } },
    STATE,
  );
  const file = await here.states.toFile("a");
  const got = await there.states.addFile("x", file ?? new Blob());
  expect(got).toMatchObject({ key: "x", kind: "snapshot", name: "Tuesday ✓", machine, plugged: { "3.2": "keyboard" } });
  expect(got.savedAt).toBe(here.records.get("a")?.savedAt);
  expect(same(await there.states.read("x"), STATE)).toBe(true);
});

const HEAD = { name: "n", savedAt: 1, bytes: 3, plugged: {} };
const packed = gzipSync(Uint8Array.of(1, 2, 3));
const file = (head: unknown, body: Uint8Array = packed) =>
  new Blob([`pvusb state 1\n${JSON.stringify(head)}\n`, new Uint8Array(body)]);

test("the golden file", async () => {
  const { states } = create();
  await states.addFile("a", file(HEAD));
  expect(await states.read("a")).toEqual(Uint8Array.of(1, 2, 3));
});

test.each([
  ["nothing", new Blob([]), "no saved state"],
  ["something else", new Blob(["PNG"]), "no saved state"],
  ["a head without an end", new Blob([`pvusb state 1\n{${" ".repeat(70_000)}}\n`]), "no saved state"],
  ["no JSON", new Blob(["pvusb state 1\n{\n"]), "damaged"],
  ["null", file(null), "damaged"],
  ["a name that is none", file({ ...HEAD, name: 1 }), "damaged"],
  ["a time that is none", file({ ...HEAD, savedAt: 1e300 }), "damaged"],
  ["more bytes than there are", file({ ...HEAD, bytes: 4 }), "damaged"],
  ["fewer bytes than there are", file({ ...HEAD, bytes: 2 }), "damaged"],
  ["bytes that no memory has", file({ ...HEAD, bytes: 2 ** 40 }), "damaged"],
  ["ports that are none", file({ ...HEAD, plugged: { 1: {} } }), "damaged"],
  ["a torn end", file(HEAD, packed.subarray(0, 12)), "damaged"],
  ["no gzip", file(HEAD, Uint8Array.of(1, 2, 3)), "damaged"],
])("refuses %s, and keeps nothing", async (_, blob, words) => {
  const { records, states } = create();
  await expect(states.addFile("a", blob)).rejects.toMatchObject({
    name: "StateError",
    message: expect.stringContaining(words),
  });
  expect(records.size).toBe(0);
});

test("says so when the browser has no room", async () => {
  const { states, fill } = create();
  fill();
  await expect(states.add({ key: "a", kind: "snapshot", name: "" }, STATE)).rejects.toMatchObject({
    name: "StateError",
    message: expect.stringContaining("no room"),
  });
});

test("of ready guests the newest few are kept, and nothing else is touched", async () => {
  const { records, states } = create();
  const store = readyStates(states, 2);
  await states.add({ key: "mine", kind: "snapshot", name: "mine" }, STATE.subarray(0, 10));
  let time = 0;
  for (const key of ["a", "b", "c"]) {
    await store.set(key, STATE.subarray(0, 10));
    const kept = records.get(key);
    if (kept) records.set(key, { ...kept, savedAt: ++time });
  }
  expect([...records.keys()].sort()).toEqual(["b", "c", "mine"]);
  expect(same(await store.get("c"), STATE.subarray(0, 10))).toBe(true);
  await store.delete("c");
  expect(await store.get("c")).toBeUndefined();
});
