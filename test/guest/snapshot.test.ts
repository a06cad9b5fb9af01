/** Saved states of a machine with devices at work: v86's own save_state and restore_state, one file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GuestOptions } from "../../dist/app/guest/default-guest.js";
import type { UsbHostOptions } from "../../dist/app/index.js";
import { type Bench, md5, pattern, startGuest } from "./harness.ts";

const MIB = 1 << 20;
const DISK = "while [ ! -b /dev/sda ]; do usleep 20000; done";
const IN_BACKGROUND = "</dev/null >/dev/null 2>&1 &";
const READ = `rm -f /tmp/sum; (dd if=/dev/sda bs=64k | md5sum >/tmp/sum.new; mv /tmp/sum.new /tmp/sum) ${IN_BACKGROUND}`;
const SUM = "test -f /tmp/sum && cut -d' ' -f1 /tmp/sum";

/** A state in which the given bytes of port 1 are behind, and no more than that and a burst. */
async function stateAfter(bench: Bench, bytes: number, command: string): Promise<Uint8Array<ArrayBuffer>> {
  const { controller, guest, run } = bench;
  const { counters } = controller.port(1).status;
  const moved = () => counters.bytesIn + counters.bytesOut;
  const end = moved() + bytes;
  let reached = () => {};
  const there = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const stop = controller.trace({ urbs: () => moved() >= end && reached() });
  await run(command);
  await there;
  stop();
  return guest.saveState();
}

/** Another emulator and another host, which go on from a state. */
async function resume(state: Uint8Array<ArrayBuffer>, usb: UsbHostOptions, options: Partial<GuestOptions> = {}) {
  const states = { get: async () => state, set: async () => {}, delete: async () => {} };
  const bench = await startGuest(usb, { states, ...options });
  expect(bench.guest.resumed).toBe(true);
  return bench;
}

describe.each(["worker", "thread"] as const)("a state of a guest with devices, backend in a %s", (placement) => {
  let bench: Bench;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "pvusb-snapshot-"));
    bench = await startGuest({ placement });
  });
  afterAll(async () => {
    await bench?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("taken in the middle of a dd: the dd ends with the right checksum, there and in a restored machine", async () => {
    const { controller, host, run, until } = bench;
    const bytes = pattern(48 * MIB);
    await controller.port(1).plug(host.device("flash-drive", { image: { bytes } }));
    await run(DISK);
    const state = await stateAfter(bench, 8 * MIB, READ);
    expect((await bench.guest.exec("test -f /tmp/sum")).status).not.toBe(0);
    expect(await until(SUM)).toBe(`${md5(bytes)}\n`);

    const other = await resume(state, { placement });
    expect(other.controller.port(1).plugged).toMatchObject({ product: "Flash Drive" });
    expect(await other.until(SUM)).toBe(`${md5(bytes)}\n`);
    // The guest has noticed nothing.
    expect(await other.run("dmesg | grep -c -e 'USB disconnect' -e 'reset SuperSpeed'; true")).toBe("0\n");
    await other.stop();
    await controller.port(1).unplug();
    await until("! test -e /dev/sda");
  });
});
