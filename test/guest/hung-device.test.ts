/** A WebUSB device that stops answering, under Linux's generic serial driver: time-outs, a port reset, and it works again. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeVendor } from "../fakes/fake-vendor.ts";
import { FakeUsb } from "../fakes/usb.ts";
import { FAKE_PRODUCT_ID, FAKE_VENDOR_ID } from "../fakes/usb-descriptors.ts";
import type { ControlAnswer, FakeSetup, InAnswer, OutAnswer } from "../fakes/usb-function.ts";
import { COMPLAINTS, DISK } from "./disk.ts";
import { type Bench, startGuest } from "./harness.ts";
import { guestTools } from "./tools.ts";

const SOURCE = {
  kind: "webusb",
  vendorId: FAKE_VENDOR_ID,
  productId: FAKE_PRODUCT_ID,
  serialNumber: "HUNG",
  ordinal: 0,
} as const;

const ETIMEDOUT = "110";
/** USBDEVFS_CONTROL of a 32-bit kernel, vendor request 0x5b: `control PATH MILLISECONDS` says 0 or the error's number. */
const CONTROL = `perl -e 'open(my $device, "+<", $ARGV[0]) or die $!; my $data = "pvusb";
  print ioctl($device, 0xc0105500, my $order = pack("CCSSSLp", 0x40, 0x5b, 0, 0, 5, $ARGV[1], $data)) ? 0 : $! + 0'`;
/** USBDEVFS_RESET. */
const RESET = `perl -e 'open(my $device, "+<", $ARGV[0]) or die $!; ioctl($device, 0x5514, 0) or die $!'`;
const NODE =
  "$(printf /dev/bus/usb/%03d/%03d $(cat /sys/bus/usb/devices/*-4/busnum) $(cat /sys/bus/usb/devices/*-4/devnum))";
const READY = "until stty -F /dev/ttyUSB0 raw -echo 2>/dev/null; do usleep 20000; done";

/** Answers nothing while it hangs, and can be told to begin with that in the middle of something. */
class HangingVendor extends FakeVendor {
  isHanging = false;
  /** What it still answers before. */
  packetsLeft = Number.POSITIVE_INFINITY;
  controlsLeft = Number.POSITIVE_INFINITY;

  override in(endpoint: number): InAnswer {
    return this.isHanging ? "nak" : super.in(endpoint);
  }

  override out(endpoint: number, packet: Uint8Array): OutAnswer {
    if (this.packetsLeft-- <= 0) this.isHanging = true;
    return this.isHanging ? "nak" : super.out(endpoint, packet);
  }

  override control(setup: FakeSetup, data: Uint8Array): ControlAnswer {
    return this.isHanging || this.controlsLeft-- === 0 ? "nak" : super.control(setup, data);
  }
}

describe("a device that stops answering", () => {
  const usb = new FakeUsb();
  const vendor = new HangingVendor("HUNG");
  let bench: Bench;
  beforeAll(async () => {
    usb.plug(vendor);
    bench = await startGuest({ placement: "thread", usb: usb as unknown as USB }, { overlay: guestTools() });
    const { controller, host, run } = bench;
    await run(`modprobe usbserial vendor=${FAKE_VENDOR_ID} product=${FAKE_PRODUCT_ID}`);
    await controller.port(4).plug(SOURCE);
    await controller.port(1).plug(host.device("flash-drive", { image: { size: 1 << 20 } }));
    await run(`${READY}; ${DISK}`);
  });
  afterAll(() => bench?.stop());

  it("leaves one control request without an answer: the next gets through, and the serial line goes on", async () => {
    vendor.controlsLeft = 0;
    const heard = await bench.run(
      `(head -c 6 </dev/ttyUSB0 >/tmp/back) & ${CONTROL} ${NODE} 300; echo; ${CONTROL} ${NODE} 5000; echo
       echo again >/dev/ttyUSB0; wait; cat /tmp/back`,
    );
    expect(heard.split("\n")).toEqual([ETIMEDOUT, "0", "again", ""]);
    expect(await bench.run("dmesg")).not.toMatch(/USB disconnect/);
  });

  it("hangs in the middle of a write: a request times out, a disk goes on, the port resets, and it works again", async () => {
    const { controller, host, run, until } = bench;
    vendor.packetsLeft = 20;
    await run(`dd if=/dev/urandom of=/tmp/out bs=1k count=64 2>/dev/null
      (cat /tmp/out >/dev/ttyUSB0; echo >/tmp/ended) >/dev/null 2>&1 & until ${CONTROL} ${NODE} 300 | grep -q ${ETIMEDOUT}; do :; done`);
    expect(vendor.isHanging).toBe(true);
    expect(await run("test -e /tmp/ended || dd if=/dev/sda bs=64k count=4 iflag=direct 2>/dev/null | wc -c")).toBe(
      `${256 * 1024}\n`,
    );
    await run(`${RESET} ${NODE}; until test -e /tmp/ended; do usleep 20000; done`);
    vendor.packetsLeft = Number.POSITIVE_INFINITY;
    vendor.isHanging = false;
    await run(
      `${READY}; exec 3<>/dev/ttyUSB0; head -c 65536 <&3 >/tmp/back & cat /tmp/out >&3; wait; cmp /tmp/out /tmp/back`,
    );
    const log = await run("dmesg");
    expect(log).toMatch(/reset high-speed USB device/);
    expect(log).not.toMatch(/USB disconnect/);
    expect(log).not.toMatch(COMPLAINTS);
    await controller.port(4).unplug();
    await until("! test -e /dev/ttyUSB0");
    expect(await host.stats()).toMatchObject({ devices: 1, owned: 0, orphans: 0 });
  });
});
