/** Machines that are kept: as JSON without their files, and with them over a reload. */
import { expect, test } from "vitest";
import { type KeptState, KeptStates } from "../../../app/guest/kept-states.ts";
import { DEFAULT_MACHINE, type MachineConfig, type MachineFile } from "../../../app/guest/machine-config.ts";
import {
  describedMachine,
  describeMachine,
  machineFiles,
  readDescription,
} from "../../../app/guest/machine-description.ts";
import { type KeptMachine, MachineStore } from "../../../app/guest/machine-store.ts";

const file = (name: string, content = name, changed = 5): MachineFile => ({
  name,
  blob: new File([content], name, { lastModified: changed }),
});

const FULL: MachineConfig = {
  ...DEFAULT_MACHINE,
  name: "mine",
  boots: { from: "kernel", kernel: file("k"), initrd: file("i"), append: "quiet" },
  drives: { disk: file("d"), cd: file("c"), floppy: file("f") },
  memoryMiB: 256,
  ports: 4,
  network: "fetch",
  bios: file("b"),
  vgaBios: file("v"),
};

test("a machine goes into JSON without its files, and comes back with them", () => {
  const files = machineFiles(FULL);
  expect([...files.keys()]).toEqual(["kernel", "initrd", "disk", "cd", "floppy", "bios", "vgaBios"]);
  const description = readDescription(JSON.parse(JSON.stringify(describeMachine(FULL))));
  expect(description).toEqual({
    name: "mine",
    boots: "kernel",
    append: "quiet",
    memoryMiB: 256,
    vgaMemoryMiB: 8,
    controller: "xhci",
    ports: 4,
    network: "fetch",
    files: { kernel: "k", initrd: "i", disk: "d", cd: "c", floppy: "f", bios: "b", vgaBios: "v" },
  });
  expect(description && describedMachine(description, files)).toEqual(FULL);
});

test.each<MachineConfig>([
  DEFAULT_MACHINE,
  { ...DEFAULT_MACHINE, boots: { from: "usb" }, drives: { disk: { blankMiB: 64 } } },
  { ...DEFAULT_MACHINE, boots: { from: "state", state: file("s") }, memoryMiB: 64 },
])("machine %# too", (machine) => {
  const description = describeMachine(machine);
  expect(readDescription(description)).toEqual(description);
  const { memoryMiB, ...rest } = machine;
  expect(describedMachine(description, machineFiles(machine))).toEqual(memoryMiB === undefined ? rest : machine);
});

test("a kernel that is not there is no machine", () => {
  expect(describedMachine(describeMachine(FULL), new Map())).toBeUndefined();
});

test.each([
  [undefined],
  ["x"],
  [{}],
  [{ ...describeMachine(DEFAULT_MACHINE), ports: 16 }],
  [{ ...describeMachine(DEFAULT_MACHINE), memoryMiB: 1e9 }],
  [{ ...describeMachine(DEFAULT_MACHINE), name: "x".repeat(201) }],
  [{ ...describeMachine(DEFAULT_MACHINE), boots: "dvd" }],
  [{ ...describeMachine(DEFAULT_MACHINE), files: { disk: 1 } }],
  [{ ...describeMachine(DEFAULT_MACHINE), files: null }],
  [{ ...describeMachine(DEFAULT_MACHINE), append: 1 }],
  [{ ...describeMachine(DEFAULT_MACHINE), controller: "ehci" }],
])("what is no machine is none: %j", (json) => {
  expect(readDescription(json)).toBeUndefined();
});

function create() {
  const kept = new Map<string, KeptMachine>();
  const states = new Map<string, KeptState>();
  const browser = { room: undefined as number | undefined, fails: undefined as string | undefined, stateFails: false };
  const store = new MachineStore(
    {
      all: async () => [...kept.values()],
      get: async (id) => kept.get(id),
      set: async (machine) => {
        if (browser.fails) throw new DOMException("no", browser.fails);
        kept.set(machine.id, machine);
      },
      delete: async (id) => void kept.delete(id),
      room: async () => browser.room,
    },
    new KeptStates({
      all: async () => [...states.values()],
      get: async (key) => states.get(key),
      set: async (state) => {
        if (browser.stateFails) throw new DOMException("no", "QuotaExceededError");
        states.set(state.key, state);
      },
      delete: async (key) => void states.delete(key),
    }),
  );
  return { store, kept, states, browser };
}

/** A file of the person's disk: what may be read, and whether they must be asked, is up to the test. */
function handleOf(content: File, permission: { now: PermissionState; asked?: PermissionState }) {
  return {
    getFile: async () => content,
    queryPermission: async () => permission.now,
    requestPermission: async () => permission.asked ?? permission.now,
  } as unknown as FileSystemFileHandle;
}

test("copies come back, with the state, until the machine is deleted", async () => {
  const { store, kept, states } = create();
  const state = Uint8Array.from({ length: 1000 }, (_, index) => index & 0xff);
  const { id } = await store.keep(FULL, { copyFiles: true, state, plugged: { "1": "keyboard" } });
  expect(await store.list()).toMatchObject([{ id, hasState: true, machine: { name: "mine" } }]);
  expect(states.get(id)).toMatchObject({ kind: "machine", name: "mine", plugged: { "1": "keyboard" } });
  const loaded = await store.load(id);
  expect(loaded).toMatchObject({ missing: [], changed: [] });
  expect(loaded?.config).toEqual(FULL);
  expect(await store.state(id)).toEqual(state);
  await store.delete(id);
  expect([kept.size, states.size, await store.load(id)]).toEqual([0, 0, undefined]);
});

test("without copies a person is asked for the files again, by name", async () => {
  const { store, kept } = create();
  const { id } = await store.keep(FULL);
  expect(kept.get(id)?.files.kernel).toEqual({ name: "k", size: 1, changed: 5 });
  const loaded = await store.load(id);
  expect(loaded).toMatchObject({ config: undefined, machine: { append: "quiet" } });
  expect(loaded?.missing).toEqual(["kernel", "initrd", "disk", "cd", "floppy", "bios", "vgaBios"]);
});

test("a file's handle is kept instead of a copy, and the person is asked whether it may be read", async () => {
  const { store, kept } = create();
  const open = async (
    permission: { now: PermissionState; asked?: PermissionState },
    content = file("d").blob as File,
  ) => {
    const disk = { ...file("d"), handle: handleOf(content, permission) };
    const { id } = await store.keep({ ...DEFAULT_MACHINE, drives: { disk } }, { copyFiles: true });
    expect(kept.get(id)?.files.disk?.copy).toBeUndefined();
    return store.load(id);
  };
  expect(await open({ now: "granted" })).toMatchObject({
    missing: [],
    changed: [],
    config: { drives: { disk: { name: "d" } } },
  });
  expect(await open({ now: "prompt", asked: "granted" })).toMatchObject({ missing: [] });
  expect(await open({ now: "prompt", asked: "denied" })).toMatchObject({ missing: ["disk"], config: undefined });
  // A state does not go together with a disk that was written to since.
  expect(await open({ now: "granted" }, file("d", "other", 6).blob as File)).toMatchObject({
    missing: [],
    changed: ["d"],
  });
});

test("the newest is first, and what is kept again takes its own place and loses its state", async () => {
  const { store } = create();
  const first = await store.keep(DEFAULT_MACHINE, { state: new Uint8Array(10) });
  await new Promise((resolve) => setTimeout(resolve, 2));
  const second = await store.keep({ ...DEFAULT_MACHINE, name: "second" });
  expect((await store.list()).map(({ id }) => id)).toEqual([second.id, first.id]);
  await new Promise((resolve) => setTimeout(resolve, 2));
  await store.keep({ ...DEFAULT_MACHINE, name: "again" }, { id: first.id });
  expect(await store.list()).toMatchObject([
    { id: first.id, machine: { name: "again" }, hasState: false },
    { id: second.id },
  ]);
});

test.each([
  ["QuotaExceededError", /has no room for this machine\. Forget another/],
  ["NotReadableError", /cannot be read.*Choose it again/],
  ["InvalidStateError", /allow this page to store data/],
])("%s is a sentence", async (name, words) => {
  const { store, browser } = create();
  browser.fails = name;
  await expect(store.keep(FULL)).rejects.toMatchObject({ name: "MachineError", message: expect.stringMatching(words) });
});

test("what is known not to fit is not even tried", async () => {
  const { store, browser, kept } = create();
  browser.room = 10 << 20;
  const disk = { name: "d", blob: new Blob([new Uint8Array(11 << 20)]) };
  const machine = { ...DEFAULT_MACHINE, drives: { disk } };
  await expect(store.keep(machine, { copyFiles: true })).rejects.toThrow(
    "keeps 10 MiB more for this page, and this machine needs 11 MiB",
  );
  expect(kept.size).toBe(0);
  await store.keep(machine);
});

test("a state that finds no room leaves what was kept before as it was", async () => {
  const { store, browser, kept } = create();
  const { id } = await store.keep(DEFAULT_MACHINE);
  browser.stateFails = true;
  const state = new Uint8Array(10);
  await expect(store.keep({ ...DEFAULT_MACHINE, name: "other" }, { id, state })).rejects.toThrow(/no room/);
  await expect(store.keep(DEFAULT_MACHINE, { state })).rejects.toThrow(/no room/);
  expect([...kept.values()]).toMatchObject([{ id, machine: { name: "Linux" } }]);
});
