import { expect, test } from "vitest";
import { Hotplug } from "../../../app/rules/hotplug.ts";
import { Rules } from "../../../app/rules/rules.ts";
import { FakePorts } from "./fake-ports.ts";

const CABLE = { name: "cable" };
const DRIVE = { name: "drive" };

function bench(text = "cable:1:0:1\ndrive:1:0:2\n") {
  const rules = new Rules();
  rules.read(text);
  const ports = new FakePorts();
  const hotplug = new Hotplug(rules, ports);
  ports.onChange = () => hotplug.look();
  ports.add("1:0:1", "1:0:2");
  const come = (device: { name: string }) => hotplug.offer(device, [device.name, "1d50:6018"]);
  return { rules, ports, hotplug, come };
}

test("a device is plugged when it comes, when its port comes, when its rule comes", async () => {
  const { rules, ports, hotplug, come } = bench("cable:1:0:1\ndrive:two:0:1\n");
  come(CABLE);
  come(DRIVE);
  await hotplug.idle();
  expect(ports.plugged).toEqual({ "1:0:1": CABLE });
  ports.add("two:0:1");
  await hotplug.idle();
  expect(ports.plugged).toEqual({ "1:0:1": CABLE, "two:0:1": DRIVE });
  const other = { name: "other" };
  come(other);
  rules.set("1d50:6018", "1:0:2");
  await hotplug.idle();
  expect(ports.plugged).toMatchObject({ "1:0:2": other });
});

test("a device waits for a port that is taken", async () => {
  const { ports, hotplug, come } = bench();
  const person = { name: "by a person" };
  await ports.plug(person, "1:0:1");
  come(CABLE);
  await hotplug.idle();
  expect(ports.plugged).toEqual({ "1:0:1": person });
  ports.lose("1:0:1");
  await hotplug.idle();
  expect(ports.plugged).toEqual({ "1:0:1": CABLE });
});

test("of two devices with the same name one is plugged, and the other after it", async () => {
  const { ports, hotplug } = bench("1d50:6018:1:0:1\n");
  hotplug.offer(CABLE, ["1D50:6018"]);
  hotplug.offer(DRIVE, ["1d50:6018"]);
  await hotplug.idle();
  expect(ports.plugged).toEqual({ "1:0:1": CABLE });
  hotplug.withdraw(CABLE);
  ports.lose("1:0:1");
  await hotplug.idle();
  expect(ports.plugged).toEqual({ "1:0:1": DRIVE });
});

test("a device that a person has plugged elsewhere stays there", async () => {
  const { ports, hotplug, come } = bench();
  await ports.plug(CABLE, "1:0:2");
  come(CABLE);
  await hotplug.idle();
  expect(ports.plugged).toEqual({ "1:0:2": CABLE });
});

test("a person's unplug stays, until the device leaves and comes", async () => {
  const { ports, hotplug, come } = bench();
  come(CABLE);
  await hotplug.idle();
  ports.lose("1:0:1");
  hotplug.unplugged(CABLE, "person");
  hotplug.retry();
  await hotplug.idle();
  expect(ports.plugged).toEqual({});
  hotplug.withdraw(CABLE);
  come(CABLE);
  await hotplug.idle();
  expect(ports.plugged).toEqual({ "1:0:1": CABLE });
});

test("a person's unplug stays, until they plug it or send it elsewhere", async () => {
  const { rules, ports, hotplug, come } = bench();
  come(CABLE);
  await hotplug.idle();
  ports.lose("1:0:1");
  hotplug.unplugged(CABLE, "person");
  await ports.plug(CABLE, "1:0:2");
  await hotplug.idle();
  ports.lose("1:0:2");
  await hotplug.idle();
  expect(ports.plugged).toEqual({ "1:0:1": CABLE });
  ports.lose("1:0:1");
  hotplug.unplugged(CABLE, "person");
  rules.set("cable", "1:0:2");
  await hotplug.idle();
  expect(ports.plugged).toEqual({ "1:0:2": CABLE });
});

test("what could not be plugged is tried again with the next guest or the tab's return, not before", async () => {
  const { ports, hotplug, come } = bench();
  ports.broken.add(CABLE);
  come(CABLE);
  come(DRIVE);
  await hotplug.idle();
  expect(ports.plugged).toEqual({ "1:0:2": DRIVE });
  ports.broken.delete(CABLE);
  hotplug.look();
  await hotplug.idle();
  expect(ports.plugged).toEqual({ "1:0:2": DRIVE });
  hotplug.retry();
  await hotplug.idle();
  expect(ports.plugged).toEqual({ "1:0:1": CABLE, "1:0:2": DRIVE });
});

test("devices that are there still have not left", async () => {
  const { ports, hotplug } = bench();
  const names = (...devices: { name: string }[]) => new Map(devices.map((device) => [device, [device.name]]));
  hotplug.offerOnly(names(CABLE, DRIVE));
  await hotplug.idle();
  ports.lose("1:0:1");
  hotplug.unplugged(CABLE, "person");
  hotplug.offerOnly(names(CABLE));
  ports.lose("1:0:2");
  await hotplug.idle();
  expect(ports.plugged).toEqual({});
  hotplug.offerOnly(names(CABLE, DRIVE));
  await hotplug.idle();
  expect(ports.plugged).toEqual({ "1:0:2": DRIVE });
});
