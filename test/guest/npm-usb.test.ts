/** `pvusb run` with a real device: the program's own way, over a strict fake of npm usb, to a stock serial driver. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Reporter, Result } from "../../app/cli/reporter.ts";
import { Run } from "../../app/cli/run.ts";
import { parseCommandLine } from "../../app/cli/usage.ts";
import { NodeUsb } from "../../worker/node-usb/usb.ts";
import { FakeVendor } from "../fakes/fake-vendor.ts";
import { FakeNodeUsb } from "../fakes/node-usb.ts";
import { FAKE_PRODUCT_ID, FAKE_VENDOR_ID } from "../fakes/usb-descriptors.ts";

const GUEST = fileURLToPath(new URL("../../public/guest", import.meta.url));
const COMMAND = [
  `modprobe usbserial vendor=${FAKE_VENDOR_ID} product=${FAKE_PRODUCT_ID}`,
  "until test -c /dev/ttyUSB0; do usleep 20000; done",
  "cat /sys/class/tty/ttyUSB0/device/../../speed",
  "stty -F /dev/ttyUSB0 raw -echo; dd if=/dev/urandom of=/tmp/out bs=1k count=64 2>/dev/null",
  "(exec 3<>/dev/ttyUSB0; head -c 65536 <&3 >/tmp/back & cat /tmp/out >&3; wait); cmp /tmp/out /tmp/back && echo same",
  "while test -c /dev/ttyUSB0; do usleep 20000; done; echo gone",
  "until cat /sys/bus/usb/devices/*-5/serial 2>/dev/null; do usleep 20000; done",
].join("\n");

test("pvusb run --plug usb:1-2.3@4 passes a device to the guest, by a driver's leave, until it is pulled out; its rule puts it into a port when it comes back", async () => {
  const native = new FakeNodeUsb();
  const plug = native.plug(new FakeVendor("LOOP"), { ports: [2, 3], drivers: [0] });
  const notes: string[] = [];
  let isBack = false;
  let output = "";
  let result: Result | undefined;
  const reporter = {
    progress: () => undefined,
    note: (text: string) => notes.push(text),
    output: (bytes: Uint8Array) => {
      output += new TextDecoder().decode(bytes);
      if (output.includes("same")) native.unplug(plug);
      if (!output.includes("gone") || isBack) return;
      isBack = true;
      native.plug(new FakeVendor("BACK"), { ports: [2, 3] });
    },
    result: (what: Result) => {
      result = what;
    },
  } as unknown as Reporter;
  const args = parseCommandLine([
    "run",
    "--no-state",
    "--guest",
    GUEST,
    "--plug",
    "usb:1-2.3,detach@4",
    "--rules",
    "/dev/null",
    "--rule",
    "1-2.3:1:0:5",
    "--exec",
    COMMAND,
  ]);
  if (args.order !== "run") throw new Error("not run");
  const run = new Run(args, reporter, new NodeUsb(native));
  try {
    expect(await run.run()).toBe(0);
  } finally {
    await run.close();
  }
  expect(output.split("\n")).toEqual(["480", "same", "gone", "BACK", ""]);
  expect(notes).toEqual(["port 4: Loopback was pulled out."]);
  expect(result?.ports).toMatchObject([{ port: 5, kind: "usb", vendorId: FAKE_VENDOR_ID, productId: FAKE_PRODUCT_ID }]);
});

test("for a device that is not there the guest is not even started", async () => {
  const native = new FakeNodeUsb();
  native.plug(new FakeVendor("LOOP"));
  const args = parseCommandLine(["run", "--rules", "/dev/null", "--plug", "usb:1209:2@1", "--exec", "true"]);
  if (args.order !== "run") throw new Error("not run");
  const run = new Run(args, {} as Reporter, new NodeUsb(native));
  await expect(run.run()).rejects.toThrow(/^--plug usb:1209:2@1: this computer has no such device\. Connect it/);
  await run.close();
});
