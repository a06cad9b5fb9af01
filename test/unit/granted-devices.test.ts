/** The page's list of granted devices, and how one of them is named to the worker. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sourceOf } from "../../app/device-source.ts";
import { GrantedDevices, hasWebUsb } from "../../app/granted-devices.ts";
import { ScriptedFunction } from "../fakes/scripted-function.ts";
import { FakeUsb } from "../fakes/usb.ts";
import { nextTask } from "../fakes/usb-wire.ts";

let usb: FakeUsb;
let granted: GrantedDevices;

beforeEach(() => {
  usb = new FakeUsb();
  vi.stubGlobal("navigator", { usb });
  granted = new GrantedDevices();
});
afterEach(() => vi.unstubAllGlobals());

const plug = (serialNumber?: string, isGranted = true) =>
  usb.plug(new ScriptedFunction(serialNumber === undefined ? {} : { serialNumber }), { granted: isGranted });

test("what comes and goes is in the list, and one without a serial number has to be granted again", async () => {
  plug("S1");
  await granted.start();
  const second = plug();
  await vi.waitFor(() => expect(granted.list.map(({ serialNumber }) => serialNumber)).toEqual(["S1", null]));
  await usb.unplug(second);
  await vi.waitFor(() => expect(granted.list.length).toBe(1));
  const back = plug(undefined, false);
  await nextTask();
  await nextTask();
  expect(granted.list.length).toBe(1);
  usb.requestDevice = async () => {
    usb.plug(new ScriptedFunction({ serialNumber: "S3" }));
    return back;
  };
  expect(await granted.request()).toBe(back);
  expect(granted.list.length).toBe(2);
});

test("a chooser that is closed without a choice is no error; what the browser forbids is one", async () => {
  expect(await granted.request()).toBeUndefined();
  usb.requestDevice = () => Promise.reject(new DOMException("Must be handling a user gesture.", "SecurityError"));
  await expect(granted.request()).rejects.toMatchObject({ name: "SecurityError" });
});

test("a policy that forbids USB is an error at the start, and none of a page's afterwards", async () => {
  usb.isForbidden = true;
  expect(hasWebUsb()).toBe(true);
  await expect(granted.start()).rejects.toMatchObject({ name: "SecurityError" });
  plug("S1");
  await nextTask();
  await nextTask();
  expect(granted.list).toEqual([]);
});

test("an older answer that comes last changes nothing", async () => {
  const device = plug("S1");
  await granted.start();
  let answer: (devices: USBDevice[]) => void = () => undefined;
  const asked = vi.spyOn(usb, "getDevices").mockImplementationOnce(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  plug("S2");
  await usb.unplug(device);
  await vi.waitFor(() => expect(granted.list.map(({ serialNumber }) => serialNumber)).toEqual(["S2"]));
  answer([device]);
  await nextTask();
  expect(asked).toHaveBeenCalledTimes(2);
  expect(granted.list.map(({ serialNumber }) => serialNumber)).toEqual(["S2"]);
});

test("equal devices are named by their place, and one that went is none of the others", async () => {
  const [first, second, third] = [plug(), plug(), plug()];
  expect(await sourceOf(first)).toMatchObject({ ordinal: 0 });
  expect(await sourceOf(third)).toMatchObject({ ordinal: 2 });
  await usb.unplug(second);
  expect(await sourceOf(third)).toMatchObject({ ordinal: 1 });
  expect(await sourceOf(second)).toMatchObject({ ordinal: 2 });
});

test("a device with a serial number is the same one after a replug", async () => {
  const device = plug("S1");
  await usb.unplug(device);
  plug("S1");
  expect(await sourceOf(device)).toMatchObject({ serialNumber: "S1", ordinal: 0 });
});
