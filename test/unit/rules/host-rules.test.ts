/** The rules of a host: real devices and named ones go to the ports of its guests by themselves. */
import { expect, onTestFinished, test, vi } from "vitest";
import { createUsbHost, type UsbHost } from "../../../app/host.ts";
import { formatIds } from "../../../app/rules/device-name.ts";
import { NodeUsb } from "../../../worker/node-usb/usb.ts";
import { FakeVendor } from "../../fakes/fake-vendor.ts";
import { BareMachine } from "../../fakes/guest-driver/bare-machine.ts";
import { MortalWorker } from "../../fakes/mortal-worker.ts";
import { FakeNodeUsb } from "../../fakes/node-usb.ts";
import { FakeUsb } from "../../fakes/usb.ts";
import { FAKE_PRODUCT_ID, FAKE_VENDOR_ID } from "../../fakes/usb-descriptors.ts";

const FAKE_IDS = { vendorId: FAKE_VENDOR_ID, productId: FAKE_PRODUCT_ID };
const IDS = formatIds(FAKE_IDS);

async function bench() {
  const usb = new FakeUsb();
  const host = await createUsbHost({ placement: "thread", usb });
  onTestFinished(() => host.close());
  const notices: string[] = [];
  host.onNotice = ({ path, reason }) => notices.push(`${path}: ${reason}`);
  return { usb, host, notices };
}

const serials = (host: UsbHost) =>
  host.controllers.flatMap(({ ports }) =>
    ports.flatMap(({ place, plugged }) => (plugged ? [`${plugged.serialNumber} ${place}`] : [])),
  );

/** Long enough for whatever would happen by itself. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("a real device is plugged when the rule comes, when it comes, when the guest comes", async () => {
  const { usb, host } = await bench();
  usb.plug(new FakeVendor("A"));
  await host.attach(new BareMachine());
  host.rules.set(IDS, "1:0:3");
  await vi.waitFor(() => expect(serials(host)).toEqual(["A 1:0:3"]));
  host.rules.set(`${IDS}/B`, "1:0:1");
  host.rules.set(`${IDS}/C`, "two:0:2");
  usb.plug(new FakeVendor("C"));
  usb.plug(new FakeVendor("B"));
  await vi.waitFor(() => expect(serials(host)).toEqual(["B 1:0:1", "A 1:0:3"]));
  await host.attach(new BareMachine(), { guest: "two" });
  await vi.waitFor(() => expect(serials(host)).toEqual(["B 1:0:1", "A 1:0:3", "C two:0:2"]));
});

test("nobody looks for real devices before there is a rule", async () => {
  const { usb, host } = await bench();
  const asked = vi.spyOn(usb, "getDevices");
  await host.attach(new BareMachine());
  await rest();
  expect(asked).not.toHaveBeenCalled();
});

test("a replug is two events, however quick it is", async () => {
  const { usb, host } = await bench();
  const controller = await host.attach(new BareMachine());
  const device = usb.plug(new FakeVendor("A"));
  host.rules.set(IDS, "1:0:3");
  await vi.waitFor(() => expect(serials(host)).toEqual(["A 1:0:3"]));
  const first = controller.port(3).plugged?.plug ?? 0;
  const events: string[] = [];
  controller.onChange = ({ plugged }) => {
    const now = plugged ? `plug ${plugged.plug - first}` : "empty";
    if (events.at(-1) !== now) events.push(now);
  };
  const gone = usb.unplug(device);
  const back = usb.plug(new FakeVendor("A"));
  await gone;
  await vi.waitFor(() => expect(events).toEqual(["empty", "plug 1"]));
  expect(controller.port(3).device).toBe(back);
});

test("two equal devices are two: the second waits until the first is pulled out", async () => {
  const { usb, host } = await bench();
  await host.attach(new BareMachine());
  const first = usb.plug(new FakeVendor("A"));
  const second = usb.plug(new FakeVendor("A"));
  host.rules.set(IDS, "1:0:1");
  await vi.waitFor(() => expect(host.port("1:0:1")?.device).toBe(first));
  await rest();
  expect(serials(host)).toEqual(["A 1:0:1"]);
  await usb.unplug(first);
  await vi.waitFor(() => expect(host.port("1:0:1")?.device).toBe(second));
});

test("what a person has unplugged stays out until it is put in again, and what they have moved stays there", async () => {
  const { usb, host } = await bench();
  const controller = await host.attach(new BareMachine());
  const device = usb.plug(new FakeVendor("A"));
  host.rules.set(IDS, "1:0:1");
  await vi.waitFor(() => expect(serials(host)).toEqual(["A 1:0:1"]));
  await controller.port(1).moveTo(controller.port(2));
  await rest();
  expect(serials(host)).toEqual(["A 1:0:2"]);
  await controller.port(2).unplug();
  await rest();
  expect(serials(host)).toEqual([]);
  await usb.unplug(device);
  usb.plug(new FakeVendor("A"));
  await vi.waitFor(() => expect(serials(host)).toEqual(["A 1:0:1"]));
});

test("in Node a device goes by its place on the computer's buses", async () => {
  const native = new FakeNodeUsb();
  const host = await createUsbHost({ placement: "thread", usb: new NodeUsb(native, 1) });
  onTestFinished(() => host.close());
  const controller = await host.attach(new BareMachine());
  const here = native.plug(new FakeVendor("HERE"), { ports: [2, 3] });
  native.plug(new FakeVendor("THERE"), { ports: [2, 4] });
  await controller.port(4).plug({ kind: "webusb", ...FAKE_IDS, serialNumber: "HERE", ordinal: 0 });
  host.rules.set("1-2.3", "1:0:5");
  host.rules.set("1-2.4", "1:0:1");
  await vi.waitFor(() => expect(serials(host)).toEqual(["THERE 1:0:1", "HERE 1:0:4"]));
  native.unplug(here);
  await vi.waitFor(() => expect(serials(host)).toEqual(["THERE 1:0:1"]));
  native.plug(new FakeVendor("BACK"), { ports: [2, 3] });
  await vi.waitFor(() => expect(serials(host)).toEqual(["THERE 1:0:1", "BACK 1:0:5"]));
});

test("a software device goes by its name, behind a hub when that is there, and from guest to guest", async () => {
  const { host } = await bench();
  const drive = host.device("flash-drive", { image: { size: 1 << 20 }, serial: "D1" });
  host.rules.set("backup", "1:0:3.2");
  const withdraw = host.offer("backup", drive);
  expect(() => host.offer("backup", drive)).toThrow("There is a device backup already");
  const machine = new BareMachine();
  const controller = await host.attach(machine);
  await rest();
  expect(await host.stats()).toMatchObject({ devices: 0 });
  await controller.port(3).plug(host.device("hub", { ports: 2 }));
  await vi.waitFor(() => expect(host.port("1:0:3.2")?.plugged?.serialNumber).toBe("D1"));
  host.rules.set("backup", "1:0:5");
  await controller.close();
  const next = await host.attach(machine);
  await vi.waitFor(() => expect(next.port(5).device).toBe(drive));
  withdraw();
  await next.close();
  await host.attach(machine);
  await rest();
  expect(await host.stats()).toMatchObject({ devices: 0 });
});

test("a guest that is to start without devices has them when it says so", async () => {
  const { host } = await bench();
  host.offer("keys", host.device("keyboard"));
  host.rules.set("keys", "1:0:2");
  const controller = await host.attach(new BareMachine(), { followsRules: false });
  await rest();
  expect(controller.port(2).plugged).toBeUndefined();
  await controller.followRules();
  expect(controller.port(2).plugged?.product).toMatch(/keyboard/i);
});

test("what a rule cannot plug is told once, and the others go on", async () => {
  const { usb, host, notices } = await bench();
  usb.plug(new FakeVendor("A"), { forbidden: true });
  usb.plug(new FakeVendor("B"));
  host.rules.read(`${IDS}/A:1:0:1\n${IDS}/B:1:0:2\n`);
  await host.attach(new BareMachine());
  await vi.waitFor(() => expect(serials(host)).toEqual(["B 1:0:2"]));
  await rest();
  expect(notices.filter((notice) => notice.startsWith("1: "))).toEqual([
    expect.stringMatching(/^1: This computer does not let the browser open loopback\./),
  ]);
});

test("while a dead worker is replaced rules wait, and nothing is plugged twice", async () => {
  const workers: MortalWorker[] = [];
  const host = await createUsbHost({
    worker: () => {
      workers.push(new MortalWorker());
      return (workers.at(-1) as MortalWorker).worker;
    },
  });
  onTestFinished(() => host.close());
  const notices: string[] = [];
  host.onNotice = ({ reason }) => notices.push(reason);
  const controller = await host.attach(new BareMachine());
  const keys = host.device("keyboard");
  host.offer("keys", keys);
  host.rules.set("keys", "1:0:2");
  await vi.waitFor(() => expect(controller.port(2).plugged).toBeDefined());
  workers[0]?.crash();
  await vi.waitFor(() => expect(notices).toHaveLength(1));
  await rest();
  expect(notices[0]).toMatch(/was plugged in again\.$/);
  expect(notices).toHaveLength(1);
  expect(controller.port(2).device).toBe(keys);
  expect(await host.stats()).toMatchObject({ devices: 1 });
});
