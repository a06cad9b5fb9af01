/** The backend's part of saved states: a link that holds still, and devices that are in their ports again. */
import { expect, test } from "vitest";
import { STATUS_CANCELLED, STATUS_NO_DEVICE, STATUS_OK } from "../../../asm/layout.ts";
import { Backend } from "../../../worker/backend.ts";
import type { DeviceSource } from "../../../worker/protocol.ts";
import { Front } from "../../fakes/front.ts";
import { throughFile } from "../saved.ts";

const KEYBOARD = { kind: "keyboard" } as const;
const MIB = 1 << 20;
const GET_CONFIGURATION = [0x80, 8, 0, 0] as const;
const SET_CONFIGURATION = [0x00, 9, 1, 0] as const;
const POLL = { endpoint: 0x81, type: 3, length: 8 };

async function plugged(source: DeviceSource = KEYBOARD) {
  const backend = new Backend();
  const front = await Front.connect(backend);
  const report = await backend.plug(1, 1, source);
  await front.settle(2);
  await front.send({ setup: SET_CONFIGURATION }).done;
  return { backend, front, report };
}

const configuration = async (front: Front) => {
  return (await front.send({ setup: GET_CONFIGURATION, length: 1 }).done).data[0];
};
const save = async (backend: Backend) => throughFile(await backend.save(1)) as unknown[];

test("from a save to its resume nothing is shown and nothing is begun, and nothing is lost", async () => {
  const { backend, front } = await plugged();
  const polled = front.send(POLL);
  await front.settle(2);
  const devices = await save(backend);
  const asked = front.send({ setup: GET_CONFIGURATION, length: 1 });
  await backend.input(1, 1, { type: "key", code: "KeyA", pressed: true });
  front.cancel(asked);
  await front.settle();
  expect([polled.answers, asked.answers]).toEqual([0, 0]);
  expect(devices).toMatchObject([{ port: 1, plugs: [1], states: [{ function: { reports: [] } }] }]);
  await backend.resume(1);
  expect(await polled.done).toMatchObject({ status: STATUS_OK, actual: 8 });
  expect([STATUS_OK, STATUS_CANCELLED]).toContain((await asked.done).status);
  expect(await configuration(front)).toBe(1);
  await backend.resume(1);
});

test("a device that is still there is itself again, as another plug", async () => {
  const { backend, front } = await plugged();
  const devices = await save(backend);
  await backend.resume(1);
  const polled = front.send(POLL);
  await front.send({ setup: [0x00, 9, 0, 0] }).done;
  expect(await configuration(front)).toBe(0);
  const [restored] = await backend.restore(1, devices);
  expect(restored).toMatchObject({ port: 1, route: 0, same: true, report: { plug: 2, product: "Keyboard" } });
  await front.settle(2);
  expect(front.events.slice(-2)).toEqual([
    { port: 1, plug: 1, speed: 0 },
    { port: 1, plug: 2, speed: 1 },
  ]);
  expect((await polled.done).status).not.toBe(STATUS_OK);
  expect((await front.send({ ...POLL, plug: 1 }).done).status).toBe(STATUS_NO_DEVICE);
  expect(await configuration(front)).toBe(1);
});

test("a device that is gone is made again, in place of what is there", async () => {
  const { backend, front } = await plugged({ kind: "flash-drive", image: { size: MIB }, serial: "0123456789AB" });
  const devices = await save(backend);
  await backend.resume(1);
  await backend.unplug(1, 1);
  await backend.plug(1, 1, KEYBOARD);
  const [restored] = await backend.restore(1, devices);
  expect(restored).toMatchObject({ same: true, report: { serialNumber: "0123456789AB", plug: 3 } });
  await front.settle(2);
  expect(await configuration(front)).toBe(1);
  expect(await backend.stats()).toMatchObject({ devices: 1 });
});

test("a hub is there again with what was plugged into it, and tells of what is not", async () => {
  const { backend } = await plugged({ kind: "hub", ports: 3, usb: 2 });
  await backend.plug(1, 1, KEYBOARD, 1);
  await backend.plug(1, 1, { kind: "flash-drive", image: { blob: new Blob([new Uint8Array(512)]) } }, 2);
  const devices = await save(backend);
  await backend.stop();
  const other = new Backend();
  await Front.connect(other);
  const restored = await other.restore(1, devices);
  expect(restored).toMatchObject([
    { route: 0, same: true, report: { product: "Hub", ports: 3 } },
    { route: 1, same: true, report: { product: "Keyboard" } },
    { route: 2, same: false, report: undefined, note: expect.stringMatching(/did not come back: .*plug it again/) },
  ]);
  expect(await other.stats()).toMatchObject({ devices: 2 });
});

test("what cannot be made again is told, and what is damaged leaves its port empty", async () => {
  const { backend } = await plugged({ kind: "flash-drive", image: { blob: new Blob([new Uint8Array(512)]) } });
  const devices = (await save(backend)) as { states: unknown[] }[];
  await backend.resume(1);
  expect(await backend.restore(1, devices)).toMatchObject([{ same: true, note: undefined }]);
  await backend.unplug(1, 1);
  expect(await backend.restore(1, devices)).toMatchObject([{ same: false, report: undefined, damage: undefined }]);
  const file = devices.map((device) => ({ ...device, origin: { kind: "flash-drive", image: { path: "/nowhere" } } }));
  expect(await backend.restore(1, file)).toMatchObject([{ same: false, note: expect.stringMatching(/no image/) }]);
  const damaged = devices.map((device) => ({ ...device, origin: KEYBOARD }));
  expect(await backend.restore(1, damaged)).toMatchObject([
    { report: undefined, damage: expect.stringMatching(/damaged/) },
  ]);
  expect(await backend.stats()).toMatchObject({ devices: 0 });
  for (const rubbish of [[7], [{}], [{ ...devices[0], port: 99 }], [{ ...devices[0], origin: {} }]]) {
    await expect(backend.restore(1, rubbish)).rejects.toMatchObject({ name: "StateError" });
  }
});
