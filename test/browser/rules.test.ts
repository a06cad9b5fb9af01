/** A hotplug rule: set on the page, kept by the browser, and a device that plugs itself from then on. */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { atTheComputer, withFakeUsb } from "./fake-usb.ts";
import { Bench, type Tab } from "./harness.ts";

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

it("is set beside the plugged device, by keyboard alone", async () => {
  await tab.button("Grant a USB device…").click();
  await tab.card("loopback").waitFor();
  await tab.startLinux();
  await tab.socket(3).click();
  await tab.button("Plug in loopback").click();
  await tab.untilPort(3, "ready");
  await tab.button("Always plug here: loopback in port 3").focus();
  await tab.page.keyboard.press("Enter");
  await tab.untilSaid("loopback is always plugged into port 3 from now on.");
  expect(await tab.focused()).toBe("Forget rule: loopback is always plugged into port 3");
});

it("outlives a reload: the device is in its port as soon as Linux runs, without a click", async () => {
  await tab.page.reload();
  await tab.startLinux();
  await tab.untilPort(3, "ready");
  await tab.runUntil("cat /sys/bus/usb/devices/*-3/product", /^loopback$/m);
});

it("has a device that is pulled out and put in again back in its port", async () => {
  await atTheComputer(tab.page, "unplug");
  await tab.untilPort(3, "empty");
  await atTheComputer(tab.page, "plug");
  await tab.untilPort(3, "ready");
});

it("does not undo a person's unplug, until the device comes again", async () => {
  await tab.button("Unplug loopback from port 3").first().click();
  await tab.untilPort(3, "empty");
  await tab.button("Plug in Keyboard").click();
  await tab.untilPort(1, "ready");
  expect(await tab.port(3).getAttribute("data-state")).toBe("empty");
  await atTheComputer(tab.page, "unplug");
  await expect.poll(() => tab.card("loopback").count()).toBe(0);
  await atTheComputer(tab.page, "plug");
  await tab.untilPort(3, "ready");
});

it("is forgotten beside the device", async () => {
  await tab.button("Forget rule: loopback is always plugged into port 3").click();
  await tab.untilSaid("loopback is not plugged in by itself any more.");
  await atTheComputer(tab.page, "unplug");
  await tab.untilPort(3, "empty");
  await atTheComputer(tab.page, "plug");
  await tab.card("loopback").waitFor();
  await tab.button("Plug in loopback").click();
  await tab.untilPort(2, "ready");
  expect(await tab.port(3).getAttribute("data-state")).toBe("empty");
  expect(await tab.problems()).toBe("");
});
