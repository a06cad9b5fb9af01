/** npm usb itself, on devices of ours (test/usbfs/node/): the adapter over it, and `pvusb run` with it. */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FakeVendor } from "../fakes/fake-vendor.ts";
import type { FakeFunction } from "../fakes/usb-function.ts";
import { missing, type NodeComputer, startNode } from "../usbfs/node/start.ts";
import { SoftwareWire } from "../usbfs/software-wire.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const EXERCISE = path("../usbfs/node/exercise.js");
const MIB = 2 ** 20;
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");
const PVUSB = path("../../dist/app/cli/main.js");

const reason = missing();

describe.skipIf(reason !== undefined)(reason ?? "npm usb itself", () => {
  let computer: NodeComputer;
  let device: FakeFunction;
  beforeAll(async () => {
    computer = await startNode();
  });
  afterAll(() => computer?.stop());
  beforeEach(() => {
    device = new FakeVendor("LOOP");
    computer.kernel.plug(device);
  });
  afterEach(() => computer.kernel.unplug(device));

  /** Runs a program to its end. `seen` hears of all that it has said until then. */
  function run(args: readonly string[], seen: (output: string) => void = () => undefined) {
    const child = computer.start(args);
    const said = { out: "", err: "" };
    child.stdin.end();
    child.stdout.on("data", (bytes) => {
      said.out += bytes;
      seen(said.out);
    });
    child.stderr.on("data", (bytes) => {
      said.err += bytes;
    });
    return new Promise<typeof said & { status: number | null }>((resolve) => {
      child.on("close", (status) => resolve({ ...said, status }));
    });
  }

  test.each([
    ["", []],
    [", on an interface that it takes from a driver", [0]],
  ])("the adapter has it behave as Chromium's WebUSB does%s", async (_, bound) => {
    const replug = () => {
      computer.kernel.unplug(device);
      device = new FakeVendor("LOOP");
      computer.kernel.plug(device, { bound });
    };
    replug();
    const { out, err } = await run([EXERCISE, ...(bound.length > 0 ? ["detach"] : [])], (output) => {
      if (output.endsWith("pull\n")) replug(); // it says nothing more before that
    });
    expect(err).toBe("");
    expect(out.split("\n").map((line) => line.trim())).toEqual([
      expect.stringMatching(/^90-\d+ high LOOP$/),
      "open ok",
      "claim ok",
      "clearHalt beside an IN ok",
      "OUT ok 1300",
      "IN ok 1300",
      "OUT ok 0",
      "IN ok 0",
      "refused stall",
      "control OUT ok 9",
      "control IN ok 9",
      "control OUT of nothing ok 0",
      "reset ok",
      "IN before a reset NetworkError",
      "release ok",
      "IN before a release NetworkError",
      "claim ok",
      "OUT ok 100000",
      "IN ok 100000",
      "control IN beside them ok 0",
      "close ok",
      "OUT that the device does not take AbortError",
      "interrupt IN AbortError",
      "open ok",
      "claim ok",
      "pull",
      "disconnect true connect false",
      "open NotFoundError",
      "",
    ]);
  });

  test("pvusb --list names the device as --plug takes it", async () => {
    const { out } = await run([PVUSB, "--list"]);
    expect(out).toMatch(/^usb:1209:0001\/LOOP {2}usb:90-\d+ {2}high speed {2}pvusb loopback$/m);
  });

  test.each([
    [{ forbidden: true }, "AccessError"],
    [{ bound: [0] }, "BusyError"],
  ])("a device that cannot be had (%j) is refused with an %s", async (options, name) => {
    computer.kernel.unplug(device);
    device = new FakeVendor("LOOP");
    computer.kernel.plug(device, options);
    expect((await run([EXERCISE])).out.endsWith(`\nopen ${name}\n`)).toBe(true);
  });

  test("pvusb run passes a serial port, until it is pulled out, and a disk, which no browser lets a page have", async () => {
    const bytes = new Uint8Array(MIB).map((_, i) => (i * 31) ^ (i >> 9));
    const disk = await SoftwareWire.plug({ kind: "flash-drive", image: { bytes }, serial: "0DA7A", speed: "high" });
    computer.kernel.plug(disk.fn, { bound: [0] }, disk);
    const command = [
      "md5sum </dev/sda; dd if=/dev/zero of=/dev/sda bs=4k count=8 oflag=direct 2>/dev/null; md5sum </dev/sda",
      "modprobe usbserial vendor=0x1209 product=1; until test -c /dev/ttyUSB0; do usleep 20000; done",
      "cat /sys/class/tty/ttyUSB0/device/../../speed",
      "stty -F /dev/ttyUSB0 raw -echo; dd if=/dev/urandom of=/tmp/out bs=1k count=64 2>/dev/null",
      "(exec 3<>/dev/ttyUSB0; head -c 65536 <&3 >/tmp/back & cat /tmp/out >&3; wait); cmp /tmp/out /tmp/back && echo same",
      "while test -c /dev/ttyUSB0; do usleep 20000; done; echo gone",
    ].join("\n");
    const plug = [
      "--no-state",
      "--placement",
      "worker",
      "--plug",
      "usb:1209:1/LOOP@4",
      "--plug",
      "usb:1209:1/0DA7A,detach@5",
    ];
    const { out, err, status } = await run([PVUSB, "run", ...plug, "--exec", command], (output) => {
      if (output.includes("same")) computer.kernel.unplug(device);
    });
    computer.kernel.unplug(disk.fn);
    const [before, after] = [md5(bytes), md5(bytes.fill(0, 0, 8 * 4096))];
    expect({ out, status }).toEqual({ out: `${before}  -\n${after}  -\n480\nsame\ngone\n`, status: 0 });
    expect(err).toMatch(/^pvusb: port 4: Loopback was pulled out\.$/m);
  });
});
