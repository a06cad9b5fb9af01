/** The backend's worker is killed while the guest reads a disk: the guest lives, and its devices come back. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, expect, it } from "vitest";
import { COMPLAINTS } from "./disk.ts";
import { type Bench, md5, pattern, startGuest } from "./harness.ts";

const MIB = 1 << 20;
const READ = "dd if=/dev/sda of=/dev/null bs=64k iflag=direct 2>&1";

let folder: string;
let bench: Bench;
let worker: Worker;
const notices: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pvusb-dead-"));
  bench = await startGuest({
    worker: () => {
      worker = new Worker(new URL("../../dist/worker/main.js", import.meta.url));
      return worker;
    },
  });
  bench.host.onNotice = ({ path, reason }) => notices.push(`${path}: ${reason}`);
  await bench.run("echo 0 > /sys/module/usb_storage/parameters/delay_use");
});
afterAll(async () => {
  await bench?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it("an I/O error, and then the same disk with the same bytes and the keyboard in their ports", async () => {
  const { controller, guest, host, run, until } = bench;
  const path = join(folder, "disk.img");
  const bytes = pattern(48 * MIB);
  writeFileSync(path, bytes);
  await controller.port(1).plug(host.device("flash-drive", { image: { path } }));
  await controller.port(2).plug(host.device("keyboard"));
  await until("test -b /dev/sda");
  const dd = guest.exec(READ, { timeout: 60_000 });
  const { counters } = controller.port(1).status;
  const before = counters.bytesIn;
  while (counters.bytesIn < before + 2 * MIB) await new Promise((resolve) => setTimeout(resolve, 1));
  await worker.terminate();
  expect((await dd).status).not.toBe(0);
  await until("test -b /dev/sda");
  await expect.poll(() => notices).toHaveLength(2);
  expect(notices[0]).toMatch(/^1: .* Flash Drive was plugged in again\.$/);
  expect((await run("md5sum </dev/sda")).split(" ")[0]).toBe(md5(bytes));
  await until("grep -q 'pvusb Keyboard' /proc/bus/input/devices");
  expect(md5(readFileSync(path))).toBe(md5(bytes));
  expect(await run("dmesg")).not.toMatch(COMPLAINTS);
  expect(await host.stats()).toMatchObject({ links: 1, devices: 2 });
});
