import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { File as WebStdFile } from "@web-std/file";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { STATUS_CANCELLED, STATUS_OK, STATUS_STALL } from "../../../asm/layout.ts";
import type { ImageSource } from "../../../worker/protocol.ts";
import { type Host, hex, now, pattern } from "./harness.ts";
import {
  bulkOnlyReset,
  cbw,
  cdb,
  command,
  flashDrive,
  IN,
  OUT,
  parseCsw,
  plugDrive,
  resetRecovery,
  rw10,
  sense,
  status,
} from "./storage.ts";

const PASSED = 0;
const FAILED = 1;

/** A READ(10) whose data comes when a promise brings it. */
async function slowRead(host: Host, lba: number, blocks: number) {
  now(host.out(OUT, cbw(rw10(0x28, lba, blocks), blocks * 512, true)));
  const transfer = host.in(IN, blocks * 512);
  expect(transfer.answer, "not yet").toBeUndefined();
  const data = await host.wait(transfer);
  return { ...data, csw: status(host) };
}

/** A Blob whose bytes come when the test says so. */
class GatedBlob extends Blob {
  readonly gates: (() => void)[] = [];
  failing = false;

  override slice(start?: number, end?: number): Blob {
    const slice = super.slice(start, end);
    const bytes = slice.arrayBuffer.bind(slice);
    slice.arrayBuffer = async () => {
      await new Promise<void>((resolve) => this.gates.push(resolve));
      if (this.failing) throw new DOMException("gone", "NotReadableError");
      return bytes();
    };
    return slice;
  }
}

describe("Blob and File", () => {
  const data = pattern(4 << 20);
  const kinds: [string, () => Blob][] = [
    ["Blob", () => new Blob([data])],
    ["File", () => new File([data], "disk.img")],
    ["File of @web-std/file", () => new WebStdFile([data], "disk.img") as unknown as Blob],
  ];
  for (const [name, make] of kinds) {
    test(`a ${name} is read when its bytes come, 4 MiB at once too`, async () => {
      const host = await plugDrive({ blob: make() });
      const read = await slowRead(host, 0, 8192);
      expect(read).toMatchObject({ status: STATUS_OK, csw: { status: PASSED, residue: 0 } });
      expect(Buffer.compare(read.bytes, data)).toBe(0);
      expect(Buffer.compare((await slowRead(host, 100, 3)).bytes, data.subarray(51200, 51200 + 1536))).toBe(0);
      expect(hex(command(host, cdb(0x1a, 6, { 2: 0x3f, 4: 4 }), 4).data), "write-protected").toBe("23008000");
      expect(host.clean).toBe(true);
    });
  }

  test("a last sector that is not whole is padded, and the person is told", async () => {
    const bytes = pattern(700);
    const host = await plugDrive({ blob: new Blob([bytes]) });
    expect(hex(command(host, cdb(0x25, 10), 8).data)).toBe("0000000100000200");
    const read = await slowRead(host, 0, 2);
    expect(read.bytes).toEqual(Uint8Array.from([...bytes, ...new Array(324).fill(0)]));
    expect(host.device.identity.notes.join()).toContain("700 bytes");
  });

  test("in a worker of a browser, FileReaderSync answers inside the doorbell", async () => {
    const contents = new Map<Blob, ArrayBuffer>();
    class KnownBlob extends Blob {
      override slice(start?: number, end?: number): Blob {
        const slice = super.slice(start, end);
        contents.set(slice, data.slice(start, end).buffer);
        return slice;
      }
    }
    vi.stubGlobal(
      "FileReaderSync",
      class {
        readAsArrayBuffer = (blob: Blob) => contents.get(blob);
      },
    );
    try {
      const host = await plugDrive({ blob: new KnownBlob([data]) });
      expect(
        Buffer.compare(command(host, rw10(0x28, 5, 300), 300 * 512).data, data.subarray(2560, 2560 + 153600)),
      ).toBe(0);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test("several transfers of one data stage, each brought by its promise", async () => {
    const host = await plugDrive({ blob: new Blob([data]) });
    const parts = [1024, 2048, 1024].map((length) => host.in(IN, length));
    const csw = host.in(IN, 13);
    host.out(OUT, cbw(rw10(0x28, 0, 8), 4096, true));
    const status = await host.wait(csw);
    expect(parseCsw(status)).toMatchObject({ status: PASSED, residue: 0 });
    expect(Buffer.compare(Buffer.concat(parts.map((each) => now(each).bytes)), data.subarray(0, 4096))).toBe(0);
  });

  test("a read cancelled on its way is answered at once; its late bytes touch nobody's transfer", async () => {
    const blob = new GatedBlob([data]);
    const host = await plugDrive({ blob });
    now(host.out(OUT, cbw(rw10(0x28, 0, 4), 2048, true)));
    const given = host.in(IN, 2048);
    expect(blob.gates).toHaveLength(1);
    host.cancel(given);
    expect(now(given)).toMatchObject({ status: STATUS_CANCELLED, actual: 0 });
    // The same slot again, before the promise: these bytes were not sent, so they come now.
    const again = host.in(IN, 1024);
    expect(again.urb).toBe(given.urb);
    expect(blob.gates).toHaveLength(2);
    blob.gates[0]?.();
    await host.settle();
    expect(again.answer).toBeUndefined();
    blob.gates[1]?.();
    expect((await host.wait(again)).bytes).toEqual(data.subarray(0, 1024));
    const rest = host.in(IN, 1024);
    blob.gates[2]?.();
    expect((await host.wait(rest)).bytes).toEqual(data.subarray(1024, 2048));
    expect(status(host)).toMatchObject({ status: PASSED, residue: 0 });
    expect(host.clean).toBe(true);
  });

  test("reset recovery and resets of the port in the middle of a read", async () => {
    const blob = new GatedBlob([data]);
    const host = await plugDrive({ blob });
    const start = (lba: number) => {
      now(host.out(OUT, cbw(rw10(0x28, lba, 2), 1024, true)));
      return host.in(IN, 1024);
    };
    const first = start(0);
    expect(bulkOnlyReset(host).status).toBe(STATUS_OK);
    host.cancel(first);
    resetRecovery(host);
    const second = start(50);
    expect(second.urb).toBe(first.urb);
    blob.gates[0]?.();
    await host.settle();
    expect(second.answer).toBeUndefined();
    await host.reset(second);
    host.configure();
    expect(sense(host)).toBe("06/29/00");
    const third = start(70);
    blob.gates[1]?.();
    await host.settle();
    expect(third.answer).toBeUndefined();
    blob.gates[2]?.();
    expect((await host.wait(third)).bytes).toEqual(data.subarray(70 * 512, 72 * 512));
    expect(status(host)).toMatchObject({ status: PASSED });

    // A halt set by the host, then the unplug.
    const fourth = start(1);
    host.control({ bmRequestType: 0x02, bRequest: 3, wIndex: IN });
    expect(now(fourth).status).toBe(STATUS_STALL);
    host.clearHalt(IN);
    const fifth = host.in(IN, 1024);
    await host.device.close();
    await host.settle();
    expect(now(fifth).status).toBe(STATUS_CANCELLED);
    for (const gate of blob.gates) gate();
    await host.settle();
    expect(host.clean).toBe(true);
  });

  test("a transfer that waited through a Bulk-Only reset gets the next command's data, not the old one's", async () => {
    const blob = new GatedBlob([data]);
    const host = await plugDrive({ blob });
    now(host.out(OUT, cbw(rw10(0x28, 0, 2), 1024, true)));
    const transfer = host.in(IN, 1024);
    expect(bulkOnlyReset(host).status).toBe(STATUS_OK);
    blob.gates[0]?.();
    await host.settle();
    expect(transfer.answer).toBeUndefined();
    now(host.out(OUT, cbw(rw10(0x28, 9, 2), 1024, true)));
    blob.gates[1]?.();
    expect((await host.wait(transfer)).bytes).toEqual(data.subarray(9 * 512, 11 * 512));
  });

  test("a file that cannot be read any more is an unrecovered read error", async () => {
    const blob = new GatedBlob([data]);
    const host = await plugDrive({ blob });
    now(host.out(OUT, cbw(rw10(0x28, 0, 4), 2048, true)));
    const [good, bad] = [host.in(IN, 1024), host.in(IN, 1024)];
    blob.gates[0]?.();
    expect((await host.wait(good)).status).toBe(STATUS_OK);
    blob.failing = true;
    blob.gates[1]?.();
    expect(await host.wait(bad)).toMatchObject({ status: STATUS_STALL, actual: 0 });
    host.clearHalt(IN);
    expect(status(host)).toMatchObject({ status: FAILED, residue: 1024 });
    expect(sense(host)).toBe("03/11/00");
    expect(command(host, cdb(0x00, 6), 0).status).toBe(PASSED);
    expect(host.clean).toBe(true);
  });
});

describe("file on disk", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pvusb-image-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const file = (bytes: Uint8Array): string => {
    const path = join(folder, "disk.img");
    writeFileSync(path, bytes);
    return path;
  };

  test("reads, writes and flushes, 1 MiB at once, and has a write cache", async () => {
    const path = file(pattern(2 << 20));
    const host = await plugDrive({ path });
    const data = pattern(1 << 20, 7);
    expect(command(host, rw10(0x2a, 3, 2048), data)).toMatchObject({ status: PASSED, residue: 0 });
    expect(Buffer.compare(command(host, rw10(0x28, 3, 2048), 1 << 20).data, data)).toBe(0);
    expect(command(host, rw10(0x35, 0, 0), 0).status).toBe(PASSED);
    expect(hex(command(host, cdb(0x1a, 6, { 2: 0x08, 4: 7 }), 7).data)).toBe("17000000081204");
    await host.device.close();
    const after = readFileSync(path);
    expect(after.length).toBe(2 << 20);
    expect(Buffer.compare(after.subarray(1536, 1536 + (1 << 20)), data)).toBe(0);
    expect(Buffer.compare(after.subarray(0, 1536), pattern(2 << 20).subarray(0, 1536))).toBe(0);
  });

  test("readOnly is kept: the drive refuses, the file stays", async () => {
    const path = file(pattern(4096));
    const host = await plugDrive({ path }, { readOnly: true });
    expect(command(host, rw10(0x2a, 0, 1), new Uint8Array(512)).status).toBe(FAILED);
    expect(sense(host)).toBe("07/27/00");
    expect(command(host, rw10(0x28, 0, 8), 4096).data).toEqual(pattern(4096));
    await host.device.close();
    expect(readFileSync(path)).toEqual(Buffer.from(pattern(4096)));
  });

  test("a last sector that is not whole reads as padded, and becomes whole when it is written", async () => {
    const path = file(pattern(1000));
    const host = await plugDrive({ path });
    expect(host.device.identity.notes.join()).toContain("1000 bytes");
    expect(command(host, rw10(0x28, 1, 1), 512).data).toEqual(
      Uint8Array.from([...pattern(1000).subarray(512), ...new Array(24).fill(0)]),
    );
    expect(command(host, rw10(0x2a, 1, 1), pattern(512, 3)).status).toBe(PASSED);
    expect(command(host, rw10(0x28, 1, 1), 512).data).toEqual(pattern(512, 3));
    await host.device.close();
    expect(statSync(path).size).toBe(1024);
  });

  test("a file that shrinks under the drive is an unrecovered read error", async () => {
    const path = file(pattern(8192));
    const host = await plugDrive({ path });
    writeFileSync(path, pattern(1024));
    expect(command(host, rw10(0x28, 0, 2), 1024).data).toEqual(pattern(8192).subarray(0, 1024));
    expect(command(host, rw10(0x28, 0, 16), 8192)).toMatchObject({ status: FAILED, stalled: true, residue: 8192 });
    expect(sense(host)).toBe("03/11/00");
    expect(command(host, cdb(0x00, 6), 0).status).toBe(PASSED);
  });

  const wrong: [string, () => ImageSource, RegExp][] = [
    ["missing", () => ({ path: join(folder, "none.img") }), /There is no image .*none\.img\./],
    ["a directory", () => ({ path: folder }), /is a directory\./],
    ["empty", () => ({ path: file(new Uint8Array()) }), /is empty\./],
    ["in a file instead of a directory", () => ({ path: join(file(new Uint8Array(1)), "x") }), /could not be opened/],
    ["of the origin's file system, outside a browser", () => ({ opfs: "disk", size: 512 }), /needs a browser/],
    ["of no bytes", () => ({ bytes: new Uint8Array() }), /positive whole number/],
    ["of a size that is none", () => ({ size: -1 }), /positive whole number/],
    ["of half a byte", () => ({ size: 0.5 }), /positive whole number/],
    ["an empty Blob", () => ({ blob: new Blob([]) }), /positive whole number/],
    ["no Blob", () => ({ blob: {} as Blob }), /must be a Blob or a File/],
    ["nothing", () => ({}) as ImageSource, /must be a blob/],
  ];
  for (const [what, source, message] of wrong) {
    test(`an image that is ${what} is an ImageError with one sentence`, async () => {
      const error: unknown = await flashDrive(source()).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: "ImageError" });
      expect((error as Error).message).toMatch(message);
    });
  }
});

describe("file of the origin's private file system", () => {
  /** A private file system as browsers have it, with one thread's synchronous access. */
  function stubStorage(files: Map<string, number[]>, inUse: Set<string>) {
    const directory = (prefix: string): unknown => ({
      getDirectoryHandle: async (name: string) => directory(`${prefix}${name}/`),
      getFileHandle: async (name: string, { create }: { create: boolean }) => {
        const key = prefix + name;
        if (!files.has(key)) {
          if (!create) throw new DOMException("none", "NotFoundError");
          files.set(key, []);
        }
        return {
          createSyncAccessHandle: async () => {
            if (inUse.has(key)) throw new DOMException("locked", "NoModificationAllowedError");
            inUse.add(key);
            const bytes = files.get(key) as number[];
            const unshared = (view: Uint8Array) => {
              if (!(view.buffer instanceof ArrayBuffer)) throw new TypeError("shared");
            };
            return {
              getSize: () => bytes.length,
              truncate: (size: number) => {
                bytes.length = size;
                bytes.fill(0);
              },
              read: (into: Uint8Array, { at }: { at: number }) => {
                unshared(into);
                const part = bytes.slice(at, at + into.length);
                into.set(part);
                return part.length;
              },
              write: (from: Uint8Array, { at }: { at: number }) => {
                unshared(from);
                for (const [index, byte] of from.entries()) bytes[at + index] = byte;
                return from.length;
              },
              flush: () => {},
              close: () => inUse.delete(key),
            };
          },
        };
      },
    });
    vi.stubGlobal("navigator", { storage: { getDirectory: async () => directory("") } });
  }
  afterEach(() => vi.unstubAllGlobals());

  test("is made, kept, taken up again, and lent to one drive at a time", async () => {
    const files = new Map<string, number[]>();
    const inUse = new Set<string>();
    stubStorage(files, inUse);
    await expect(flashDrive({ opfs: "disks/one" })).rejects.toThrow(/There is no disk "disks\/one"/);
    const host = await plugDrive({ opfs: "disks/one", size: 256 << 10 });
    await expect(flashDrive({ opfs: "disks/one" })).rejects.toThrow(/is in use/);
    const data = pattern(200 << 10);
    expect(command(host, rw10(0x2a, 8, 400), data).status).toBe(PASSED);
    expect(Buffer.compare(command(host, rw10(0x28, 8, 400), data.length).data, data)).toBe(0);
    await host.device.close();
    expect(inUse.size).toBe(0);
    const again = await plugDrive({ opfs: "disks/one" });
    expect(Buffer.compare(command(again, rw10(0x28, 8, 400), data.length).data, data)).toBe(0);
    expect(hex(command(again, cdb(0x25, 10), 8).data)).toBe("000001ff00000200");
  });
});
