import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FAKE_PRODUCT_ID, FAKE_VENDOR_ID } from "../fakes/usb-descriptors.ts";
import { atTheComputer, withFakeUsb } from "./fake-usb.ts";
import { Bench, type Tab } from "./harness.ts";

describe("a WebUSB device on the page", () => {
  let bench: Bench;
  let tab: Tab;

  beforeAll(async () => {
    bench = await Bench.start();
    tab = await bench.open(withFakeUsb);
  });
  afterAll(async () => {
    await tab?.close();
    await bench?.stop();
  });
  beforeEach(() => tab.pictureOnFailure());

  it("is in the list once it is granted", async () => {
    expect(await tab.card("loopback").count()).toBe(0);
    await tab.button("Grant a USB device…").click();
    await tab.card("loopback").waitFor();
    await tab.untilSaid("loopback is in the list now.");
  });

  it("is not plugged while the hub has no power", async () => {
    await tab.button("Plug in loopback").click();
    await tab.untilSaid("Start the guest first");
  });

  it("is seen and read by the guest once it is plugged, and gone once it is unplugged", async () => {
    await tab.startLinux();
    await tab.button("Plug in loopback").click();
    await tab.untilPort(1, "ready");
    await tab.runUntil("lsusb -v 2>/dev/null | grep iProduct", /iProduct.*loopback/);
    // Linux's generic serial driver writes to the device and reads back what it wrote.
    const ids = `vendor=${FAKE_VENDOR_ID} product=${FAKE_PRODUCT_ID}`;
    await tab.runUntil(`modprobe usbserial ${ids}; stty -F /dev/ttyUSB0 raw -echo && echo usable`, /^usable$/m);
    const back = await tab.run("(exec 3<>/dev/ttyUSB0; echo $((6*7)) is back >&3; head -c 11 <&3)");
    expect(back).toContain("42 is back");
    await tab.button("Unplug loopback from port 1").first().click();
    await tab.untilPort(1, "empty");
    await tab.runUntil("dmesg | tail", /USB disconnect/);
    expect(await tab.problems()).toBe("");
  });

  it("leaves its port and the list when it is pulled out of the computer, and comes back", async () => {
    await tab.button("Plug in loopback").click();
    await tab.untilPort(1, "ready");
    await atTheComputer(tab.page, "unplug");
    await tab.untilPort(1, "empty");
    await tab.untilSaid("Port 1: device pulled out.");
    await expect.poll(() => tab.card("loopback").count()).toBe(0);
    await atTheComputer(tab.page, "plug");
    await tab.card("loopback").waitFor();
    await tab.button("Plug in loopback").click();
    await tab.untilPort(1, "ready");
  });

  for (const [how, step] of [
    ["plug-held", "Close other programs"],
    ["plug-forbidden", "plug"],
  ] as const) {
    it(`says what to do about a device that cannot be had (${how})`, async () => {
      await atTheComputer(tab.page, "unplug");
      await expect.poll(() => tab.card("loopback").count()).toBe(0);
      await atTheComputer(tab.page, how);
      await tab.card("loopback").waitFor();
      await tab.button("Plug in loopback").click();
      await expect.poll(() => tab.problems()).toContain("loopback could not be plugged into port 1");
      expect(await tab.problems()).toContain(step);
      expect(await tab.port(1).getAttribute("data-state")).toBe("failed");
      await tab.picture(`problem ${how}`);
      await tab.button("Dismiss this message").click();
      await tab.untilPort(1, "empty");
    });
  }
});
