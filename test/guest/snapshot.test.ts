/** Saved states of a machine with devices at work: v86's own save_state and restore_state, one file. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UsbHostOptions, UsbPort } from "../../dist/app/index.js";
import { FakeVendor } from "../fakes/fake-vendor.ts";
import { FakeUsb } from "../fakes/usb.ts";
import { FAKE_PRODUCT_ID, FAKE_VENDOR_ID } from "../fakes/usb-descriptors.ts";
import { amount, type Bench, md5, pattern, startGuest } from "./harness.ts";

const MIB = 1 << 20;
const DISKS = "while [ ! -b /dev/sda ] || [ ! -b /dev/sdb ]; do usleep 20000; done";
const IN_BACKGROUND = "</dev/null >/dev/null 2>&1 &";
const READ = `(dd if=/dev/sda bs=64k | md5sum >/tmp/sum.new; mv /tmp/sum.new /tmp/sum) ${IN_BACKGROUND}`;
const SUM = "test -f /tmp/sum && cut -d' ' -f1 /tmp/sum";
/** What a guest says that has noticed anything. */
const NOTICED = "dmesg | grep -e 'USB disconnect' -e 'reset .*USB device' -e 'I/O error'; true";

/** A state in which so many bytes of a port have been moved since `command` began, and a burst more. */
async function stateAfter(
  bench: Bench,
  port: UsbPort,
  bytes: number,
  command: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { counters } = port.status;
  const moved = () => counters.bytesIn + counters.bytesOut;
  const end = moved() + bytes;
  let reached = () => {};
  const there = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const stop = bench.controller.trace({ urbs: () => moved() >= end && reached() });
  await bench.run(command);
  await there;
  stop();
  return bench.guest.saveState();
}

/** Another emulator and another host, which go on from a state. */
async function resume(state: Uint8Array<ArrayBuffer>, usb: UsbHostOptions): Promise<Bench> {
  const states = { get: async () => state, set: async () => {}, delete: async () => {} };
  const bench = await startGuest(usb, { states });
  expect(bench.guest.resumed).toBe(true);
  return bench;
}

describe.each(["worker", "thread"] as const)("a state of a guest with devices, backend in a %s", (placement) => {
  const bytes = pattern(amount(12, 32) * MIB);
  const behind = pattern(MIB, 7);
  let bench: Bench;
  let state: Uint8Array<ArrayBuffer>;
  beforeAll(async () => {
    bench = await startGuest({ placement });
    const { controller, host, run, until } = bench;
    await run("echo 0 > /sys/module/usb_storage/parameters/delay_use");
    await controller.port(1).plug(host.device("flash-drive", { image: { bytes } }));
    await until("test -b /dev/sda");
    const hub = controller.port(2);
    await hub.plug(host.device("hub", { ports: 2 }));
    await hub.port(1).plug(host.device("keyboard"));
    await hub.port(2).plug(host.device("flash-drive", { image: { bytes: behind } }));
    await run(DISKS);
    await until("grep -q 'pvusb Keyboard' /proc/bus/input/devices");
    await run("dmesg -c >/dev/null");
    state = await stateAfter(bench, controller.port(1), 4 * MIB, READ);
  });
  afterAll(() => bench?.stop());
  /** What does not depend on where the backend runs is tried once. */
  const once = (title: string, work: () => Promise<void>) => {
    if (placement === "thread") it(title, work);
  };

  it("taken in the middle of a dd: the dd goes on to the right checksum, and the guest has noticed nothing", async () => {
    expect(await bench.until(SUM)).toBe(`${md5(bytes)}\n`);
    expect(await bench.run(NOTICED)).toBe("");
  });

  it("restored into a fresh emulator and host: the dd ends right, and what is behind a hub is there", async () => {
    const other = await resume(state, { placement });
    const { controller, run, until } = other;
    expect(controller.port(1).plugged).toMatchObject({ product: "Flash Drive" });
    expect(await until(SUM)).toBe(`${md5(bytes)}\n`);
    await run("echo 3 >/proc/sys/vm/drop_caches");
    expect(await run("md5sum </dev/sdb")).toBe(`${md5(behind)}  -\n`);
    const event = (await run("cd /sys/class/input; grep -l 'pvusb Keyboard' event*/device/name")).split("/")[0];
    await run(`exec 3< /dev/input/${event}; head -c 48 <&3 > /tmp/keys 2> /dev/null &`);
    await controller.port(2).port(1).input({ type: "key", code: "KeyA", pressed: true });
    await until("[ $(wc -c < /tmp/keys) -eq 48 ]");
    expect(await run(NOTICED)).toBe("");
    await controller.port(2).port(2).unplug();
    await until("! test -e /dev/sdb");
    await other.stop();
  });

  once(
    "taken in the middle of a write, and restored into the same running emulator: all of it is written",
    async () => {
      const { controller, guest, run, until } = bench;
      await until(SUM);
      await run("dd if=/dev/urandom of=/tmp/new bs=1M count=6 2>/dev/null");
      const write = `(dd if=/tmp/new of=/dev/sda bs=64k; sync; touch /tmp/written) ${IN_BACKGROUND}`;
      const middle = await stateAfter(bench, controller.port(1), MIB, write);
      const check =
        "test -f /tmp/written && echo 3 >/proc/sys/vm/drop_caches && dd if=/dev/sda bs=1M count=6 2>/dev/null | cmp - /tmp/new";
      await until(check);
      await run("dd if=/dev/zero of=/dev/sda bs=1M count=6 2>/dev/null; sync; rm /tmp/new");
      await guest.emulator.restore_state(middle.buffer);
      await until(check);
      expect(await run(NOTICED)).toBe("");
      // What was there from the beginning, and was never written, is there.
      expect(await run("dd if=/dev/sda bs=1M skip=6 count=4 2>/dev/null | md5sum")).toBe(
        `${md5(bytes.subarray(6 * MIB, 10 * MIB))}  -\n`,
      );
    },
  );

  once("of another version is refused in a sentence, and the guest runs on", async () => {
    const { guest, run } = bench;
    const other = Buffer.from(state.slice());
    other.write('["pvusb",0,', other.indexOf('["pvusb",1,'));
    await expect(guest.emulator.restore_state(new Uint8Array(other).buffer)).rejects.toMatchObject({
      name: "StateError",
      message: expect.stringMatching(/format 0.*this version of pvusb reads format 1/),
    });
    expect(await run("echo here")).toBe("here\n");
  });
});

describe("a state of a guest with a real device", () => {
  const IDS = `vendor=${FAKE_VENDOR_ID} product=${FAKE_PRODUCT_ID}`;
  const GONE = "dmesg | grep -c 'USB disconnect'; true";
  const ECHO = "stty -F /dev/ttyUSB0 raw -echo; (exec 3<>/dev/ttyUSB0; echo again >&3; head -c 6 <&3)";

  /** A computer with the device. */
  function computer(): UsbHostOptions {
    const usb = new FakeUsb();
    usb.plug(new FakeVendor("LOOP"));
    return { placement: "thread", usb: usb as unknown as USB };
  }

  it("has it unplugged, and plugged again where it is there", async () => {
    const bench = await startGuest(computer());
    const ids = { vendorId: FAKE_VENDOR_ID, productId: FAKE_PRODUCT_ID, serialNumber: "LOOP" };
    await bench.run(`modprobe usbserial ${IDS}`);
    await bench.controller.port(4).plug({ kind: "webusb", ...ids, ordinal: 0 });
    await bench.until("test -c /dev/ttyUSB0");
    const state = await bench.guest.saveState();
    expect(await bench.run(ECHO)).toBe("again\n");
    expect(await bench.run(GONE)).toBe("0\n");
    await bench.guest.emulator.restore_state(state.buffer);
    await bench.until("dmesg | grep -q 'USB disconnect'");
    await bench.until("test -c /dev/ttyUSB0");
    expect(await bench.run(ECHO)).toBe("again\n");
    await bench.stop();

    const same = await resume(state, computer());
    await same.until("dmesg | grep -q 'USB disconnect'");
    await same.until("test -c /dev/ttyUSB0");
    expect(same.controller.port(4).plugged).toMatchObject({ serialNumber: "LOOP" });
    expect(await same.run(ECHO)).toBe("again\n");
    await same.stop();

    const without = await resume(state, { placement: "thread", usb: new FakeUsb() as unknown as USB });
    await without.until("! test -e /dev/ttyUSB0");
    expect(without.controller.port(4).plugged).toBeUndefined();
    await without.stop();
  });
});
