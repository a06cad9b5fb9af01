/** Several guests of one host: names and numbers, devices moved between them, each driven by a driver of its own. */
import { describe, expect, onTestFinished, test } from "vitest";
import { createUsbHost } from "../../app/host.ts";
import { SPEED_FULL } from "../../asm/layout.ts";
import { BareMachine } from "../fakes/guest-driver/bare-machine.ts";
import type { GuestDevice } from "../fakes/guest-driver/guest-device.ts";
import type { Ram } from "../fakes/guest-driver/ram.ts";

const GET_CONFIGURATION = 8;
const SET_CONFIGURATION = 9;

/** What the device says its configuration is. */
function configuration(ram: Ram, device: GuestDevice): number | undefined {
  const buffer = ram.buffer(1);
  ram.bytes[buffer] = 0xa5;
  device.control({ bmRequestType: 0x80, bRequest: GET_CONFIGURATION, wLength: 1 }, buffer);
  return ram.bytes[buffer];
}

async function threadHost() {
  const host = await createUsbHost({ placement: "thread" });
  onTestFinished(() => host.close());
  return host;
}

describe("guests", () => {
  test("count from 1 in the order they come, and have their controllers from 0", async () => {
    const host = await threadHost();
    const [first, second] = [new BareMachine(), new BareMachine()];
    const places = [];
    for (const machine of [first, second, first]) {
      places.push((await host.attach(machine, { ports: 2 })).port(2).place);
    }
    expect(places).toEqual(["1:0:2", "2:0:2", "1:1:2"]);
    expect(host.port("1:1:2")).toBe(host.controllers[2]?.ports[1]);
    for (const nowhere of ["3:0:1", "1:2:1", "1:0:3", "1:0:1.1", "1:0", "", "1:0:0", "x"]) {
      expect(host.port(nowhere), nowhere).toBeUndefined();
    }
  });

  test("are found by their names as well as by their numbers", async () => {
    const host = await threadHost();
    const controller = await host.attach(new BareMachine(), { guest: "Windows 98" });
    expect(controller.port(3).place).toBe("Windows 98:0:3");
    expect(host.port("Windows 98:0:3")).toBe(controller.port(3));
    expect(host.port("1:0:3")).toBe(controller.port(3));
  });

  test("cannot have a name that is taken or no name, and leave nothing behind then", async () => {
    const host = await threadHost();
    const machine = new BareMachine();
    await host.attach(machine, { guest: "one" });
    await expect(host.attach(new BareMachine(), { guest: "one" })).rejects.toThrow("There is a guest one already");
    await expect(host.attach(machine, { guest: "two" })).rejects.toThrow("guest one already");
    for (const guest of ["a:b", "2", ""]) {
      await expect(host.attach(new BareMachine(), { guest })).rejects.toThrow("cannot be named");
    }
    expect((await host.attach(new BareMachine())).port(1).place).toBe("2:0:1");
  });

  test("that leave make room: the next has their number", async () => {
    const host = await threadHost();
    const first = await host.attach(new BareMachine());
    const second = await host.attach(new BareMachine());
    await first.port(1).plug(host.device("keyboard"));
    await first.close();
    expect(host.controllers).toEqual([second]);
    expect(host.port("1:0:1")).toBeUndefined();
    expect(await host.stats()).toMatchObject({ links: 1, devices: 0 });
    expect((await host.attach(new BareMachine())).port(1).place).toBe("1:0:1");
  });

  test("that cannot take a controller are forgotten", async () => {
    const host = await threadHost();
    const full = new BareMachine();
    full.attach = () => {
      throw new Error("no room");
    };
    await expect(host.attach(full)).rejects.toThrow("no room");
    expect((await host.attach(new BareMachine())).port(1).place).toBe("1:0:1");
  });
});

describe("a device moved from guest to guest", () => {
  test("is the same device, as after a reset", async () => {
    const host = await threadHost();
    const [here, there] = [new BareMachine(), new BareMachine()];
    const [from, to] = [await host.attach(here), await host.attach(there)];
    const { product } = await from.port(1).plug(host.device("keyboard"));
    const [one, two] = [here.drive(), there.drive()];
    const first = one.enumerate(1, SPEED_FULL);
    first.control({ bmRequestType: 0x00, bRequest: SET_CONFIGURATION, wValue: 1 });
    expect(configuration(one.ram, first)).toBe(1);
    await from.port(1).moveTo(to.port(2));
    expect(from.port(1).plugged).toBeUndefined();
    expect(to.port(2).plugged).toMatchObject({ product });
    expect(configuration(two.ram, two.enumerate(2, SPEED_FULL))).toBe(0);
  });

  test("with a hub comes what is in the hub's ports", async () => {
    const host = await threadHost();
    const [from, to] = [await host.attach(new BareMachine()), await host.attach(new BareMachine())];
    await from.port(1).plug(host.device("hub", { ports: 3 }));
    await from.port(1).port(2).plug(host.device("keyboard"));
    await from.port(1).moveTo(to.port(4));
    expect(from.port(1).ports).toEqual([]);
    expect(host.port("2:0:4.2")?.plugged?.product).toMatch(/keyboard/i);
    expect(host.port("2:0:4.3")?.plugged).toBeUndefined();
  });

  test("stays where it is when the other port is taken", async () => {
    const host = await threadHost();
    const [from, to] = [await host.attach(new BareMachine()), await host.attach(new BareMachine())];
    await from.port(1).plug(host.device("keyboard"));
    await to.port(1).plug(host.device("keyboard"));
    await expect(from.port(1).moveTo(to.port(1))).rejects.toThrow("Port 1 is occupied");
    expect(from.port(1).plugged).toBeDefined();
    expect(from.port(1).busy || to.port(1).busy).toBe(false);
  });
});
