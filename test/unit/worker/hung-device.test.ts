/** A WebUSB device that stops answering: the guest goes on, the port can be cycled, and whoever unplugs it is told in time. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  SPEED_NONE,
  STATUS_CANCELLED,
  STATUS_NO_DEVICE,
  STATUS_OK,
  STATUS_TRANSACTION_ERROR,
} from "../../../asm/layout.ts";
import { LATE_MS } from "../../../worker/control-pipe.ts";
import { STEP_TIMEOUT } from "../../../worker/in-time.ts";
import { type ScriptedOptions, VENDOR_INTERFACE } from "../../fakes/scripted-function.ts";
import type { StateChange } from "../../fakes/usb-hang.ts";
import type { System } from "../../fakes/usb-manners.ts";
import { bulkIn, bulkOut, CLEAR_HALT_IN, counting, plugged, SET_CONFIGURATION_1, source } from "./webusb-bench.ts";

const DESCRIPTOR = { setup: [0x80, 6, 0x0301, 0], length: 12 } as const;
const VENDOR_REQUEST = { setup: [0x40, 1, 0, 0] } as const;
const SECOND_ALTERNATE = [0x01, 11, 1, 0] as const;
const TWO_ALTERNATES: ScriptedOptions = {
  configurations: [[VENDOR_INTERFACE, { ...VENDOR_INTERFACE, alternate: 1 }], [VENDOR_INTERFACE]],
};

/** A plugged device, and a control transfer that it did not answer and that the guest has given up. */
async function silenced(manners: System = "linux") {
  const bench = await plugged(TWO_ALTERNATES, { manners });
  const { front, device } = bench;
  await front.send({ setup: SECOND_ALTERNATE }).done;
  device.onControl = () => "nak";
  const request = front.send(VENDOR_REQUEST);
  await front.settle(4);
  const giveUp = async () => {
    front.cancel(request);
    expect(await request.done).toMatchObject({ status: STATUS_CANCELLED });
    device.onControl = () => "ack";
  };
  return { ...bench, giveUp };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

describe("a control transfer that is never answered", () => {
  test.each<System>(["linux", "windows", "mac", "android"])(
    "on %s: the next one gets through, claims and alternates are as they were",
    async (manners) => {
      const { front, device, usbDevice, backend, giveUp } = await silenced(manners);
      await giveUp();
      const next = front.send(DESCRIPTOR);
      await front.settle();
      expect(next.answers).toBe(0);
      vi.advanceTimersByTime(LATE_MS);
      expect(await next.done).toMatchObject({ status: STATUS_OK, actual: 12 });
      expect(usbDevice.configuration?.interfaces[0]).toMatchObject({
        claimed: true,
        alternate: { alternateSetting: 1 },
      });
      expect(await front.send({ setup: [0x81, 10, 0, 0], length: 1 }).done).toMatchObject({ data: Uint8Array.of(1) });
      device.push(0x81, counting(3));
      expect(await front.send(bulkIn(512)).done).toMatchObject({ status: STATUS_OK, actual: 3 });
      expect(front.events.map(({ speed }) => speed)).not.toContain(SPEED_NONE);
      expect(await backend.stats()).toMatchObject({ owned: 0, orphans: 0 });
    },
  );

  test("INs of other endpoints are begun again, an OUT has failed, and new transfers wait for the device", async () => {
    const { front, device, giveUp } = await silenced();
    device.outAnswers.push("nak");
    const waiting = front.send(bulkIn(512));
    const failing = front.send(bulkOut(counting(8)));
    await front.settle(2);
    await giveUp();
    vi.advanceTimersByTime(LATE_MS);
    const next = front.send(DESCRIPTOR);
    const meanwhile = front.send(bulkOut(counting(5)));
    await front.settle();
    vi.advanceTimersByTime(100);
    expect(await next.done).toMatchObject({ status: STATUS_OK });
    device.outAnswers.length = 0;
    expect(await failing.done).toMatchObject({ status: STATUS_TRANSACTION_ERROR, actual: 0 });
    // What was queued behind a failure did not run.
    expect(await meanwhile.done).toMatchObject({ status: STATUS_CANCELLED });
    device.push(0x81, counting(7));
    expect(await waiting.done).toMatchObject({ status: STATUS_OK, actual: 7 });
    expect(await front.send(bulkOut(counting(5))).done).toMatchObject({ status: STATUS_OK });
    expect(device.received).toEqual([counting(5)]);
  });

  test("nothing is closed for a device that answers late, or behind whose request nothing waits", async () => {
    const { front, device, usbDevice, giveUp } = await silenced();
    const closed = vi.spyOn(usbDevice, "close");
    await giveUp();
    vi.advanceTimersByTime(LATE_MS);
    await front.settle();
    expect(closed).not.toHaveBeenCalled();
    for (const end of usbDevice.wire.takeControls()) end.reject(new DOMException("late", "NetworkError"));
    expect(await front.send(DESCRIPTOR).done).toMatchObject({ status: STATUS_OK });
    let answer: (data: Uint8Array) => void = () => undefined;
    device.onControl = () => new Promise<Uint8Array>((resolve) => (answer = resolve)) as unknown as Uint8Array;
    const slow = front.send({ setup: [0xc0, 1, 0, 0], length: 1 });
    await front.settle(4);
    front.cancel(slow);
    const next = front.send(DESCRIPTOR);
    await front.settle(4);
    answer(Uint8Array.of(1));
    expect(await next.done).toMatchObject({ status: STATUS_OK });
    vi.advanceTimersByTime(LATE_MS);
    await front.settle();
    expect(closed).not.toHaveBeenCalled();
  });

  test("a port reset frees the endpoint at once", async () => {
    const { front, usbDevice, giveUp } = await silenced();
    await giveUp();
    const closed = vi.spyOn(usbDevice, "close");
    const reset = front.reset();
    const next = front.send(DESCRIPTOR);
    expect(await reset.done).toMatchObject({ status: STATUS_OK });
    expect(await next.done).toMatchObject({ status: STATUS_OK });
    vi.advanceTimersByTime(LATE_MS);
    await front.settle();
    expect(closed).toHaveBeenCalledTimes(1);
  });

  test("a browser that cannot open it again: the port drops, in words", async () => {
    const { front, usbDevice, backend, giveUp } = await silenced();
    const notices: string[] = [];
    await backend.listen(({ reason }) => notices.push(reason));
    vi.spyOn(usbDevice, "open").mockRejectedValue(new DOMException("Access denied.", "SecurityError"));
    await giveUp();
    const next = front.send(DESCRIPTOR);
    vi.advanceTimersByTime(LATE_MS);
    expect(await next.done).toMatchObject({ status: STATUS_NO_DEVICE });
    expect(notices).toEqual([
      "Scripted device did not answer, and the browser cannot open it again (Access denied.). Reconnect it.",
    ]);
    await backend.unplug(1, 1);
    vi.mocked(usbDevice.open).mockRestore();
    await expect(backend.plug(1, 1, source())).resolves.toMatchObject({ plug: 2 });
  });
});

/** What the guest asks for that makes the browser do it. */
const CHANGES: [StateChange, readonly [number, number, number, number] | "port reset"][] = [
  ["selectConfiguration", [0x00, 9, 2, 0]],
  ["releaseInterface", [0x00, 9, 2, 0]],
  ["claimInterface", [0x00, 9, 2, 0]],
  ["selectAlternateInterface", SECOND_ALTERNATE],
  ["clearHalt", CLEAR_HALT_IN],
  ["reset", "port reset"],
  ["close", "port reset"],
  ["open", "port reset"],
];

describe.each(CHANGES)("%s() never ends", (change, asked) => {
  test("the guest's driver gives up, the port drops in time and in words, and another device goes on", async () => {
    const { front, usbDevice, backend } = await plugged(TWO_ALTERNATES);
    const notices: string[] = [];
    await backend.listen(({ reason }) => notices.push(reason));
    await backend.plug(1, 2, { kind: "keyboard" });
    await front.send(bulkOut(counting(1))).done;
    await front.settle(2);
    usbDevice.hang.add(change);
    const hanging = asked === "port reset" ? front.reset() : front.send({ setup: asked });
    await front.settle();
    expect(hanging.answers).toBe(0);
    const other = { port: 2, setup: [0x80, 6, 0x0100, 0], length: 18 } as const;
    expect(await front.send(other).done).toMatchObject({ status: STATUS_OK, actual: 18 });
    if (asked !== "port reset") {
      front.cancel(hanging);
      expect(await hanging.done).toMatchObject({ status: STATUS_CANCELLED });
    }
    vi.advanceTimersByTime(STEP_TIMEOUT);
    await front.settle();
    expect(hanging.answers).toBe(1);
    expect(front.events.filter(({ port }) => port === 1).map(({ speed }) => speed > 0)).toEqual([true, false]);
    expect(notices).toEqual([expect.stringMatching(/^The browser does not finish .* scripted device\. Reconnect it/)]);
    expect(await front.send(other).done).toMatchObject({ status: STATUS_OK, actual: 18 });
    // The browser refuses to close it, and then to open it, until that call is over.
    const unplugged = backend.unplug(1, 1);
    await front.settle();
    vi.advanceTimersByTime(STEP_TIMEOUT);
    await unplugged;
    if (change !== "clearHalt") {
      await expect(backend.plug(1, 1, source())).rejects.toThrow(/not finished an earlier attempt.*Reconnect it/);
    }
    usbDevice.hang.wake();
    await front.settle();
    await expect(backend.plug(1, 1, source())).resolves.toMatchObject({ product: "scripted device" });
    expect(await backend.stats()).toMatchObject({ devices: 2, owned: 0, orphans: 0 });
  });
});

describe("unplugged by a person", () => {
  test("the guest hears of it at once, though the browser never closes the device", async () => {
    const { front, device, usbDevice, backend } = await plugged();
    device.onControl = () => "nak";
    usbDevice.hang.add("close");
    const pending = [front.send(bulkIn(4_000_000)), front.send(VENDOR_REQUEST)];
    await front.settle(2);
    const unplugged = backend.unplug(1, 1);
    for (const { done } of pending) expect(await done).toMatchObject({ status: STATUS_NO_DEVICE });
    vi.advanceTimersByTime(STEP_TIMEOUT);
    await unplugged;
    // Its transfers are still the browser's, and count for nobody any more.
    expect(usbDevice.pending).toBe(2);
    expect(await backend.stats()).toMatchObject({ devices: 0, owned: 0, orphans: 0 });
    await expect(backend.plug(1, 1, source())).rejects.toThrow(/not finished an earlier attempt/);
    await expect(backend.plug(1, 1, { kind: "keyboard" })).resolves.toMatchObject({ plug: 2 });
    usbDevice.hang.wake();
    await front.settle();
    await expect(backend.plug(1, 2, source())).resolves.toMatchObject({ plug: 1 });
    expect(await backend.stats()).toMatchObject({ orphans: 0 });
  });

  test("in the middle of a reset: no further step of that is begun", async () => {
    const { front, usbDevice, backend } = await plugged();
    await front.send(bulkOut(counting(1))).done;
    usbDevice.hang.add("reset");
    front.reset();
    await front.settle(2);
    const [opened, claimed] = [vi.spyOn(usbDevice, "open"), vi.spyOn(usbDevice, "claimInterface")];
    const unplugged = backend.unplug(1, 1);
    await front.settle(2);
    usbDevice.hang.wake();
    await unplugged;
    expect([opened, claimed].map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
    expect(usbDevice.opened).toBe(false);
    await expect(backend.plug(1, 1, source())).resolves.toMatchObject({ plug: 2 });
    await front.settle(2);
    expect(await front.send({ setup: SET_CONFIGURATION_1 }).done).toMatchObject({ status: STATUS_OK });
  });
});
