/** A WebUSB device at work in a stock guest: Linux's generic serial driver over the loopback of a strict fake navigator.usb. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeVendor } from "../fakes/fake-vendor.ts";
import { FakeUsb } from "../fakes/usb.ts";
import { FAKE_PRODUCT_ID, FAKE_VENDOR_ID } from "../fakes/usb-descriptors.ts";
import { type Bench, startGuest } from "./harness.ts";

const IDS = `vendor=${FAKE_VENDOR_ID} product=${FAKE_PRODUCT_ID}`;
const SOURCE = {
  kind: "webusb",
  vendorId: FAKE_VENDOR_ID,
  productId: FAKE_PRODUCT_ID,
  serialNumber: "LOOP",
  ordinal: 0,
} as const;

describe("a WebUSB device in a stock Linux guest", () => {
  const usb = new FakeUsb();
  let bench: Bench;
  let device: ReturnType<FakeUsb["plug"]>;
  beforeAll(async () => {
    device = usb.plug(new FakeVendor("LOOP"));
    bench = await startGuest({ placement: "thread", usb: usb as unknown as USB });
  });
  afterAll(() => bench?.stop());

  it("carries bytes both ways, each once and in order, through the guest's generic serial driver", async () => {
    const { controller, run, until } = bench;
    const report = await controller.port(4).plug(SOURCE);
    expect(report).toMatchObject({ product: "loopback", serialNumber: "LOOP" });
    await until("grep -qx 1 /sys/bus/usb/devices/*-4/bConfigurationValue");
    expect(controller.port(4).status.counters, "of a device without a driver").toMatchObject({ driven: 0 });
    await run(`modprobe usbserial ${IDS}`);
    await until("test -c /dev/ttyUSB0");
    await run("stty -F /dev/ttyUSB0 raw -echo; dd if=/dev/urandom of=/tmp/out bs=1k count=64 2>/dev/null");
    await run("exec 3<>/dev/ttyUSB0; head -c 65536 <&3 >/tmp/back & cat /tmp/out >&3; wait; cmp /tmp/out /tmp/back");
    const { driven, errors } = controller.port(4).status.counters;
    expect(errors).toBe(0);
    expect(driven).toBeGreaterThan(0);
  });

  it("is gone for the guest when it is pulled out of the computer, and comes back", async () => {
    const { controller, host, run, until } = bench;
    let reason = "";
    host.onNotice = (notice) => {
      reason = notice.reason;
    };
    await usb.unplug(device);
    await until("! test -e /dev/ttyUSB0");
    expect(reason).not.toBe("");
    expect(controller.port(4).plugged).toBeUndefined();
    device = usb.plug(new FakeVendor("LOOP"));
    await controller.port(4).plug(SOURCE);
    await until("test -c /dev/ttyUSB0");
    await run("stty -F /dev/ttyUSB0 raw -echo; (exec 3<>/dev/ttyUSB0; echo again >&3; head -c 6 <&3 >/tmp/back)");
    expect(await run("cat /tmp/back")).toBe("again\n");
    await controller.port(4).unplug();
    await until("! test -e /dev/ttyUSB0");
    expect(await host.stats()).toMatchObject({ devices: 0, owned: 0 });
  });
});
