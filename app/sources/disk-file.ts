/**
 * Files of the person's computer, as disks: picked with a handle where the browser has the File System Access API, so that what the
 * guest has written can go back into the very file.
 */
import type { DriveImage } from "../drive-image.ts";

export interface DiskFile {
  readonly name: string;
  readonly blob: Blob;
  /** For what was picked or dropped in a browser that gives them. */
  readonly handle?: FileSystemFileHandle | undefined;
}

/** Chromium's; not in TypeScript's types of the DOM. */
interface FilePickers {
  showOpenFilePicker?(options?: object): Promise<FileSystemFileHandle[]>;
  showSaveFilePicker?(options?: object): Promise<FileSystemFileHandle>;
}

/** What can be taken home. */
export type Savable = Pick<DriveImage, "size" | "stream" | "saved" | "replace">;

/** Hears how much of it is done, in percent. */
export type Progress = (percent: number) => void;

/** Until a download has surely begun. */
const DOWNLOAD_MS = 60_000;

const pickers = (): FilePickers => globalThis as FilePickers;

/** Picked files can be written back. Otherwise a file input has to do. */
export function canPickFiles(): boolean {
  return pickers().showOpenFilePicker !== undefined;
}

/** In a person's click. Rejects with an AbortError when nothing is chosen. */
export async function pickFiles(multiple: boolean): Promise<DiskFile[]> {
  const handles = (await pickers().showOpenFilePicker?.({ id: "pvusb-disk", multiple })) ?? [];
  return Promise.all(handles.map(async (handle) => ({ name: handle.name, blob: await handle.getFile(), handle })));
}

/**
 * Asks where to, and for an image that is to be taken there. Without a picker the browser downloads it, from its memory. In a
 * person's click. `own` is the file that the drive is made of, if that is known. Rejects with an AbortError when nothing is chosen.
 */
export async function saveCopy(
  name: string,
  open: () => Promise<Savable>,
  progress: Progress,
  own?: FileSystemFileHandle,
): Promise<void> {
  const { showSaveFilePicker } = pickers();
  if (!showSaveFilePicker) return download(name, await open(), progress);
  const handle = await showSaveFilePicker.call(globalThis, { id: "pvusb-disk", suggestedName: name });
  if (await own?.isSameEntry(handle)) return saveInto(handle, open, progress);
  const { file, image } = await writeInto(handle, open, progress);
  await file.close();
  await image.saved();
}

/** Writes an image into the file that its drive is made of. In a person's click, for the browser may ask. */
export async function saveInto(
  handle: FileSystemFileHandle,
  open: () => Promise<Savable>,
  progress: Progress,
): Promise<void> {
  const { file, image } = await writeInto(handle, open, progress);
  // The file is as it was until it is closed.
  await image.replace(async () => {
    await file.close();
    return handle.getFile();
  });
}

/** All of it, but not closed yet. */
async function writeInto(
  handle: FileSystemFileHandle,
  open: () => Promise<Savable>,
  progress: Progress,
): Promise<{ readonly file: FileSystemWritableFileStream; readonly image: Savable }> {
  const file = await handle.createWritable();
  try {
    const image = await open();
    await image.stream.pipeThrough(counted(image.size, progress)).pipeTo(file, { preventClose: true });
    return { file, image };
  } catch (error) {
    await file.abort().catch(() => undefined); // by the pipe already
    throw error;
  }
}

async function download(name: string, image: Savable, progress: Progress): Promise<void> {
  const blob = await new Response(image.stream.pipeThrough(counted(image.size, progress))).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_MS);
  await image.saved();
}

function counted(size: number, progress: Progress): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let bytes = 0;
  return new TransformStream({
    transform(piece, controller) {
      bytes += piece.length;
      progress(Math.floor((100 * bytes) / size));
      controller.enqueue(piece);
    },
  });
}
