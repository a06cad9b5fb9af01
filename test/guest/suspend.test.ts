/**
 * Stock Linux suspends itself, and single devices, and wakes up again. Nothing in the emulated machine can end a whole
 * suspend, so the kernel's own test of it does: everything sleeps, and is resumed after a while (pm_test).
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { UsbPort } from "../../dist/app/index.js";
import { type Bench, startGuest } from "./harness.ts";

const DRIVE = "/sys/bus/usb/devices/2-1";
const KEYBOARD = "/sys/bus/usb/devices/1-2";
const TROUBLE = /xHC error|not responding|died|[Cc]ommand timeout|reset-resume|BUG:|Oops|nobody cared|I\/O error/;

let bench: Bench;
let drive: UsbPort;
let keyboard: UsbPort;

beforeAll(async () => {
  bench = await startGuest();
  const { controller, host, run, until } = bench;
  drive = controller.port(1);
  keyboard = controller.port(2);
  await run("echo 0 > /sys/module/usb_storage/parameters/delay_use; echo 0 > /sys/power/pm_async");
  await drive.plug(host.device("flash-drive", { image: { size: 8 << 20 }, serial: "SLEEPER" }));
  await keyboard.plug(host.device("keyboard"));
  await until(`test -b /dev/sda && test -e ${KEYBOARD}/1-2:1.0/*/input/input*/event*`);
});
afterAll(() => bench?.stop());

/** Waits for the guest to do something to a port, however short it is. */
async function becomes(condition: () => boolean): Promise<void> {
  const { controller } = bench;
  if (condition()) return;
  await new Promise<void>((resolve) => {
    controller.onChange = () => {
      if (condition()) resolve();
    };
  });
  controller.onChange = undefined;
}

function everythingSleeps(): boolean {
  return bench.controller.ports.every((port) => !port.plugged || port.status.asleep);
}

/** Suspends the whole guest to idle, up to and including its interrupts; it comes back after `seconds`. */
async function suspendGuest(seconds: number, meanwhile: () => Promise<void> = async () => {}): Promise<string> {
  const { guest, run } = bench;
  await run(
    `dmesg -c >/dev/null; echo ${seconds} > /sys/module/suspend/parameters/pm_test_delay; echo platform > /sys/power/pm_test`,
  );
  const suspended = guest.exec("echo mem > /sys/power/state", { timeout: 120_000 });
  await becomes(everythingSleeps);
  await meanwhile();
  expect((await suspended).status).toBe(0);
  return run("dmesg");
}

it("a guest that was suspended finds its devices as they were: no reset, same address, same files", async () => {
  const { run } = bench;
  await run(
    "set -e; mkfs.vfat /dev/sda >/dev/null; mkdir -p /mnt; mount -t vfat /dev/sda /mnt;" +
      "dd if=/dev/urandom of=/mnt/random bs=64k count=32 2>/dev/null; sync",
  );
  const numbers = `cat ${DRIVE}/devnum ${DRIVE}/connected_duration ${KEYBOARD}/devnum | sed 2d; md5sum /mnt/random`;
  const before = await run(numbers);
  const { address } = drive.status;
  const log = await suspendGuest(0);
  expect(log).toMatch(/suspend entry.*suspend exit/s);
  expect(log).not.toMatch(TROUBLE);
  expect(log).not.toMatch(/USB disconnect|new .*USB device|reset .*USB device/);
  expect(drive.status).toMatchObject({ asleep: false, enabled: true, address });
  await run("echo 3 > /proc/sys/vm/drop_caches");
  expect(await run(numbers)).toBe(before);
  await run("umount /mnt");
});

it("a keyboard sleeps when nobody types, and a key wakes it: not one is lost", async () => {
  const { run, until } = bench;
  const events = await run(`cd ${KEYBOARD}/1-2:1.0/*/input/input*/ && ls -d event*`);
  await run(`cat /dev/input/${events.trim()} >/tmp/keys & echo $! >/tmp/reader`);
  await run(
    `cd ${KEYBOARD}/power; cat wakeup; echo enabled > wakeup; echo 200 > autosuspend_delay_ms; echo auto > control`,
  );
  await becomes(() => keyboard.status.asleep);
  await until(`grep -q suspended ${KEYBOARD}/power/runtime_status`);
  await keyboard.input({ type: "key", code: "KeyA", pressed: true });
  await keyboard.input({ type: "key", code: "KeyA", pressed: false });
  // Type 1 (key), code 30 (A), value 1 and then 0.
  await until('od -An -tx1 -w16 /tmp/keys | grep -q "01 00 1e 00 01 00 00 00$"');
  await until('od -An -tx1 -w16 /tmp/keys | grep -q "01 00 1e 00 00 00 00 00$"');
  await becomes(() => keyboard.status.asleep);
  await run(`kill $(cat /tmp/reader); echo on > ${KEYBOARD}/power/control`);
  await becomes(() => !keyboard.status.asleep);
});

it("a flash drive sleeps when nobody reads, and reading wakes it", async () => {
  const { run } = bench;
  await run(
    "cd /sys/block/sda/device/power; echo 200 > autosuspend_delay_ms; echo auto > control;" +
      `cd ${DRIVE}/power; echo 200 > autosuspend_delay_ms; echo auto > control; dmesg -c >/dev/null`,
  );
  await becomes(() => drive.status.asleep);
  const { bytesIn } = drive.status.counters;
  await run("dd if=/dev/sda of=/dev/null bs=64k count=16 iflag=direct 2>/dev/null");
  expect(drive.status.counters.bytesIn).toBeGreaterThan(bytesIn + 16 * 65536);
  await becomes(() => drive.status.asleep);
  await run(`echo on > ${DRIVE}/power/control; echo on > /sys/block/sda/device/power/control`);
  expect(drive.status.asleep).toBe(false);
  expect(await run("dmesg")).not.toMatch(TROUBLE);
});

it("a drive that was pulled out while the guest slept is gone, and one that took its place is another", async () => {
  const { controller, host, run, until } = bench;
  const log = await suspendGuest(2, async () => {
    await drive.unplug();
    await controller.port(3).plug(host.device("flash-drive", { image: { size: 1 << 20 }, serial: "NEWCOMER" }));
    expect(keyboard.status.asleep).toBe(true);
  });
  expect(log).not.toMatch(/xHC error|not responding|died|[Cc]ommand timeout/);
  await until(`! test -e ${DRIVE} && test "$(cat /sys/bus/usb/devices/2-3/serial)" = NEWCOMER && test -b /dev/sd?`);
  const swapped = await suspendGuest(2, async () => {
    await controller.port(3).unplug();
    await controller.port(3).plug(host.device("flash-drive", { image: { size: 2 << 20 }, serial: "SUCCESSOR" }));
    expect(keyboard.status.asleep).toBe(true);
  });
  expect(swapped).not.toMatch(/xHC error|not responding|died|[Cc]ommand timeout/);
  await until('test "$(cat /sys/bus/usb/devices/2-3/serial)" = SUCCESSOR');
  await until('test "$(cat /sys/bus/usb/devices/2-3/*/host*/target*/*/block/sd?/size)" = 4096');
  await run(`test "$(cat ${KEYBOARD}/devnum)" = 2`);
});

it("a port that the guest switches off has no device, and has it anew when it is on", async () => {
  const { controller, run, until } = bench;
  const port = controller.port(3);
  const disable = "/sys/bus/usb/devices/usb2/2-0:1.0/usb2-port3/disable";
  const devnum = "cat /sys/bus/usb/devices/2-3/devnum";
  const before = Number(await run(devnum));
  await run(`echo 1 > ${disable}`);
  await until("! test -e /sys/bus/usb/devices/2-3");
  expect(port.status).toMatchObject({ enabled: false, asleep: false });
  expect(await run(`cat ${disable}`)).toBe("1\n");
  await run(`echo 0 > ${disable}`);
  await until("test -b /dev/sd?");
  expect(port.status.enabled).toBe(true);
  expect(Number(await run(devnum))).toBeGreaterThan(before);
});
