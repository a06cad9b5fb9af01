/** The page's snapshots: saved, listed, restored, taken home and back; what goes wrong is told, and the next thing can be done. */
import { beforeEach, expect, test, vi } from "vitest";
import { type KeptState, KeptStates } from "../../app/guest/kept-states.ts";
import { type SnapshotMachine, Snapshots } from "../../app/page/snapshots.ts";
import { StateError } from "../../asm/saved.ts";

const STATE = Uint8Array.from({ length: 100_000 }, (_, at) => at & 0xff);

beforeEach(() => void vi.stubGlobal("navigator", {}));

function create() {
  const records = new Map<string, KeptState>();
  const states = new KeptStates({
    all: async () => [...records.values()],
    get: async (key) => records.get(key),
    set: async (state) => void records.set(state.key, state),
    delete: async (key) => void records.delete(key),
  });
  const said: string[] = [];
  const complaints: string[] = [];
  const restored: [Uint8Array, string][] = [];
  const works: (string | undefined)[] = [];
  let machine: SnapshotMachine | undefined = {
    name: "Linux",
    machine: { memoryMiB: 128 },
    plugged: { 1: "blank-drive" },
    saveState: async () => STATE.slice(),
  };
  const hooks = {
    machine: () => machine,
    restore: async (state: Uint8Array<ArrayBuffer>, { name }: { readonly name: string }) => {
      restored.push([state, name]);
      return true;
    },
    announce: (words: string) => void said.push(words),
    complain: (title: string, error: unknown) => void complaints.push(`${title}: ${(error as Error).message}`),
    changed: () => void works.push(snapshots.work?.does),
  };
  const snapshots = new Snapshots(() => states, hooks);
  const become = (next: SnapshotMachine | undefined) => {
    machine = next;
  };
  return { become, complaints, hooks, records, restored, said, snapshots, works };
}

const first = ({ list: [state] }: Snapshots) => {
  if (!state) throw new Error("The list is empty.");
  return state;
};

test("a machine is saved under its name with what is plugged, and restored from the list", async () => {
  const { restored, said, snapshots, works } = create();
  await snapshots.save(" before the update ");
  expect(first(snapshots)).toMatchObject({
    name: "before the update",
    kind: "snapshot",
    bytes: STATE.length,
    machine: { memoryMiB: 128 },
    plugged: { 1: "blank-drive" },
  });
  expect(works).toEqual(expect.arrayContaining(["Saving the machine", "Compressing the state"]));
  expect(snapshots.work).toBeUndefined();
  await snapshots.restore(first(snapshots));
  expect(restored.map(([state, name]) => [Buffer.compare(state, STATE), name])).toEqual([[0, "before the update"]]);
  expect(said).toEqual(["before the update is saved.", "before the update is restored."]);
});

test("one without a name gets one, and there is nothing to save while no machine runs", async () => {
  const { become, snapshots } = create();
  await snapshots.save("");
  expect(first(snapshots).name).toMatch(/^Linux, .*\d/);
  become(undefined);
  expect(snapshots.canSave).toBe(false);
  await snapshots.save("nothing");
  expect(snapshots.list).toHaveLength(1);
});

test("a file of it comes back as another one", async () => {
  const { records, snapshots } = create();
  await snapshots.save("my: state/1");
  const made = await snapshots.toFile(first(snapshots));
  expect(made?.name).toBe("my-state-1.pvusb-state");
  await snapshots.delete(first(snapshots));
  expect([...records]).toEqual([]);
  await snapshots.addFile(new File([made?.file ?? ""], "x"));
  expect(first(snapshots)).toMatchObject({ name: "my: state/1", plugged: { 1: "blank-drive" } });
});

test("what goes wrong is told, and the next thing can be done", async () => {
  const { become, complaints, hooks, snapshots } = create();
  become({
    name: "Linux",
    machine: undefined,
    plugged: {},
    saveState: () => Promise.reject(new StateError("It is too early.")),
  });
  await snapshots.save("a");
  await snapshots.addFile(new File(["rubbish"], "rubbish.bin"));
  become({ name: "Linux", machine: undefined, plugged: {}, saveState: async () => STATE.slice() });
  await snapshots.save("b");
  hooks.restore = () => Promise.reject(new StateError("This state is of another machine."));
  await snapshots.restore(first(snapshots));
  expect(complaints).toEqual([
    "The machine cannot be saved: It is too early.",
    expect.stringMatching(/^rubbish\.bin cannot be used: This file is no saved state/),
    "b cannot be restored: This state is of another machine.",
  ]);
  expect(snapshots.canSave).toBe(true);
});
