/** Takes home a machine's own hard disk, with what its guest has written to it. */
import type { V86Disk } from "../guest/v86-disk.ts";
import type { Desk } from "../hub/desk.ts";
import { isNoChoice, machineFailed } from "../hub/words.ts";
import { saveCopy } from "../sources/disk-file.ts";
import type { Machine } from "./machine.ts";

const PIECE = 1 << 20;

/** To be called in a person's click. Trouble is told to the person, not thrown. */
export async function saveDisk(machine: Machine, desk: Desk): Promise<void> {
  const { disk, name, config } = machine;
  if (!disk) return;
  const drive = config.drives.disk;
  const file = drive && "name" in drive ? drive.name : `${name}.img`;
  const handle = drive && "handle" in drive ? drive.handle : undefined;
  const image = {
    size: disk.byteLength,
    stream: streamOf(disk),
    saved: async () => {},
    replace: () => Promise.reject(new Error("The guest reads this very file: save the disk under another name.")),
  };
  try {
    await saveCopy(
      file,
      async () => image,
      () => {},
      handle,
    );
    desk.announce(`The disk of ${name} is saved as ${file}.`);
  } catch (error) {
    if (!isNoChoice(error)) desk.complain(machineFailed(`The disk of ${name} was not saved`, error));
  }
}

function streamOf(disk: V86Disk): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      if (at < disk.byteLength) controller.enqueue(await disk.read(at, Math.min(PIECE, disk.byteLength - at)));
      else controller.close();
      at += PIECE;
    },
  });
}
