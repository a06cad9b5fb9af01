/** A device moved from one port to another: it lives on, and each of its transfers is answered once. */
import { expect, test } from "vitest";
import { SPEED_FULL, SPEED_HIGH, SPEED_NONE, STATUS_NO_DEVICE, STATUS_OK } from "../../../asm/layout.ts";
import { Backend } from "../../../worker/backend.ts";
import { createHub } from "../../../worker/device/hub/hub.ts";
import type { BackendNotice } from "../../../worker/protocol.ts";
import { Front } from "../../fakes/front.ts";
import { StubDevice } from "../../fakes/stub-device.ts";

const KEYBOARD = { kind: "keyboard" } as const;
const HUB2 = { kind: "hub", usb: 2 } as const;
const bulkIn = { endpoint: 0x81, length: 64 };

/** Two links of one backend, and a stub in port 1 of the first. */
async function twoLinks() {
  const devices: StubDevice[] = [];
  const notices: BackendNotice[] = [];
  const backend = new Backend({
    createDevice: async (source, host) => {
      if (source.kind === "hub") return createHub(source, host);
      const device = new StubDevice(host);
      devices.push(device);
      return device;
    },
  });
  await backend.listen((notice) => notices.push(notice));
  const [here, there] = [await Front.connect(backend, 1), await Front.connect(backend, 2)];
  await backend.plug(1, 1, KEYBOARD);
  const settle = async () => {
    await here.settle(2);
    await there.settle(2);
  };
  await settle();
  return { backend, here, there, devices, device: devices[0] as StubDevice, notices, settle };
}

const from = { link: 1, port: 1, route: 0 };
const to = { link: 2, port: 3, route: 0 };

test("it leaves one link and comes to the other, the same device, reset and not closed", async () => {
  const { backend, here, there, device, settle } = await twoLinks();
  const moved = await backend.move(from, to);
  expect(moved).toMatchObject([{ port: 3, route: 0, report: { plug: 1, product: "stub" } }]);
  await settle();
  expect(here.events.at(-1)).toEqual({ port: 1, plug: 1, speed: SPEED_NONE });
  expect(there.events).toEqual([{ port: 3, plug: 1, speed: SPEED_FULL }]);
  expect(device.log).toEqual(["reset"]);
  const sent = there.send({ ...bulkIn, port: 3 });
  await settle();
  device.answer(STATUS_OK, 7);
  expect(await sent.done).toMatchObject({ status: STATUS_OK, actual: 7 });
});

test("transfers on their way end as those of a device that is not there any more, once each", async () => {
  const { backend, here, settle } = await twoLinks();
  const sent = [here.send(bulkIn), here.send(bulkIn)];
  await settle();
  await backend.move(from, to);
  await settle();
  for (const each of sent) expect((await each.done).status).toBe(STATUS_NO_DEVICE);
  expect(sent.map(({ answers }) => answers)).toEqual([1, 1]);
  expect((await here.send({ ...bulkIn, plug: 1 }).done).status).toBe(STATUS_NO_DEVICE);
});

test("what it says afterwards is said of its new port", async () => {
  const { backend, device, there, notices, settle } = await twoLinks();
  await backend.move(from, to);
  device.host.gone("it fell");
  await settle();
  expect(notices).toEqual([{ link: 2, port: 3, route: 0, reason: "it fell" }]);
  expect(there.events.at(-1)).toMatchObject({ port: 3, speed: SPEED_NONE });
  expect((await backend.stats()).devices).toBe(0);
});

test("a device that goes while it is moved arrives nowhere, and both ports are free", async () => {
  const { backend, device, devices, settle } = await twoLinks();
  device.onReset = async () => device.host.gone("it fell");
  await expect(backend.move(from, to)).rejects.toThrow("it fell");
  await settle();
  expect(device.log).toContain("close");
  await backend.plug(1, 1, KEYBOARD);
  await backend.plug(2, 3, KEYBOARD);
  expect(devices).toHaveLength(3);
});

test("nothing moves into a port that is taken, or out of an empty one", async () => {
  const { backend, here, device, settle } = await twoLinks();
  await backend.plug(2, 3, KEYBOARD);
  await expect(backend.move(from, to)).rejects.toMatchObject({ name: "PortOccupiedError" });
  await expect(backend.move({ ...from, port: 2 }, { ...to, port: 4 })).rejects.toMatchObject({ name: "NotFoundError" });
  await expect(backend.move(from, { ...to, link: 9 })).rejects.toMatchObject({ name: "NotFoundError" });
  await settle();
  expect(here.events).toHaveLength(1);
  expect(device.log).toEqual([]);
});

test("two that want each other's port at once do not wait for each other for ever", async () => {
  const { backend } = await twoLinks();
  await backend.plug(2, 3, KEYBOARD);
  const outcomes = await Promise.allSettled([backend.move(from, to), backend.move(to, from)]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

test("a hub takes along what is plugged into it, and cannot be plugged into itself", async () => {
  const { backend, here, there, devices, settle } = await twoLinks();
  await backend.plug(1, 2, HUB2);
  await backend.plug(1, 2, KEYBOARD, 0x3);
  const hub = { link: 1, port: 2, route: 0 };
  await expect(backend.move(hub, { ...hub, route: 0x1 })).rejects.toThrow("into itself");
  const moved = await backend.move(hub, to);
  expect(moved).toMatchObject([
    { port: 3, route: 0, report: { ports: 4 } },
    { port: 3, route: 0x3, report: { product: "stub" } },
  ]);
  await settle();
  expect(here.events.at(-1)).toMatchObject({ port: 2, speed: SPEED_NONE });
  expect(there.events).toEqual([{ port: 3, plug: 1, speed: SPEED_HIGH }]);
  expect(devices[1]?.log).not.toContain("close");
  expect((await backend.stats()).devices).toBe(3);
  await backend.unplug(2, 3);
  expect(devices[1]?.log).toContain("close");
  expect((await backend.stats()).devices).toBe(1);
});

test("a hub moves while what is in its port is being plugged, moved or pulled out", async () => {
  const { backend, settle } = await twoLinks();
  await backend.plug(1, 2, HUB2);
  await backend.plug(1, 2, KEYBOARD, 0x1);
  const hub = { link: 1, port: 2, route: 0 };
  const outcomes = await Promise.allSettled([
    backend.plug(1, 2, KEYBOARD, 0x2),
    backend.move({ ...hub, route: 0x1 }, { ...hub, route: 0x4 }),
    backend.move(hub, to),
    backend.unplug(1, 2, 0x4),
    backend.move({ ...to, route: 0x4 }, { link: 1, port: 5, route: 0 }),
  ]);
  await settle();
  expect(outcomes.map(({ status }) => status)).toHaveLength(5);
  await backend.stop();
  expect(await backend.stats()).toEqual({ links: 0, devices: 0, owned: 0, orphans: 0 });
});
