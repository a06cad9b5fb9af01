/** A disk that keeps what is written beside its image, against an array. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { CopyOnWriteImage } from "../../worker/device/storage/image/copy-on-write-image.ts";
import { openImage } from "../../worker/device/storage/image/open-image.ts";
import type { Image } from "../../worker/device/storage/image.ts";
import type { Request } from "../../worker/request.ts";
import { pattern } from "../unit/device/harness.ts";
import { throughFile } from "../unit/saved.ts";
import { runs } from "./runs.ts";

const SIZE = 5 * (1 << 16) + 512;
const contents = pattern(SIZE);

/** A transfer's payload that is in pieces, as an image sees it. */
class Payload {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  window(at: number, length: number): Uint8Array {
    return this.bytes.subarray(at, Math.min(at + length, (Math.floor(at / 4000) + 1) * 4000));
  }

  write(bytes: Uint8Array, at = 0): number {
    this.bytes.set(bytes, at);
    return bytes.length;
  }
}

async function read(image: Image, offset: number, length: number): Promise<Uint8Array> {
  const payload = new Payload(new Uint8Array(length + 3).fill(0xa5));
  const promised = image.read(offset, length, payload as unknown as Request, 3);
  if (promised) payload.write(await promised, 3);
  expect([...payload.bytes.subarray(0, 3)]).toEqual([0xa5, 0xa5, 0xa5]);
  return payload.bytes.subarray(3);
}

const range = fc.tuple(
  fc.nat(SIZE - 1),
  fc.oneof(fc.integer({ min: 1, max: 700 }), fc.integer({ min: 1, max: 150_000 })),
);
const step = fc.record({
  kind: fc.constantFrom("write", "write", "read", "bytes", "save", "replace"),
  range,
  seed: fc.nat(255),
});
/** One that answers at once, and one that promises. */
const BASES = [() => openImage({ bytes: contents }), () => openImage({ blob: new Blob([contents]) })];

test.each(BASES)("base %#", async (base) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      let image = new CopyOnWriteImage(await base());
      const model = contents.slice();
      for (const { kind, range, seed } of steps) {
        const [offset] = range;
        const length = Math.min(range[1], SIZE - offset);
        if (kind === "write") {
          const bytes = pattern(length, seed);
          image.write(offset, length, new Payload(bytes) as unknown as Request, 0);
          model.set(bytes, offset);
        } else if (kind === "read") {
          expect(Buffer.compare(await read(image, offset, length), model.subarray(offset, offset + length))).toBe(0);
        } else if (kind === "bytes") {
          const expected = model.slice(offset, offset + length);
          const promised = image.bytes(offset, length);
          image.write(offset, 1, new Payload(Uint8Array.of(seed)) as unknown as Request, 0);
          model[offset] = seed;
          expect(Buffer.compare(await promised, expected)).toBe(0);
        } else if (kind === "replace") {
          const mark = image.mark();
          const home = model.slice();
          image.write(offset, 1, new Payload(Uint8Array.of(seed)) as unknown as Request, 0);
          model[offset] = seed;
          const replaced = image.replace(mark);
          const waits = read(image, 0, SIZE);
          replaced(new Blob([home]));
          expect(Buffer.compare(await waits, model)).toBe(0);
        } else {
          if (steps.some((each) => each.kind === "replace")) continue; // another base than the one it is made of again
          const state = throughFile(image.save());
          image = new CopyOnWriteImage(await base());
          image.restore(state);
        }
      }
      expect(Buffer.compare(await read(image, 0, SIZE), model)).toBe(0);
    }),
    runs(60),
  );
});
