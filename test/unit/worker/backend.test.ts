import { expect, test } from "vitest";
import {
  RING_PRODUCER,
  SPEED_FULL,
  SPEED_SUPER,
  STATUS_CANCELLED,
  STATUS_INVALID,
  STATUS_NO_DEVICE,
  STATUS_OK,
  SUBMISSION_RING,
  VIOLATION_COUNTER,
} from "../../../asm/layout.ts";
import { Backend } from "../../../worker/backend.ts";
import type { BackendNotice, PortAddress } from "../../../worker/protocol.ts";
import { Front } from "../../fakes/front.ts";
import { StubDevice } from "../../fakes/stub-device.ts";

const KEYBOARD = { kind: "keyboard" } as const;
const SET_ADDRESS = [0x00, 5, 9, 0] as const;

function deferred<T = void>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

async function connected() {
  const devices: StubDevice[] = [];
  const notices: BackendNotice[] = [];
  const backend = new Backend({
    createDevice: async (_source, host) => {
      const device = new StubDevice(host);
      devices.push(device);
      return device;
    },
  });
  await backend.listen((notice) => notices.push(notice));
  const front = await Front.connect(backend);
  return { backend, front, devices, notices };
}

async function plugged() {
  const all = await connected();
  await all.backend.plug(1, 1, KEYBOARD);
  await all.front.settle(2);
  return { ...all, device: all.devices[0] as StubDevice };
}

const bulkIn = { endpoint: 0x81, length: 64 };

test("a transfer goes to the device and comes back once", async () => {
  const { front, device } = await plugged();
  const sent = front.send(bulkIn);
  await front.settle(2);
  device.held[0]?.write(Uint8Array.of(0x11, 0x22, 0x33));
  const request = device.held[0];
  device.answer(STATUS_OK, 3);
  request?.complete(STATUS_INVALID, 0);
  expect(await sent.done).toEqual({ status: STATUS_OK, actual: 3, data: Uint8Array.of(0x11, 0x22, 0x33) });
  expect(sent.answers).toBe(1);
});

test("how a guest has configured a device is told: its descriptors, and the alternates it has chosen", async () => {
  const backend = new Backend();
  const front = await Front.connect(backend);
  await backend.plug(1, 1, { kind: "uas-drive", image: { size: 1 << 20 } });
  await front.settle(2);
  expect(await backend.configured(1, 1)).toEqual([]);
  await front.send({ setup: [0x00, 9, 1, 0] }).done;
  const [{ descriptors, ...rest } = { descriptors: new Uint8Array(0) }] = await backend.configured(1, 1);
  expect(rest).toEqual({ speed: SPEED_SUPER, plug: 1, alternates: [] });
  expect(descriptors).toHaveLength(121);
  expect(descriptors.slice(0, 4)).toEqual(Uint8Array.of(0x09, 0x02, 0x79, 0x00));
  await front.send({ setup: [0x01, 11, 1, 0] }).done;
  expect(await backend.configured(1, 1)).toMatchObject([{ alternates: [[0, 1]] }]);
  expect(await backend.configured(1, 2)).toEqual([]);
});

test("SET_ADDRESS is answered for every device", async () => {
  const { front, device } = await plugged();
  expect(await front.send({ setup: SET_ADDRESS }).done).toMatchObject({ status: STATUS_OK });
  expect(device.log).toEqual([]);
});

test("an empty port, a port that no controller has, and an earlier plug have no device", async () => {
  const { front, device, backend } = await plugged();
  expect((await front.send({ ...bulkIn, port: 2 }).done).status).toBe(STATUS_NO_DEVICE);
  expect((await front.send({ ...bulkIn, port: 31 }).done).status).toBe(STATUS_NO_DEVICE);
  expect((await front.send({ ...bulkIn, plug: 2 }).done).status).toBe(STATUS_NO_DEVICE);
  expect((await front.send({ ...bulkIn, plug: 0 }).done).status).toBe(STATUS_NO_DEVICE);
  expect((await front.reset(1, 7).done).status).toBe(STATUS_NO_DEVICE);
  expect(device.log).toEqual([]);
  await expect(backend.plug(1, 32, KEYBOARD)).rejects.toMatchObject({ name: "NotFoundError" });
  await expect(backend.plug(2, 1, KEYBOARD)).rejects.toMatchObject({ name: "NotFoundError" });
});

test("a fast replug is two events with two plug numbers", async () => {
  const { front, backend } = await plugged();
  const unplugging = backend.unplug(1, 1);
  const plugging = backend.plug(1, 1, KEYBOARD);
  await unplugging;
  expect((await plugging).plug).toBe(2);
  await front.settle(2);
  expect(front.events).toEqual([
    { port: 1, plug: 1, speed: SPEED_FULL },
    { port: 1, plug: 1, speed: 0 },
    { port: 1, plug: 2, speed: SPEED_FULL },
  ]);
});

test("an occupied port refuses a second device; an empty one is unplugged without complaint", async () => {
  const { backend } = await plugged();
  await expect(backend.plug(1, 1, KEYBOARD)).rejects.toMatchObject({
    name: "PortOccupiedError",
    message: "Port 1 is occupied. Unplug its device first.",
  });
  await backend.unplug(1, 2);
  await backend.input(1, 2, { type: "release-keys" });
});

test("unplug: the event, then the transfers, then the device's close", async () => {
  const { front, device, backend } = await plugged();
  const sent = [front.send(bulkIn), front.send(bulkIn)];
  await front.settle(2);
  const closing = deferred();
  device.onClose = () => closing.promise;
  const unplugged = backend.unplug(1, 1);
  for (const each of sent) expect((await each.done).status).toBe(STATUS_NO_DEVICE);
  expect(front.history).toEqual(["plug 1", "unplug 1", `81 ${STATUS_NO_DEVICE}`, `81 ${STATUS_NO_DEVICE}`]);
  expect(device.log.slice(2)).toEqual(["cancel", "cancel", "close"]);
  // While it closes there is no device, and the next plug waits.
  expect((await front.send(bulkIn).done).status).toBe(STATUS_NO_DEVICE);
  const next = backend.plug(1, 1, KEYBOARD);
  closing.resolve();
  await unplugged;
  expect((await next).plug).toBe(2);
});

test("a device that leaves by itself drops its port once, also while it is being unplugged", async () => {
  const { front, device, backend, notices } = await plugged();
  const sent = front.send(bulkIn);
  await front.settle(2);
  device.host.gone("pulled");
  device.host.gone("pulled again");
  const unplugged = backend.unplug(1, 1);
  device.host.gone("and again");
  await unplugged;
  expect((await sent.done).status).toBe(STATUS_NO_DEVICE);
  await front.settle(2);
  expect(front.events.length).toBe(2);
  expect(notices).toEqual([{ link: 1, port: 1, route: 0, reason: "pulled" }]);
  // The next device of the port is not touched by the last words of this one.
  await backend.plug(1, 1, KEYBOARD);
  device.host.gone("late");
  expect((await backend.stats()).devices).toBe(1);
});

test("a device that is gone before it is plugged makes no event", async () => {
  const closed: string[] = [];
  const backend = new Backend({
    createDevice: async (_source, host) => {
      const device = new StubDevice(host);
      device.onClose = () => void closed.push("closed");
      host.gone("it was pulled out");
      return device;
    },
  });
  const front = await Front.connect(backend);
  await expect(backend.plug(1, 1, KEYBOARD)).rejects.toMatchObject({ name: "NotFoundError" });
  await front.settle(2);
  expect([front.events, closed]).toEqual([[], ["closed"]]);
});

test("a device that fails inside is dropped, and the link goes on", async () => {
  const { front, device, notices } = await plugged();
  device.onSubmit = () => {
    throw new Error("a mistake");
  };
  expect((await front.send(bulkIn).done).status).toBe(STATUS_NO_DEVICE);
  expect(notices.map(({ reason }) => reason)).toEqual(["it failed inside pvusb: a mistake"]);
  expect((await front.send(bulkIn).done).status).toBe(STATUS_NO_DEVICE);
});

test("port reset: cancels, waits, and lets through in order what came meanwhile", async () => {
  const { front, device } = await plugged();
  const before = front.send(bulkIn);
  await front.settle(2);
  const pending = deferred();
  device.onReset = () => pending.promise;
  const reset = front.reset();
  const [first, second, third] = [1, 2, 3].map((length) => front.send({ ...bulkIn, length }));
  expect((await before.done).status).toBe(STATUS_CANCELLED);
  await front.settle(2);
  if (second) front.cancel(second);
  expect((await second?.done)?.status).toBe(STATUS_CANCELLED);
  expect(device.log).toEqual(["submit", "cancel", "reset"]);
  pending.resolve();
  expect((await reset.done).status).toBe(STATUS_OK);
  await front.settle(2);
  expect(device.held.map(({ length }) => length)).toEqual([1, 3]);
  device.answer(STATUS_OK);
  device.answer(STATUS_OK);
  expect([(await first?.done)?.status, (await third?.done)?.status]).toEqual([STATUS_OK, STATUS_OK]);
});

test("a reset during a reset waits its turn; an unplug answers them all", async () => {
  const { front, device, backend } = await plugged();
  const [first, second] = [deferred(), deferred()];
  const resets = [first, second];
  device.onReset = () => resets.shift()?.promise;
  const sent = [front.reset(), front.send(bulkIn), front.reset(), front.send(bulkIn)];
  await front.settle(2);
  first.resolve();
  expect((await sent[0]?.done)?.status).toBe(STATUS_OK);
  expect((await sent[1]?.done)?.status).toBe(STATUS_CANCELLED);
  expect(device.log).toEqual(["reset", "submit", "cancel", "reset"]);
  await backend.unplug(1, 1);
  expect((await sent[2]?.done)?.status).toBe(STATUS_NO_DEVICE);
  expect((await sent[3]?.done)?.status).toBe(STATUS_NO_DEVICE);
  second.resolve();
  await front.settle(2);
  expect(front.events.length).toBe(2);
});

test("a reset that is given up goes on; one that fails is the end of the device", async () => {
  const { front, device, notices } = await plugged();
  const [first, second] = [deferred(), deferred()];
  device.onReset = () => first.promise;
  const given = front.reset();
  await front.settle(2);
  front.cancel(given);
  expect((await given.done).status).toBe(STATUS_CANCELLED);
  first.resolve();
  await front.settle(2);
  device.onReset = () => second.promise;
  const reset = front.reset();
  await front.settle(2);
  second.reject(new Error("no answer"));
  expect((await reset.done).status).toBe(STATUS_NO_DEVICE);
  expect(notices.map(({ reason }) => reason)).toEqual(["it did not come back from a reset: no answer"]);
  expect((await front.send(bulkIn).done).status).toBe(STATUS_NO_DEVICE);
});

test("a front that breaks the rules loses its ports and its link; others go on", async () => {
  const { front, backend, notices, devices } = await plugged();
  const other = await Front.connect(backend, 2);
  await backend.plug(2, 1, KEYBOARD);
  const sent = front.send(bulkIn);
  await front.settle(2);
  const words = new Int32Array(front.link.core.memory.buffer);
  Atomics.add(words, (SUBMISSION_RING + RING_PRODUCER) >> 2, 100_000);
  Atomics.notify(words, (SUBMISSION_RING + RING_PRODUCER) >> 2);
  expect((await sent.done).status).toBe(STATUS_NO_DEVICE);
  await front.settle(2);
  expect(front.events.map(({ speed }) => speed)).toEqual([SPEED_FULL, 0]);
  expect(devices[0]?.log.at(-1)).toBe("close");
  expect(notices).toEqual([
    {
      link: 1,
      port: 0,
      route: 0,
      reason: `The virtual controller broke the rules of its link (violation ${VIOLATION_COUNTER}). Start the guest again.`,
    },
  ]);
  expect(await backend.stats()).toEqual({ links: 1, devices: 1, owned: 0, orphans: 0 });
  expect((await other.send({ setup: SET_ADDRESS }).done).status).toBe(STATUS_OK);
  await expect(backend.plug(1, 1, KEYBOARD)).rejects.toMatchObject({ name: "NotFoundError" });
});

test("disconnect answers everything, also for a device that is still being opened", async () => {
  const opened = deferred<StubDevice>();
  const backend = new Backend({ createDevice: () => opened.promise });
  const front = await Front.connect(backend);
  const plugging = backend.plug(1, 1, KEYBOARD);
  plugging.catch(() => undefined);
  await front.settle(2);
  const leaving = backend.disconnect(1);
  const device = new StubDevice({ gone: () => undefined, wake: () => undefined, hasOutput: () => undefined });
  opened.resolve(device);
  await leaving;
  await expect(plugging).rejects.toMatchObject({ name: "NotFoundError" });
  expect([device.log, front.events]).toEqual([["close"], []]);
  expect(await backend.stats()).toEqual({ links: 0, devices: 0, owned: 0, orphans: 0 });
});

test("on the guest's own thread a device that answers at once is done when the flush returns", async () => {
  const { backend, front, device } = await plugged();
  front.link.runInside(() => backend.pump(1));
  device.onSubmit = () => device.answer(STATUS_OK, 0);
  expect(front.send(bulkIn).answers).toBe(1);
  expect(front.reset().answers).toBe(1);
  expect(front.send({ setup: SET_ADDRESS }).answers).toBe(1);
});

test("input reaches the device", async () => {
  const { backend, device } = await plugged();
  await backend.input(1, 1, { type: "key", code: "KeyA", pressed: true });
  expect(device.log).toEqual(['{"type":"key","code":"KeyA","pressed":true}']);
});

test("output comes from the device; an empty port and a device without any have none", async () => {
  const { backend, device } = await plugged();
  expect(await backend.output(1, 1)).toBeUndefined();
  const sound = { type: "sound", channels: 2, runs: [], lost: 0 } as const;
  Object.assign(device, { output: () => sound });
  expect(await backend.output(1, 1)).toEqual(sound);
  expect(await backend.output(1, 2)).toBeUndefined();
  await backend.unplug(1, 1);
  expect(await backend.output(1, 1)).toBeUndefined();
});

test("output is told once until it is asked for, and by another port after a move", async () => {
  const { backend, device } = await plugged();
  const told: string[] = [];
  const tell = ({ link, port, route }: PortAddress) => told.push([link, port, route].join(" "));
  await backend.listen(() => undefined, tell);
  device.host.hasOutput();
  device.host.hasOutput();
  expect(told).toEqual(["1 1 0"]);
  await backend.output(1, 1);
  device.host.hasOutput();
  expect(told).toEqual(["1 1 0", "1 1 0"]);
  await backend.move({ link: 1, port: 1, route: 0 }, { link: 1, port: 2, route: 0 });
  device.host.hasOutput();
  expect(told.slice(2)).toEqual(["1 2 0"]);
  await backend.unplug(1, 2);
  device.host.hasOutput();
  expect(told).toHaveLength(3);
});

test("more port events than the ring takes are kept until there is room", async () => {
  const { backend, front } = await connected();
  const poll = front.link.poll;
  front.link.poll = () => undefined; // a guest that does not look
  for (let round = 0; round < 200; round++) {
    await backend.plug(1, 1, KEYBOARD);
    await backend.unplug(1, 1);
  }
  front.link.poll = poll;
  for (let round = 0; round < 3; round++) {
    await front.settle(2);
    front.send({ setup: SET_ADDRESS, plug: 0 });
  }
  await front.settle();
  expect(front.events.length).toBe(400);
  expect(front.events.map(({ plug }) => plug)).toEqual(Array.from({ length: 400 }, (_, index) => (index >> 1) + 1));
});
