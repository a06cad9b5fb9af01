/** What a person can do with files that they dropped on the page. */
import { type FileKind, fileKind, kindInWords } from "../guest/file-kind.ts";
import { unreadable } from "../guest/machine-check.ts";
import type { Boots, MachineFile } from "../guest/machine-config.ts";
import type { FileField } from "../guest/machine-description.ts";
import { draftOf, type MachineDraft } from "./machine-draft.ts";

export interface DropChoice {
  readonly label: string;
  readonly detail: string;
  readonly action:
    | { readonly is: "machine"; readonly draft: MachineDraft }
    | { readonly is: "plug"; readonly as: "drive" | "cd" };
}

/** For the files together. A sentence when there is nothing to boot. */
export async function dropChoices(
  files: readonly MachineFile[],
): Promise<{ readonly choices: readonly DropChoice[]; readonly note: string | undefined }> {
  const kinds = await Promise.all(
    files.map(async (file) => ({ file, kind: await fileKind(file.blob).catch(() => undefined) })),
  );
  const [first] = kinds;
  if (!first) return { choices: [], note: undefined };
  const gone = kinds.find(({ kind }) => !kind);
  if (gone) return { choices: [], note: unreadable(gone.file.name) };
  const found = new Map<FileField, MachineFile>();
  for (const { file, kind } of kinds) {
    const field = kind && fieldOf(kind);
    if (field && !found.has(field)) found.set(field, file);
  }
  const draft = (boots: Boots["from"]): DropChoice["action"] => ({
    is: "machine",
    draft: { ...draftOf(), boots, files: found },
  });
  const choices: DropChoice[] = [];
  for (const { boots, label, detail } of MACHINE_CHOICES) {
    if (found.has(boots)) choices.push({ label, detail, action: draft(boots) });
  }
  if (found.has("initrd") && !found.has("kernel")) {
    choices.push({ label: "Start a kernel with it…", detail: "the kernel is chosen next", action: draft("kernel") });
  }
  if (kinds.every(({ kind }) => kind?.is === "cd")) {
    choices.push({
      label: "Put it into a USB CD drive",
      detail: "of the guest that runs",
      action: { is: "plug", as: "cd" },
    });
  }
  if (kinds.every(({ kind }) => kind?.is !== "empty")) {
    choices.push({
      label: "Plug it in as a flash drive",
      detail: "the file stays as it is, until you save to it",
      action: { is: "plug", as: "drive" },
    });
  }
  const [only] = kinds.length === 1 ? [first] : [];
  const kind = only?.kind;
  const note =
    kind?.is === "foreign"
      ? `This is ${kind.what}. ${kind.advice}`
      : kind
        ? `This is ${kindInWords(kind)}.`
        : undefined;
  return { choices, note };
}

const MACHINE_CHOICES = [
  { boots: "state", label: "Go on from it in a new machine…", detail: "" },
  { boots: "kernel", label: "Start it in a new machine…", detail: "" },
  { boots: "cd", label: "Boot it as the CD of a new machine…", detail: "" },
  { boots: "floppy", label: "Boot it as the floppy disk of a new machine…", detail: "" },
  { boots: "disk", label: "Boot it as the hard disk of a new machine…", detail: "" },
] as const;

function fieldOf(kind: FileKind): FileField | undefined {
  switch (kind.is) {
    case "kernel":
    case "initrd":
    case "state":
      return kind.is;
    case "cd":
    case "floppy":
    case "disk":
      // Without a boot sector it is rather data.
      return kind.bootable ? kind.is : undefined;
    default:
      return undefined;
  }
}
