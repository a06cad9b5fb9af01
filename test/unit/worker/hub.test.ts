/** Devices behind hubs, as a front has them: routes, numbers, unplugs of a hub with its children. */
import { expect, test } from "vitest";
import {
  COMPANION_PORT,
  EVENT_WAKE,
  SPEED_FULL,
  SPEED_HIGH,
  SPEED_NONE,
  SPEED_SUPER,
  STATUS_CANCELLED,
  STATUS_NO_DEVICE,
  STATUS_OK,
  TYPE_INTERRUPT,
} from "../../../asm/layout.ts";
import { Backend } from "../../../worker/backend.ts";
import { createHub } from "../../../worker/device/hub/hub.ts";
import type { BackendNotice, DeviceSource } from "../../../worker/protocol.ts";
import { Front, type Sent } from "../../fakes/front.ts";
import { StubDevice } from "../../fakes/stub-device.ts";

const HUB2 = { kind: "hub", usb: 2 } as const;
const HUB3 = { kind: "hub" } as const;
const KEYBOARD = { kind: "keyboard" } as const;

const PORT_SUSPEND = 2;
const PORT_RESET = 4;
const PORT_POWER = 8;
const CHANGES = [16, 18, 20, 25];

/** A backend whose hubs are real and whose other devices are stubs. A flash drive is one of SuperSpeed. */
async function connected() {
  const devices: StubDevice[] = [];
  const notices: BackendNotice[] = [];
  const backend = new Backend({
    createDevice: async (source: DeviceSource, host) => {
      if (source.kind === "hub") return createHub(source, host);
      const device = new StubDevice(host);
      if (source.kind === "flash-drive") Object.assign(device, { speed: SPEED_SUPER });
      devices.push(device);
      return device;
    },
  });
  await backend.listen((notice) => notices.push(notice));
  const front = await Front.connect(backend);
  return { backend, front, devices, notices };
}

type Setting = Awaited<ReturnType<typeof connected>>;
interface Where {
  readonly port?: number;
  readonly route?: number;
  readonly plug?: number;
}

/** A hub driver's requests to the hub at `where`. */
class HubDriver {
  readonly #front: Front;
  readonly #where: Where;

  constructor(front: Front, where: Where = {}) {
    this.#front = front;
    this.#where = where;
  }

  async request(bmRequestType: number, bRequest: number, wValue: number, wIndex = 0, length = 0): Promise<Uint8Array> {
    const sent = this.#front.send({ ...this.#where, setup: [bmRequestType, bRequest, wValue, wIndex], length });
    const { status, data } = await sent.done;
    expect(status).toBe(STATUS_OK);
    return data;
  }
  async start(): Promise<void> {
    await this.request(0x00, 9, 1);
    for (let port = 1; port <= 4; port++) await this.set(PORT_POWER, port);
  }
  async set(feature: number, port: number, selector = 0): Promise<void> {
    await this.request(0x23, 3, feature, port | (selector << 8));
  }
  async enable(port: number): Promise<void> {
    await this.set(PORT_RESET, port);
    for (const feature of CHANGES) {
      await this.#front.send({ ...this.#where, setup: [0x23, 1, feature, port] }).done;
    }
  }
  async status(port: number): Promise<string> {
    return Buffer.from(await this.request(0xa3, 0, 0, port, 4)).toString("hex");
  }
  waitForChange(): Sent {
    return this.#front.send({ ...this.#where, endpoint: 0x81, type: TYPE_INTERRUPT, length: 2 });
  }
}

/** A USB 2.0 hub in port 1 and a stub in its port 2, enabled and called number 70. */
async function behindHub() {
  const setting = await connected();
  const { backend, front, devices } = setting;
  expect(await backend.plug(1, 1, HUB2)).toMatchObject({ plug: 1, speed: SPEED_HIGH, ports: 4 });
  await front.settle(2);
  const hub = new HubDriver(front);
  await hub.start();
  expect(await backend.plug(1, 1, KEYBOARD, 0x2)).toMatchObject({ speed: SPEED_FULL, ports: 0 });
  await hub.enable(2);
  expect((await front.address(0x2, 70).done).status).toBe(STATUS_OK);
  return { ...setting, hub, device: devices[0] as StubDevice };
}

const child = { route: 0x2, plug: 70, endpoint: 0x81, length: 64 };

test("a transfer finds its device by its route, and comes back once", async () => {
  const { front, device } = await behindHub();
  const sent = front.send(child);
  await front.settle(2);
  expect(device.held).toHaveLength(1);
  device.held[0]?.write(Uint8Array.of(0x11, 0x22));
  device.answer(STATUS_OK, 2);
  expect(await sent.done).toEqual({ status: STATUS_OK, actual: 2, data: Uint8Array.of(0x11, 0x22) });
  expect((await front.send({ route: 0x2, plug: 70, setup: [0, 5, 9, 0] }).done).status).toBe(STATUS_OK);
  expect(device.log).toEqual(["reset", "submit"]);
});

test("a plug, an unplug and a wake-up are the hub's to tell: a bit of its endpoint, and no event of the link", async () => {
  const { front, hub, backend, device } = await behindHub();
  expect(front.events).toHaveLength(1);
  const change = hub.waitForChange();
  await hub.set(PORT_SUSPEND, 2);
  expect((await front.send(child).done).status).toBe(STATUS_NO_DEVICE);
  device.host.wake();
  expect((await change.done).data).toEqual(Uint8Array.of(0x04));
  expect(await hub.status(2)).toBe("03010400");
  await backend.unplug(1, 1, 0x2);
  expect(await hub.status(2)).toBe("00010500");
  expect(front.events).toHaveLength(1);
});

test.each<[string, Where]>([
  ["no number", { route: 0x2, plug: 0 }],
  ["another number", { route: 0x2, plug: 71 }],
  ["an empty port", { route: 0x3, plug: 70 }],
  ["a port that the hub has not", { route: 0x5, plug: 70 }],
  ["a route through port 0", { route: 0x20, plug: 70 }],
  ["a route through a device that is no hub", { route: 0x12, plug: 70 }],
  ["five hubs that are not there", { route: 0x11112, plug: 70 }],
  ["another port of the controller", { port: 2, route: 0x2, plug: 70 }],
])("%s has no device", async (_, where) => {
  const { front, device } = await behindHub();
  expect((await front.send({ ...child, ...where }).done).status).toBe(STATUS_NO_DEVICE);
  expect(device.log).toEqual(["reset"]);
});

test("OPERATION_ADDRESS answers only for an enabled port of a hub, and gives no number 0", async () => {
  const { front, backend, hub } = await behindHub();
  const address = async (route: number, plug = 5) => (await front.address(route, plug).done).status;
  await backend.plug(1, 1, KEYBOARD, 0x3);
  expect([await address(0x3), await address(0x1), await address(0), await address(0x2, 0)]).toEqual([
    STATUS_NO_DEVICE,
    STATUS_NO_DEVICE,
    STATUS_NO_DEVICE,
    STATUS_NO_DEVICE,
  ]);
  await hub.enable(3);
  expect(await address(0x3)).toBe(STATUS_OK);
});

test("after a fast replug the next device never gets the old one's transfers", async () => {
  const { front, backend, hub, devices } = await behindHub();
  await Promise.all([backend.unplug(1, 1, 0x2), backend.plug(1, 1, KEYBOARD, 0x2)]);
  const next = devices[1] as StubDevice;
  expect((await front.send(child).done).status).toBe(STATUS_NO_DEVICE);
  await hub.enable(2);
  expect((await front.send(child).done).status).toBe(STATUS_NO_DEVICE);
  await front.address(0x2, 71).done;
  expect((await front.send(child).done).status).toBe(STATUS_NO_DEVICE);
  expect(next.log).toEqual(["reset"]);
  front.send({ ...child, plug: 71 });
  await front.settle(2);
  expect(next.held).toHaveLength(1);
});

test("a reset of the port behind the hub ends the device's transfers and keeps its number", async () => {
  const { front, hub, device } = await behindHub();
  const sent = front.send(child);
  await front.settle(2);
  let done = (): void => undefined;
  device.onReset = () =>
    new Promise((resolve) => {
      done = resolve;
    });
  await hub.set(PORT_RESET, 2);
  expect((await sent.done).status).toBe(STATUS_CANCELLED);
  expect((await front.send(child).done).status).toBe(STATUS_NO_DEVICE);
  const change = hub.waitForChange();
  done();
  expect((await change.done).data).toEqual(Uint8Array.of(0x04));
  front.send(child);
  await front.settle(2);
  expect(device.held).toHaveLength(1);
});

test("unplug of a hub with children: the event, then each transfer once, then all devices are closed", async () => {
  const { front, backend, devices, device } = await behindHub();
  await backend.plug(1, 1, HUB2, 0x3);
  const outer = new HubDriver(front);
  await outer.enable(3);
  await front.address(0x3, 80).done;
  const inner = new HubDriver(front, { route: 0x3, plug: 80 });
  await inner.start();
  await backend.plug(1, 1, KEYBOARD, 0x13);
  await inner.enable(1);
  await front.address(0x13, 81).done;
  const sent = [
    outer.waitForChange(),
    front.send(child),
    inner.waitForChange(),
    front.send({ ...child, route: 0x13, plug: 81 }),
    front.send({ ...child, route: 0x13, plug: 81 }),
  ];
  await front.settle(2);
  expect((await backend.stats()).devices).toBe(4);
  front.history.length = 0;
  await backend.unplug(1, 1);
  await front.settle(2);
  expect(front.history[0]).toBe("unplug 1");
  expect(sent.map(({ answers }) => answers)).toEqual([1, 1, 1, 1, 1]);
  for (const each of sent) expect((await each.done).status).toBe(STATUS_NO_DEVICE);
  expect([device.log.at(-1), devices[1]?.log.at(-1)]).toEqual(["close", "close"]);
  expect(await backend.stats()).toEqual({ links: 1, devices: 0, owned: 0, orphans: 0 });
  // Nothing is left to plug into, and what is gone can be pulled out again.
  await expect(backend.plug(1, 1, KEYBOARD, 0x2)).rejects.toMatchObject({
    name: "NotFoundError",
    message: "There is no port 1.2 on virtual controller 1.",
  });
  await backend.unplug(1, 1, 0x2);
});

test("the hub's own reset and its deconfiguration leave no transfer behind it", async () => {
  for (const stop of ["reset", "configuration"] as const) {
    const { front, hub, device } = await behindHub();
    const sent = front.send(child);
    await front.settle(2);
    if (stop === "reset") await front.reset().done;
    else await hub.request(0x00, 9, 0);
    expect((await sent.done).status).toBe(stop === "reset" ? STATUS_CANCELLED : STATUS_NO_DEVICE);
    expect((await front.send(child).done).status).toBe(STATUS_NO_DEVICE);
    expect(device.log).toEqual(["reset", "submit", "cancel"]);
    // The hub finds the device again when it has power.
    await hub.start();
    expect(await hub.status(2)).toBe("01010100");
  }
});

test("a cancel reaches a device behind hubs", async () => {
  const { front, device } = await behindHub();
  const sent = front.send(child);
  await front.settle(2);
  front.cancel(sent);
  expect((await sent.done).status).toBe(STATUS_CANCELLED);
  expect(device.log.at(-1)).toBe("cancel");
});

test("a device behind a hub that leaves by itself is told with its route, and drops once", async () => {
  const { front, hub, device, notices, backend } = await behindHub();
  const change = hub.waitForChange();
  device.host.gone("pulled");
  device.host.gone("again");
  await backend.unplug(1, 1, 0x2);
  expect((await change.done).data).toEqual(Uint8Array.of(0x04));
  expect(notices).toEqual([{ link: 1, port: 1, route: 0x2, reason: "pulled" }]);
  expect((await front.send(child).done).status).toBe(STATUS_NO_DEVICE);
});

test("a hub that is pulled out while a device behind it is being opened has that device closed", async () => {
  let opened: (device: StubDevice) => void = () => undefined;
  const backend = new Backend({
    createDevice: async (source, host) => {
      if (source.kind === "hub") return createHub(source, host);
      return new Promise<StubDevice>((resolve) => {
        opened = resolve;
      });
    },
  });
  const front = await Front.connect(backend);
  await backend.plug(1, 1, HUB2);
  const plugging = backend.plug(1, 1, KEYBOARD, 0x1);
  plugging.catch(() => undefined);
  await front.settle(2);
  const unplugging = backend.unplug(1, 1);
  const device = new StubDevice({ gone: () => undefined, wake: () => undefined, hasOutput: () => undefined });
  opened(device);
  await unplugging;
  await expect(plugging).rejects.toMatchObject({ name: "NotFoundError" });
  expect(device.log).toEqual(["close"]);
});

test("five hubs in a row work, a sixth is refused", async () => {
  const { backend, front, devices } = await connected();
  let driver: HubDriver | undefined;
  for (let tier = 0; tier < 5; tier++) {
    const route = 0x11111 & ((1 << (4 * tier)) - 1);
    await backend.plug(1, 1, HUB2, route);
    await front.settle(2);
    if (driver) {
      await driver.enable(1);
      expect((await front.address(route, 100 + tier).done).status).toBe(STATUS_OK);
    }
    driver = new HubDriver(front, tier === 0 ? {} : { route, plug: 100 + tier });
    await driver.start();
  }
  await expect(backend.plug(1, 1, HUB2, 0x11111)).rejects.toMatchObject({ name: "UnsupportedError" });
  await backend.plug(1, 1, KEYBOARD, 0x11111);
  await driver?.enable(1);
  expect((await front.address(0x11111, 105).done).status).toBe(STATUS_OK);
  front.send({ ...child, route: 0x11111, plug: 105 });
  await front.settle(2);
  expect(devices[0]?.held).toHaveLength(1);
  await backend.unplug(1, 1);
  expect(await backend.stats()).toMatchObject({ devices: 0, owned: 0 });
});

async function usb3Hub(): Promise<Setting & { fast: HubDriver; slow: HubDriver }> {
  const setting = await connected();
  const { backend, front } = setting;
  await backend.plug(1, 1, HUB3);
  await front.settle(2);
  const fast = new HubDriver(front);
  const slow = new HubDriver(front, { port: 1 + COMPANION_PORT });
  await fast.start();
  await slow.start();
  return { ...setting, fast, slow };
}

test("a USB 3 hub is two devices of two ports, and a device is behind the one of its speed", async () => {
  const { backend, front, fast, slow } = await usb3Hub();
  expect(front.events).toEqual([
    { port: 1, plug: 1, speed: SPEED_SUPER },
    { port: 17, plug: 1, speed: SPEED_HIGH },
  ]);
  expect((await backend.stats()).devices).toBe(1);
  await backend.plug(1, 1, KEYBOARD, 0x1);
  await backend.plug(1, 1, { kind: "flash-drive", image: { size: 512 } }, 0x2);
  expect([await fast.status(1), await slow.status(1)]).toEqual(["a0020000", "01010100"]);
  expect([await fast.status(2), await slow.status(2)]).toEqual(["03020100", "00010000"]);
  // A USB 3 hub behind a USB 3 hub is in both halves.
  await backend.plug(1, 1, HUB3, 0x3);
  expect([await fast.status(3), await slow.status(3)]).toEqual(["03020100", "01010100"]);
  await expect(backend.plug(1, 1, KEYBOARD, 0x2)).rejects.toMatchObject({
    name: "PortOccupiedError",
    message: "Port 1.2 is occupied. Unplug its device first.",
  });
  await backend.unplug(1, 1);
  await front.settle(2);
  expect(front.events.slice(2)).toEqual([
    { port: 1, plug: 1, speed: SPEED_NONE },
    { port: 17, plug: 1, speed: SPEED_NONE },
  ]);
});

test("a USB 3 hub's halves wake and reset on their own", async () => {
  const { backend, front, slow } = await usb3Hub();
  const woken: number[] = [];
  front.link.connect({
    portEvent: (_, __, speed) => expect(speed).toBe(EVENT_WAKE),
    portWake: (port) => woken.push(port),
    settled: () => undefined,
    violated: () => undefined,
  });
  await slow.request(0x00, 3, 1); // SetFeature(DEVICE_REMOTE_WAKEUP)
  await backend.plug(1, 1, KEYBOARD, 0x1);
  await front.settle(2);
  expect(woken).toEqual([17]);
  await front.reset(1, 1).done;
  expect(await slow.status(1)).toBe("01010100");
});

test("behind a USB 2.0 hub there is no SuperSpeed: a device for it is refused, a USB 3 hub is a USB 2.0 hub", async () => {
  const { backend, hub } = await behindHub();
  await expect(backend.plug(1, 1, { kind: "flash-drive", image: { size: 512 } }, 0x1)).rejects.toMatchObject({
    name: "UnsupportedError",
  });
  expect(await backend.plug(1, 1, HUB3, 0x1)).toMatchObject({ ports: 4 });
  expect(await hub.status(1)).toBe("01010100");
  await expect(backend.plug(1, 1, { kind: "flash-drive", image: { size: 512 } }, 0x11)).rejects.toMatchObject({
    name: "UnsupportedError",
  });
});
