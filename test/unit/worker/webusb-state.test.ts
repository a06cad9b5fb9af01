/** Configurations, alternates, resets and unplugs of a WebUSB device. */
import { describe, expect, test, vi } from "vitest";
import {
  SPEED_HIGH,
  STATUS_CANCELLED,
  STATUS_INVALID,
  STATUS_NO_DEVICE,
  STATUS_OK,
  STATUS_STALL,
  TYPE_INTERRUPT,
} from "../../../asm/layout.ts";
import { VENDOR_INTERFACE } from "../../fakes/scripted-function.ts";
import { bulkIn, bulkOut, counting, HOSTS, plugged, SET_CONFIGURATION_1, source } from "./webusb-bench.ts";

describe.each(HOSTS)("over %s", (_, plugged) => {
  test("alternates: selected, reported, and their endpoints changed", async () => {
    const { backend, front, device } = await plugged({
      configurations: [[{ number: 0 }, { ...VENDOR_INTERFACE, alternate: 1 }]],
    });
    expect(await front.send(bulkIn(8)).done).toMatchObject({ status: STATUS_INVALID });
    expect(await front.send({ setup: [0x01, 11, 1, 0] }).done).toMatchObject({ status: STATUS_OK });
    expect(await front.send({ setup: [0x81, 10, 0, 0], length: 1 }).done).toMatchObject({ data: Uint8Array.of(1) });
    expect(await backend.configured(1, 1)).toMatchObject([{ plug: 1, alternates: [[0, 1]] }]);
    const pending = front.send(bulkIn(512));
    await front.settle(2);
    expect(await front.send({ setup: [0x01, 11, 0, 0] }).done).toMatchObject({ status: STATUS_OK });
    expect(await pending.done).toMatchObject({ status: STATUS_CANCELLED });
    expect(await front.send({ setup: [0x01, 11, 7, 0] }).done).toMatchObject({ status: STATUS_STALL });
    // A configuration starts from the first alternates again, although the browser sends nothing for it.
    await front.send({ setup: [0x01, 11, 1, 0] }).done;
    await front.send({ setup: SET_CONFIGURATION_1 }).done;
    expect(await front.send({ setup: [0x81, 10, 0, 0], length: 1 }).done).toMatchObject({ data: Uint8Array.of(0) });
    expect(device.log).toEqual([1, 0, 1, 0].map((alternate) => `interface 0 alternate ${alternate}`));
  });

  test("another configuration: released, selected, claimed", async () => {
    const { front, device, usbDevice } = await plugged({
      configurations: [[VENDOR_INTERFACE], [{ ...VENDOR_INTERFACE, number: 1 }]],
    });
    expect(await front.send({ setup: [0x00, 9, 2, 0] }).done).toMatchObject({ status: STATUS_OK });
    expect(usbDevice.configuration?.interfaces[0]).toMatchObject({ interfaceNumber: 1, claimed: true });
    expect(await front.send({ setup: [0x80, 8, 0, 0], length: 1 }).done).toMatchObject({ data: Uint8Array.of(2) });
    device.push(0x81, counting(4));
    expect(await front.send(bulkIn(8)).done).toMatchObject({ actual: 4 });
    expect(await front.send({ setup: [0x00, 9, 3, 0] }).done).toMatchObject({ status: STATUS_STALL });
  });

  test("another configuration after a reset, when Chromium cannot release", async () => {
    const { front, usbDevice } = await plugged({ configurations: [[VENDOR_INTERFACE], [VENDOR_INTERFACE]] });
    await front.send(bulkOut(counting(1))).done;
    expect(await front.reset().done).toMatchObject({ status: STATUS_OK });
    expect(await front.send({ setup: [0x00, 9, 2, 0] }).done).toMatchObject({ status: STATUS_OK });
    expect(usbDevice.configuration?.configurationValue).toBe(2);
  });

  test("port reset: an untouched device is left alone, a used one is reset and unconfigured", async () => {
    const { front, device, backend } = await plugged();
    expect(await front.reset().done).toMatchObject({ status: STATUS_OK });
    expect(device.log).toEqual([]);
    expect(await front.send(bulkIn(8)).done).toMatchObject({ status: STATUS_INVALID });
    await front.send({ setup: SET_CONFIGURATION_1 }).done;
    const pending = front.send(bulkIn(512));
    await front.settle(2);
    const reset = front.reset();
    expect(await pending.done).toMatchObject({ status: STATUS_CANCELLED });
    expect(await reset.done).toMatchObject({ status: STATUS_OK });
    expect(device.log).toEqual(["reset"]);
    expect(await front.send({ setup: [0x80, 8, 0, 0], length: 1 }).done).toMatchObject({ data: Uint8Array.of(0) });
    await front.send({ setup: SET_CONFIGURATION_1 }).done;
    device.push(0x81, counting(4));
    expect(await front.send(bulkIn(8)).done).toMatchObject({ actual: 4 });
    expect(await backend.stats()).toMatchObject({ owned: 0, orphans: 0 });
  });

  test("a control transfer that the device never answers can be given up, and a reset goes on", async () => {
    const { front, device, backend } = await plugged();
    device.onControl = () => "nak";
    const hanging = front.send({ setup: [0x40, 1, 0, 0] });
    await front.settle(4);
    front.cancel(hanging);
    expect(await hanging.done).toMatchObject({ status: STATUS_CANCELLED });
    const behind = front.send({ setup: [0x80, 6, 0x0100, 0], length: 18 });
    await front.settle();
    expect(behind.answers).toBe(0);
    expect(await front.reset().done).toMatchObject({ status: STATUS_OK });
    expect(await front.send({ setup: [0x80, 6, 0x0100, 0], length: 18 }).done).toMatchObject({ actual: 18 });
    expect(await backend.stats()).toMatchObject({ owned: 0, orphans: 0 });
  });

  test("pulled out: transfers end, the port drops once, the page is told once", async () => {
    const { unplug, front, backend } = await plugged();
    const notices: unknown[] = [];
    await backend.listen((notice) => notices.push(notice));
    const pending = [front.send(bulkIn(512)), front.send({ endpoint: 0x83, length: 8, type: TYPE_INTERRUPT })];
    await front.settle(2);
    await unplug(() => new DOMException("The device was disconnected.", "NotFoundError"));
    for (const each of pending) expect((await each.done).status).toBe(STATUS_NO_DEVICE);
    await front.settle();
    expect(front.events.map(({ speed }) => speed)).toEqual([SPEED_HIGH, 0]);
    expect(notices).toEqual([
      { link: 1, port: 1, route: 0, reason: expect.stringMatching(/ device was pulled out\.$/) },
    ]);
    await backend.unplug(1, 1);
    expect(front.events.length).toBe(2);
    expect(await front.send(bulkIn(8)).done).toMatchObject({ status: STATUS_NO_DEVICE });
    expect(await backend.stats()).toEqual({ links: 1, devices: 0, owned: 0, orphans: 0 });
  });

  test("unplugged in the middle: the front hears of it before its transfers end, and the browser's device is free", async () => {
    const { usbDevice, front, backend } = await plugged();
    const pending = front.send(bulkIn(512));
    await front.settle(2);
    await backend.unplug(1, 1);
    expect(await pending.done).toMatchObject({ status: STATUS_NO_DEVICE });
    expect(front.history.slice(-2)).toEqual(["unplug 1", `81 ${STATUS_NO_DEVICE}`]);
    expect(usbDevice.opened).toBe(false);
    await front.settle();
    expect(await backend.stats()).toMatchObject({ devices: 0, owned: 0, orphans: 0 });
    expect(await backend.plug(1, 2, source())).toMatchObject({ plug: 1 });
  });
});

test("closed, and not yet let go by the system: claims are tried again, at a reset and at the next plug", async () => {
  const { usbDevice, front, device, backend } = await plugged();
  const claim = vi.spyOn(usbDevice, "claimInterface");
  const isHeld = () => claim.mockRejectedValueOnce(new DOMException("Unable to claim interface.", "NetworkError"));
  await front.send(bulkOut(counting(1))).done;
  isHeld();
  isHeld();
  expect(await front.reset().done).toMatchObject({ status: STATUS_OK });
  await front.send({ setup: SET_CONFIGURATION_1 }).done;
  device.push(0x81, counting(4));
  expect(await front.send(bulkIn(8)).done).toMatchObject({ actual: 4 });
  await backend.unplug(1, 1);
  isHeld();
  await expect(backend.plug(1, 1, source())).resolves.toMatchObject({ plug: 2 });
  expect(claim).toHaveBeenCalledTimes(5);
});

test("where the browser cannot change the configuration, the guest keeps the old one", async () => {
  const { front, device } = await plugged(
    { configurations: [[VENDOR_INTERFACE], [VENDOR_INTERFACE]] },
    { manners: "windows" },
  );
  expect(await front.send({ setup: [0x00, 9, 2, 0] }).done).toMatchObject({ status: STATUS_STALL });
  expect(await front.send({ setup: SET_CONFIGURATION_1 }).done).toMatchObject({ status: STATUS_OK });
  device.push(0x81, counting(4));
  expect(await front.send(bulkIn(8)).done).toMatchObject({ actual: 4 });
  expect(await front.reset().done).toMatchObject({ status: STATUS_OK });
});

test("pulled out while nothing is under way: the browser's event drops the port", async () => {
  const { usb, usbDevice, front, backend } = await plugged();
  const notices: unknown[] = [];
  await backend.listen((notice) => notices.push(notice));
  await usb.unplug(usbDevice);
  await front.settle();
  expect(front.events.map(({ speed }) => speed)).toEqual([SPEED_HIGH, 0]);
  expect(notices).toEqual([
    { link: 1, port: 1, route: 0, reason: expect.stringMatching(/was pulled out\. It has no serial number/) },
  ]);
});
