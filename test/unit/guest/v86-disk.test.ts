import { expect, test } from "vitest";
import { V86Disk } from "../../../app/guest/v86-disk.ts";

const CHUNK = 128 * 1024;

function pattern(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 9)) & 0xff);
}

/** Counts what is read of it. */
class CountedBlob extends Blob {
  readonly reads: [number, number][] = [];
  override slice(start = 0, end = this.size): Blob {
    this.reads.push([start, end]);
    return super.slice(start, end);
  }
}

function get(disk: V86Disk, start: number, length: number): Promise<Uint8Array> {
  return new Promise((resolve) => disk.get(start, length, resolve));
}

test("a file is read when the guest reads, a piece at a time, and a piece once", async () => {
  const bytes = pattern(3 * CHUNK);
  const blob = new CountedBlob([bytes]);
  const disk = new V86Disk(blob);
  expect(disk.byteLength).toBe(bytes.length);
  expect(blob.reads).toEqual([]);
  expect(await get(disk, CHUNK + 512, 1024)).toEqual(bytes.slice(CHUNK + 512, CHUNK + 1536));
  expect(await get(disk, CHUNK, 512)).toEqual(bytes.slice(CHUNK, CHUNK + 512));
  expect(disk.get_from_cache(CHUNK, 512)).toEqual(bytes.slice(CHUNK, CHUNK + 512));
  expect(disk.get_from_cache(0, 512)).toBeUndefined();
  expect(blob.reads).toEqual([[CHUNK, 2 * CHUNK]]);
  expect(await get(disk, CHUNK - 512, CHUNK + 1024)).toEqual(bytes.slice(CHUNK - 512, 2 * CHUNK + 512));
  expect(blob.reads.length).toBe(3);
});

test("a read larger than what is kept comes whole, and only the last of it is kept", async () => {
  const bytes = pattern(70 * CHUNK);
  const blob = new CountedBlob([bytes]);
  const disk = new V86Disk(blob);
  expect(Buffer.compare(await get(disk, 0, bytes.length), bytes)).toBe(0);
  expect(disk.get_from_cache(0, 512)).toBeUndefined();
  expect(disk.get_from_cache(69 * CHUNK, 512)).toBeDefined();
});

test("the last sector is filled up with zeros; a CD's has 2048 bytes", async () => {
  const blob = new Blob([pattern(700)]);
  expect(new V86Disk(blob).byteLength).toBe(1024);
  const cd = new V86Disk(blob, { cd: true });
  expect(cd.byteLength).toBe(2048);
  expect(await get(cd, 0, 2048)).toEqual(Uint8Array.from([...pattern(700), ...new Uint8Array(1348)]));
});

test("what is written is read again, and the file stays as it was", async () => {
  const bytes = pattern(2 * CHUNK);
  const disk = new V86Disk(new Blob([bytes]));
  const model = bytes.slice();
  expect(disk.changed).toBe(false);
  for (const [start, length] of [
    [512, 512],
    [CHUNK - 1024, 2048],
    [3584, 1024],
  ] as const) {
    const written = new Uint8Array(length).fill(start / 512 + 1);
    model.set(written, start);
    let done = false;
    disk.set(start, written, () => {
      done = true;
    });
    expect(done).toBe(true);
  }
  expect(disk.changed).toBe(true);
  expect(Buffer.compare(await get(disk, 0, 2 * CHUNK), model)).toBe(0);
  expect(await get(disk, 4096, 512)).toEqual(model.slice(4096, 4608));
  expect(Buffer.compare(await disk.read(100, 5000), model.slice(100, 5100))).toBe(0);
});

test("a blank disk is zeros at once, however large", async () => {
  const disk = new V86Disk(2 ** 36);
  expect(disk.byteLength).toBe(2 ** 36);
  expect(disk.get_from_cache(2 ** 36 - 512, 512)).toEqual(new Uint8Array(512));
  disk.set(2 ** 36 - 512, new Uint8Array(512).fill(5), () => {});
  expect(disk.get_from_cache(2 ** 36 - 512, 512)).toEqual(new Uint8Array(512).fill(5));
});

test("a saved state has what was written, and no more", async () => {
  const bytes = pattern(CHUNK);
  const disk = new V86Disk(new Blob([bytes]));
  disk.set(1024, new Uint8Array(512).fill(9), () => {});
  // v86 keeps arrays, numbers and typed arrays.
  const state = structuredClone(disk.get_state());
  const other = new V86Disk(new Blob([bytes]));
  other.set(8192, new Uint8Array(512).fill(1), () => {});
  other.set_state(state);
  const model = bytes.slice();
  model.fill(9, 1024, 1536);
  expect(Buffer.compare(await get(other, 0, CHUNK), model)).toBe(0);
});

test.each([[null], [undefined], [[]], [[[1], [255], "x"]], [[[1], 5, new Uint8Array(4096)]]])(
  "a state of a machine without the disk is no change: %j",
  async (state) => {
    const disk = new V86Disk(new Blob([pattern(4096)]));
    disk.set_state(state);
    expect(await get(disk, 0, 4096)).toEqual(pattern(4096));
  },
);

test("a file that cannot be read is told, and the guest gets no answer; later it may", async () => {
  const blob = new Blob([pattern(1024)]);
  const slice = blob.slice.bind(blob);
  let gone = true;
  Object.defineProperty(blob, "slice", {
    value: (start: number, end: number) =>
      gone ? { arrayBuffer: () => Promise.reject(new DOMException("x", "NotReadableError")) } : slice(start, end),
  });
  let answered = false;
  const error = await new Promise((resolve) => {
    new V86Disk(blob, { onError: resolve }).get(0, 512, () => {
      answered = true;
    });
  });
  expect(error).toMatchObject({ name: "NotReadableError" });
  expect(answered).toBe(false);
  gone = false;
  expect(await get(new V86Disk(blob), 0, 512)).toEqual(pattern(512));
});
