/** The page's capture: what is kept, how much of it, and what is said. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { captureNote } from "../../app/hub/words.ts";
import { UsbCapture } from "../../app/page/usb-capture.ts";

const HEAD = 40;
const PACKET = 100_000;

let blobs: Blob[];
let revoked: string[];
beforeEach(() => {
  blobs = [];
  revoked = [];
  vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => `blob:${blobs.push(blob as Blob)}`);
  vi.spyOn(URL, "revokeObjectURL").mockImplementation((url) => void revoked.push(url));
});
afterEach(() => vi.restoreAllMocks());

function createCapture(max?: number) {
  const said: string[] = [];
  const listeners = new Set<(bytes: Uint8Array<ArrayBuffer>) => void>();
  const host = {
    capture(write: (bytes: Uint8Array<ArrayBuffer>) => void) {
      write(new Uint8Array(HEAD).fill(0x0a));
      listeners.add(write);
      return () => void listeners.delete(write);
    },
  };
  const hooks = { host: () => host as typeof host | undefined, announce: (words: string) => void said.push(words) };
  const capture = new UsbCapture(hooks, max);
  let number = 0;
  /** The bytes of the packets that were carried, each different. */
  const carry = (count: number) => {
    const packets = Array.from({ length: count }, () => new Uint8Array(PACKET).fill(++number).fill(6, 0, 1));
    for (const packet of packets) for (const write of [...listeners]) write(packet);
    return packets;
  };
  return { capture, carry, hooks, listeners, said };
}

it("keeps every byte in its order, across pieces, and gives a file", async () => {
  const { capture, carry, said } = createCapture();
  capture.start();
  const packets = carry(25);
  expect(capture.note).toBe("Recording: 25 packets, 2.4 MiB");
  expect(capture.file).toBeUndefined();
  capture.stop();
  carry(1);
  expect(capture.file).toEqual({ url: "blob:1", name: expect.stringMatching(/^pvusb-\d{4}(-\d\d){5}\.pcapng$/) });
  const bytes = Buffer.from((await blobs[0]?.arrayBuffer()) ?? new ArrayBuffer(0));
  expect(bytes.equals(Buffer.concat([new Uint8Array(HEAD).fill(0x0a), ...packets]))).toBe(true);
  expect(said.at(-1)).toMatch(/^The capture has ended\. Save it/);
  expect(capture.note).toBe("25 packets, 2.4 MiB");
});

it("stops by itself before it is too large, on a whole packet, and says so once", () => {
  const { capture, carry, listeners, said } = createCapture(3 * PACKET + HEAD + 10);
  capture.start();
  carry(5);
  expect(listeners.size).toBe(0);
  expect(capture.running).toBe(false);
  expect(blobs[0]?.size).toBe(3 * PACKET + HEAD);
  expect(capture.note).toBe("Full: 3 packets, 293 KiB");
  capture.stop();
  expect(said.slice(1)).toEqual(["The capture is full and has ended. Save it, or start a new one."]);
});

it("that ends on a whole piece loses nothing", () => {
  const { capture, carry, listeners } = createCapture(2 ** 20);
  capture.start();
  carry(10);
  for (const write of [...listeners]) write(new Uint8Array(2 ** 20 - HEAD - 10 * PACKET).fill(6));
  capture.stop();
  expect(blobs[0]?.size).toBe(2 ** 20);
});

it("forgets the last one when the next begins", () => {
  const { capture, carry } = createCapture();
  capture.start();
  carry(1);
  capture.stop();
  capture.start();
  expect([capture.file, revoked]).toEqual([undefined, ["blob:1"]]);
  expect(capture.note).toBe("Recording: 0 packets, 40 B");
});

it("does nothing without a hub, nor twice", () => {
  const { capture, hooks, listeners } = createCapture();
  capture.stop();
  capture.start();
  capture.start();
  expect(listeners.size).toBe(1);
  const off = new UsbCapture({ ...hooks, host: () => undefined });
  off.start();
  expect(off.running).toBe(false);
});

it("speaks of one packet and of many", () => {
  expect(captureNote("running", 1, 100)).toBe("Recording: 1 packet, 100 B");
  expect(captureNote("running", 12_345, 2 ** 20)).toBe("Recording: 12,345 packets, 1 MiB");
});
