/** The files of a drop, with their handles where the browser has such: those can be read again after a reload. */
import type { MachineFile } from "../guest/machine-config.ts";

/** Chromium's; not in TypeScript's types of the DOM. */
interface HandleItem extends DataTransferItem {
  getAsFileSystemHandle?(): Promise<FileSystemHandle | null>;
}

/** To be called in the drop's event: its items are gone afterwards. */
export function droppedFiles(transfer: DataTransfer | null): Promise<MachineFile[]> {
  const items = [...(transfer?.items ?? [])].filter(({ kind }) => kind === "file") as HandleItem[];
  const files = items.map((item) => ({ file: item.getAsFile(), handle: item.getAsFileSystemHandle?.() }));
  return Promise.all(
    files.map(async ({ file, handle }) => {
      const found = await handle?.catch(() => null);
      if (!file) return [];
      const plain = machineFile(file);
      return [found?.kind === "file" ? { ...plain, handle: found as FileSystemFileHandle } : plain];
    }),
  ).then((each) => each.flat());
}

export function machineFile(file: File): MachineFile {
  return { name: file.name, blob: file };
}
