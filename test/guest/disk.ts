/** What a disk of the guest is put through, whatever its kind: read, written, and pulled out in the middle. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import type { DeviceSource } from "../../worker/protocol.ts";
import { type Bench, md5, pattern } from "./harness.ts";

const MIB = 1 << 20;
/** Until the guest has the disk. */
export const DISK = "until head -c 1 /dev/sda >/dev/null 2>&1; do usleep 20000; done";
/** Words of a kernel that something went wrong with; a device that is pulled out is none of it. */
export const COMPLAINTS = /xhci_hcd.*(not responding|died|timeout|ERROR)|BUG:|Oops|hung task|nobody cared/i;

/** Plugs a disk into port 1, works with it as /dev/sda, and pulls it out. */
export async function withDisk<T>(bench: Bench, disk: DeviceSource, work: () => Promise<T>): Promise<T> {
  const { controller, run, until } = bench;
  await controller.port(1).plug(disk);
  await run(DISK);
  const result = await work();
  await controller.port(1).unplug();
  await until("! test -e /dev/sda");
  return result;
}

/** The guest's checksum of the whole disk is the host's, and the host's file is as it was. */
export async function readsBack(bench: Bench, disk: DeviceSource, path: string, mebibytes: number): Promise<void> {
  const bytes = pattern(mebibytes * MIB);
  writeFileSync(path, bytes);
  const sum = await withDisk(bench, disk, () => bench.run("dd if=/dev/sda bs=1M 2>/dev/null | md5sum"));
  expect(sum.split(" ")[0]).toBe(md5(bytes));
  expect(md5(readFileSync(path))).toBe(md5(bytes));
}

/** What the guest has written is in the file after the unplug, and nothing else is. */
export async function keepsWhatIsWritten(bench: Bench, disk: DeviceSource, path: string): Promise<void> {
  writeFileSync(path, new Uint8Array(16 * MIB));
  const sums = await withDisk(bench, disk, () =>
    bench.run(
      "dd if=/dev/urandom of=/tmp/pattern bs=1M count=8 2>/dev/null;" +
        "dd if=/tmp/pattern of=/dev/sda bs=1M seek=4 2>/dev/null && sync && md5sum </tmp/pattern && rm /tmp/pattern",
    ),
  );
  const image = readFileSync(path);
  expect(md5(image.subarray(4 * MIB, 12 * MIB))).toBe(sums.split(" ")[0]);
  expect(image.subarray(0, 4 * MIB).every((byte) => byte === 0)).toBe(true);
  expect(image.subarray(12 * MIB).every((byte) => byte === 0)).toBe(true);
}

/** Pulls a disk out while the guest's command, which has no end, moves its data: the command fails, and the node goes. */
export async function pullInTheMiddle(bench: Bench, disk: DeviceSource, command: string): Promise<void> {
  const { controller, guest, run, until } = bench;
  const port = controller.port(1);
  await port.plug(disk);
  await run(DISK);
  const dd = guest.exec(command, { timeout: 60_000 });
  let early: unknown;
  dd.then((result) => {
    early = result.output;
  }, String);
  const moved = () => port.status.counters.bytesIn + port.status.counters.bytesOut;
  const before = moved();
  while (moved() < before + 2 * MIB) {
    if (early) throw new Error(`dd ended before the unplug: ${new TextDecoder().decode(early as Uint8Array)}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await port.unplug();
  const { status, output } = await dd;
  expect(status, new TextDecoder().decode(output)).not.toBe(0);
  await until("! test -e /dev/sda");
  expect(port.plugged).toBeUndefined();
}

/** Runs `work`, and then nothing of the link is in use that was free before, and the guest's kernel has no complaint. */
export async function leavesNothingBehind(bench: Bench, work: () => Promise<void>): Promise<void> {
  const { controller, host, run } = bench;
  const used = () => ({ inFlight: controller.inFlight, ...controller.free });
  const atRest = used();
  expect(atRest.inFlight).toBe(0);
  await work();
  expect(used()).toEqual(atRest);
  expect(await host.stats()).toMatchObject({ links: 1, devices: 0, owned: 0, orphans: 0 });
  expect(await run("dmesg")).not.toMatch(COMPLAINTS);
}
