/** Disks of the page over a real backend: images on their way home, and discs that a person changes. */
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { DriveImage } from "../../../app/drive-image.ts";
import { createUsbHost } from "../../../app/host.ts";
import { CdFeed } from "../../../app/sources/cd-feed.ts";
import { saveCopy, saveInto } from "../../../app/sources/disk-file.ts";
import { Drive } from "../../../app/sources/drive.ts";
import { BareMachine } from "../../fakes/guest-driver/bare-machine.ts";
import { pattern } from "../device/harness.ts";

const MIB = 1 << 20;
const contents = pattern(3 * MIB);
const disc = (name: string) => ({ name, blob: new Blob([pattern(40 << 10)]) });

async function bench() {
  const host = await createUsbHost({ placement: "thread" });
  onTestFinished(() => host.close());
  const controller = await host.attach(new BareMachine());
  return { host, port: controller.port(1) };
}

/** A file of the File System Access API: what is written is there when it is closed. */
function fileHandle(refuse?: string) {
  const file = { bytes: new Uint8Array(), commits: 0 };
  const createWritable = async () => {
    const parts: Uint8Array[] = [];
    return new WritableStream<Uint8Array>({
      write(part) {
        if (refuse) throw new Error(refuse);
        parts.push(part.slice());
      },
      close() {
        file.bytes = Buffer.concat(parts);
        file.commits++;
      },
    });
  };
  const getFile = async () => new Blob([new Uint8Array(file.bytes)]);
  const handle = { name: "disk.img", createWritable, getFile, isSameEntry: async (other: unknown) => other === handle };
  return { file, handle: handle as unknown as FileSystemFileHandle };
}

describe("an image on its way home", () => {
  test("of a drive with a name goes on when that is unplugged; of one without it ends with a sentence", async () => {
    const { host, port } = await bench();
    const image = { blob: new Blob([contents]), writes: "memory" } as const;
    for (const keep of ["mine", undefined]) {
      await port.plug(host.device("flash-drive", { image, ...(keep && { keep }) }));
      const { stream, size } = await port.image();
      expect(size).toBe(contents.length);
      const reader = stream.getReader();
      const first = await reader.read();
      await port.unplug();
      const rest = async () => {
        const parts = [first.value ?? new Uint8Array()];
        for (let next = await reader.read(); !next.done; next = await reader.read()) parts.push(next.value);
        return Buffer.concat(parts);
      };
      if (keep) expect(Buffer.compare(await rest(), contents)).toBe(0);
      else await expect(rest()).rejects.toThrow("unplugged before all of it was read");
    }
    await host.forgetImage("mine");
    await expect(host.keptImage("mine")).rejects.toThrow("no disk here");
  });

  test("of what is no drive, and of an empty port, is refused with a sentence", async () => {
    const { port } = await bench();
    await expect(port.image()).rejects.toThrow("no disk here");
    await port.plug({ kind: "keyboard" });
    await expect(port.image()).rejects.toMatchObject({ name: "NotFoundError" });
  });

  test("is saved in the picked file, in the drive's own, or as it was when that fails", async () => {
    const { host, port } = await bench();
    await port.plug(host.device("flash-drive", { image: { blob: new Blob([contents]), writes: "memory" } }));
    const percents: number[] = [];
    const { file, handle } = fileHandle();
    vi.stubGlobal("showSaveFilePicker", async () => handle);
    onTestFinished(() => void vi.unstubAllGlobals());
    await saveCopy(
      "x.img",
      () => port.image(),
      (percent) => percents.push(percent),
    );
    expect(Buffer.compare(file.bytes, contents)).toBe(0);
    expect(percents.at(-1)).toBe(100);
    await saveInto(
      handle,
      () => port.image(),
      () => undefined,
    );
    expect(file.commits).toBe(2);
    // Chosen as the place of a copy, it is still the drive's own.
    const replace = vi.spyOn(DriveImage.prototype, "replace");
    await saveCopy(
      "x.img",
      () => port.image(),
      () => undefined,
      handle,
    );
    expect([file.commits, replace.mock.calls.length]).toEqual([3, 1]);
    const full = fileHandle("The disk is full.");
    await expect(
      saveInto(
        full.handle,
        () => port.image(),
        () => undefined,
      ),
    ).rejects.toThrow("full");
    expect(full.file).toMatchObject({ commits: 0 });
    const again = await port.image();
    expect(Buffer.compare(Buffer.from(await new Response(again.stream).arrayBuffer()), contents)).toBe(0);
  });
});

test("a drive in the drawer that was never changed has nothing to save, and is made anew", async () => {
  const { host, port } = await bench();
  const drive = new Drive({ name: "a.img", image: { blob: new Blob([contents]) }, serial: "A1" }, () => host);
  expect(drive.actions).toEqual([]);
  await port.plug(drive.source);
  drive.plugged(port, () => undefined);
  expect(drive.actions.map(({ id }) => id)).toEqual(["save-copy"]);
  await drive.leaving();
  drive.unplugged();
  await port.unplug();
  expect([drive.changed, drive.words, drive.actions.length]).toEqual([false, "", 0]);
  await drive.forget();
  await port.plug(drive.source);
});

test("a CD drive takes discs from a person, and says how it is", async () => {
  const { port } = await bench();
  const said: string[] = [];
  const feed = new CdFeed("CD1", disc("one.iso"));
  const labels = () => feed.actions.map(({ label }) => label);
  const changed = () => new Promise<void>((resolve) => (feed.onChange = resolve));
  const run = async (id: string) => {
    const next = changed();
    await feed.actions.find((action) => action.id === id)?.run();
    await next;
  };
  await port.plug(feed.source);
  const first = changed();
  feed.plugged(port, { screen: undefined, show: () => undefined, say: (text) => said.push(text) });
  await first;
  expect(labels()).toEqual(["Eject", "Change the disc…"]);
  await run("eject");
  await vi.waitFor(() => expect(labels()).toEqual(["Close the tray", "Change the disc…"]));
  expect(said).toEqual(["The tray of the CD drive is open."]);
  await run("insert");
  await vi.waitFor(() => expect(labels()).toEqual(["Eject", "Change the disc…"]));
  await feed.insert(disc("two.iso"));
  expect(feed.source).toMatchObject({ kind: "cdrom", serial: "CD1" });
  await expect(feed.insert({ name: "tiny", blob: new Blob(["x"]) })).rejects.toThrow("smaller than one");
  feed.close();
});
