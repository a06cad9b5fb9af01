/** Taking a drive's image home, while the guest goes on writing. */
import { describe, expect, test } from "vitest";
import { createDevice } from "../../../worker/device/index.ts";
import { openImage } from "../../../worker/device/storage/image/open-image.ts";
import { ImageReader } from "../../../worker/device/storage/image-reader.ts";
import { Shelf } from "../../../worker/device/storage/shelf.ts";
import type { Device, ImageReading } from "../../../worker/device.ts";
import type { DeviceSource, DriveOutput, ImageSource } from "../../../worker/protocol.ts";
import { Host, now, pattern } from "./harness.ts";
import { quiet } from "./saved.ts";
import { cbw, cdb, command, IN, OUT, rw10, status } from "./storage.ts";

const MIB = 1 << 20;
const contents = pattern(3 * MIB + 512);
const SOURCES: [string, () => ImageSource][] = [
  ["in memory", () => ({ bytes: contents })],
  ["beside a File", () => ({ blob: new Blob([contents]), writes: "memory" })],
];

async function plugDrive(source: DeviceSource, shelf?: Shelf): Promise<Host> {
  const host = await Host.plug(await createDevice(source, quiet, undefined, undefined, shelf));
  host.configure();
  command(host, cdb(0x03, 6, { 4: 18 }), 18);
  return host;
}

async function all(reading: ImageReading): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let piece = await reading.next(); piece; piece = await reading.next()) pieces.push(piece);
  return Buffer.concat(pieces);
}

const isChanged = (device: Device) => (device.output?.() as DriveOutput | undefined)?.changed;
const write = (host: Host, block: number, bytes: Uint8Array) => {
  expect(command(host, rw10(0x2a, block, bytes.length / 512), bytes).status).toBe(0);
};

describe.each(SOURCES)("an image %s", (_, image) => {
  test("is read as it was when that began, whatever is written meanwhile", async () => {
    const host = await plugDrive({ kind: "flash-drive", image: image() });
    write(host, 5, pattern(1024, 9));
    const expected = contents.slice();
    expected.set(pattern(1024, 9), 5 * 512);
    const reading = host.device.openImage?.() as ImageReading;
    expect(reading.size).toBe(contents.length);
    write(host, 4, pattern(2048, 10)); // nothing is read yet
    const first = await reading.next();
    write(host, 0, pattern(MIB, 11)); // read already
    write(host, 2048 + 100, pattern(512, 12));
    write(host, 2048 + 100, pattern(512, 13)); // twice in one place
    write(host, 3 * 2048, pattern(512, 14)); // the last sector
    const rest = await all(reading);
    expect(Buffer.compare(Buffer.concat([first as Uint8Array, rest]), expected)).toBe(0);
    expect(await reading.next()).toBeUndefined();
    const now = Buffer.from(expected);
    now.set(pattern(2048, 10), 4 * 512);
    now.set(pattern(MIB, 11), 0);
    now.set(pattern(512, 13), MIB + 100 * 512);
    now.set(pattern(512, 14), 3 * MIB);
    expect(Buffer.compare(await all(host.device.openImage?.() as ImageReading), now)).toBe(0);
  });

  test("is changed from the first write until what was read is saved, and by what comes meanwhile", async () => {
    const host = await plugDrive({ kind: "uas-drive", image: image() });
    const { device } = host;
    expect(isChanged(device)).toBe(false);
    write(host, 0, pattern(512, 2));
    expect(isChanged(device)).toBe(true);
    const given = device.openImage?.() as ImageReading;
    await all(given);
    given.close(false);
    expect(isChanged(device), "read and thrown away").toBe(true);
    const saved = device.openImage?.() as ImageReading;
    await all(saved);
    saved.close(true);
    expect(isChanged(device)).toBe(false);
    const early = device.openImage?.() as ImageReading;
    write(host, 0, pattern(512, 3));
    await all(early);
    early.close(true);
    expect(isChanged(device), "written while it was read").toBe(true);
  });
});

describe("a drive that is saved into its own file", () => {
  const source: DeviceSource = { kind: "flash-drive", image: { blob: new Blob([contents]), writes: "memory" } };

  test("waits with what it has to read of the file, and goes on from the new one, with what was written meanwhile", async () => {
    const host = await plugDrive(source);
    write(host, 1, pattern(512, 2));
    const reading = host.device.openImage?.() as ImageReading;
    const image = await all(reading);
    write(host, 2, pattern(512, 3));
    reading.hold();
    expect(command(host, rw10(0x28, 1, 2), 1024).data.subarray(512), "all of it is in memory").toEqual(pattern(512, 3));
    now(host.out(OUT, cbw(rw10(0x28, 4000, 2), 1024, true)));
    const waiting = host.in(IN, 1024);
    await host.settle();
    expect(waiting.answer).toBeUndefined();
    const changed = Buffer.from(image);
    changed.set(pattern(512, 9), 4001 * 512); // shows that it is read from there
    reading.close(true, new Blob([changed]));
    expect((await host.wait(waiting)).bytes).toEqual(new Uint8Array(changed.subarray(4000 * 512, 4002 * 512)));
    status(host);
    expect(isChanged(host.device)).toBe(true);
    const after = Buffer.from(changed);
    after.set(pattern(512, 3), 1024);
    expect(Buffer.compare(await all(host.device.openImage?.() as ImageReading), after)).toBe(0);
  });

  test("goes on as before when that fails, and is not saved from two sides at once", async () => {
    const host = await plugDrive(source);
    write(host, 1, pattern(512, 2));
    const [first, second] = [host.device.openImage?.(), host.device.openImage?.()] as ImageReading[];
    await all(first as ImageReading);
    await all(second as ImageReading);
    second?.hold();
    expect(() => first?.hold()).toThrow("Save it again");
    second?.close(false);
    first?.hold();
    first?.close(true, new Blob([contents]));
    const late = host.device.openImage?.() as ImageReading;
    const state = host.device.save?.();
    late.hold();
    late.close(true, new Blob([contents]));
    expect(() => host.device.restore?.(state)).toThrow("after the state was saved");
  });
});

test("the page hears of the first write after each save, and not of every write", async () => {
  let told = 0;
  const device = await createDevice(
    { kind: "flash-drive", image: { size: MIB } },
    { ...quiet, hasOutput: () => void told++ },
  );
  const host = await Host.plug(device);
  host.configure();
  command(host, cdb(0x03, 6, { 4: 18 }), 18);
  for (let block = 0; block < 10; block++) write(host, block, pattern(512));
  expect(told).toBe(1);
  const reading = device.openImage?.() as ImageReading;
  await all(reading);
  reading.close(true);
  expect(told).toBe(2);
});

test("an ejected flash drive is told to the page, and its image can still be read", async () => {
  const host = await plugDrive({ kind: "flash-drive", image: { bytes: contents } });
  command(host, cdb(0x1b, 6, { 4: 2 }), 0);
  expect(host.device.output?.()).toMatchObject({ loaded: false });
  expect(Buffer.compare(await all(host.device.openImage?.() as ImageReading), contents)).toBe(0);
});

test("a guest that writes more than can be put aside ends the reading in words, and not its own writing", async () => {
  const image = await openImage({ size: 300 * MIB });
  const reader = new ImageReader(image, {
    over: () => undefined,
    saved: () => undefined,
    replace: () => () => undefined,
  });
  reader.preserve(0, 257 * MIB);
  await expect(reader.next()).rejects.toThrow("unmount it in the guest");
});

describe("a drive with a name", () => {
  const source: DeviceSource = {
    kind: "flash-drive",
    image: { blob: new Blob([contents]), writes: "memory" },
    keep: "mine",
  };

  test("keeps what was written to it over an unplug, and is read unplugged", async () => {
    const shelf = new Shelf();
    const host = await plugDrive(source, shelf);
    write(host, 7, pattern(512, 5));
    const expected = contents.slice();
    expected.set(pattern(512, 5), 7 * 512);
    await host.device.close();
    const reading = shelf.find("mine")?.open() as ImageReading;
    const again = await plugDrive(source, shelf);
    write(again, 9, pattern(512, 6));
    expect(Buffer.compare(await all(reading), expected)).toBe(0);
    expect(command(again, rw10(0x28, 7, 1), 512).data).toEqual(pattern(512, 5));
    expect(isChanged(again.device)).toBe(true);
    expect(again.device.origin).toMatchObject({ image: { kept: "mine" } });
  });

  test("is in one port at a time, and forgotten when that is asked for", async () => {
    const shelf = new Shelf();
    const host = await plugDrive(source, shelf);
    await expect(createDevice(source, quiet, undefined, undefined, shelf)).rejects.toMatchObject({ name: "BusyError" });
    write(host, 7, pattern(512, 5));
    const reading = shelf.find("mine")?.open() as ImageReading;
    shelf.forget("mine");
    expect(shelf.find("mine")).toBeUndefined();
    expect(command(host, rw10(0x28, 7, 1), 512).data).toEqual(pattern(512, 5));
    await host.device.close();
    await expect(reading.next()).rejects.toThrow("unplugged before all of it was read");
    const again = await plugDrive(source, shelf);
    const read = again.in(0x81, 512);
    again.cancel(read);
    expect(isChanged(again.device)).toBe(false);
    await expect(plugDrive({ kind: "flash-drive", image: { kept: "nobody's" } }, shelf)).rejects.toThrow(
      "plug it again",
    );
  });
});
