/** Has a machine of the page go on from a snapshot: as it is set up, if it is of the same kind, or as the page's own Linux. */
import { StateError } from "../../asm/saved.ts";
import { describedMachine, type MachineDescription, readDescription } from "../guest/machine-description.ts";
import type { StateInfo } from "../guest/state-file.ts";
import type { Machine } from "./machine.ts";

/** False when the machine has told the person itself why it cannot. Rejects with a StateError when no machine fits. */
export async function restoreSnapshot(
  machine: Machine,
  state: Uint8Array<ArrayBuffer>,
  { machine: from, plugged }: StateInfo,
): Promise<boolean> {
  const description = readDescription(from);
  if (!description) throw new StateError("It does not say what kind of machine it is of. Take another snapshot.");
  if (!isSameKind(description, machine.description)) {
    const config = Object.keys(description.files).length === 0 && describedMachine(description, new Map());
    if (!config) {
      const files = Object.values(description.files).join(", ");
      throw new StateError(
        `It is of a machine with files of its own (${files}), which are not in it. Set that machine up in this tab, then restore it.`,
      );
    }
    machine.become(config);
  }
  await machine.start({ state, plugged });
  return machine.state.is === "running";
}

/** Names do not matter, but for those of files. */
function isSameKind(one: MachineDescription, other: MachineDescription): boolean {
  const [a, b] = [one, other].map((each) => JSON.stringify(readDescription({ ...each, name: "" })));
  return a === b;
}
