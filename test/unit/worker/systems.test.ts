/** What a guest may expect of a WebUSB device on every system, and what a person is told where a system cannot. */
import { describe, expect, test, vi } from "vitest";
import {
  STATUS_CANCELLED,
  STATUS_NO_DEVICE,
  STATUS_OK,
  STATUS_STALL,
  STATUS_TRANSACTION_ERROR,
  TYPE_INTERRUPT,
  TYPE_ISOCHRONOUS,
} from "../../../asm/layout.ts";
import { ScriptedFunction, type ScriptedOptions, VENDOR_INTERFACE } from "../../fakes/scripted-function.ts";
import { MANNERS, type System } from "../../fakes/usb-manners.ts";
import { transferError } from "../../fakes/usb-wire.ts";
import { bulkIn, bulkOut, CLEAR_HALT_IN, counting, plugged, SET_CONFIGURATION_1, source } from "./webusb-bench.ts";

const SYSTEMS: System[] = ["linux", "windows", "mac", "android"];
const SERIAL = { serialNumber: "S1" };
const interruptIn = { endpoint: 0x83, length: 8, type: TYPE_INTERRUPT };

describe.each(SYSTEMS)("on %s", (manners) => {
  const can = MANNERS[manners];
  const started = (options: ScriptedOptions = {}) => plugged({ ...SERIAL, ...options }, { manners });
  /** What is said at the next plug. */
  const told = async ({ usb, backend }: Awaited<ReturnType<typeof plugged>>) => {
    usb.plug(new ScriptedFunction({ serialNumber: "S2" }), { manners });
    return (await backend.plug(1, 2, source("S2"))).notes.join(" ");
  };

  test("data goes out and comes in", async () => {
    const { front, device } = await started();
    expect(await front.send(bulkOut(counting(1300))).done).toMatchObject({ status: STATUS_OK, actual: 1300 });
    device.push(0x81, counting(512), counting(3));
    expect(await front.send(bulkIn(4096)).done).toMatchObject({ status: STATUS_OK, actual: 515 });
    expect(device.received.map(({ length }) => length)).toEqual([512, 512, 276]);
  });

  test("a halted endpoint is a stall, until the halt is cleared", async () => {
    const { front, device } = await started();
    device.push(0x81, "stall");
    expect(await front.send(bulkIn(512)).done).toMatchObject({ status: STATUS_STALL });
    expect(await front.send(bulkIn(512)).done).toMatchObject({ status: STATUS_STALL });
    expect(await front.send({ setup: CLEAR_HALT_IN }).done).toMatchObject({ status: STATUS_OK });
    device.push(0x81, counting(3));
    expect(await front.send(bulkIn(512)).done).toMatchObject({ status: STATUS_OK, actual: 3 });
    device.outAnswers.push("stall");
    expect(await front.send(bulkOut(counting(8))).done).toMatchObject({ status: STATUS_STALL });
    expect(await front.send({ setup: [0x02, 1, 0, 0x02] }).done).toMatchObject({ status: STATUS_OK });
    expect(await front.send(bulkOut(counting(8))).done).toMatchObject({ status: STATUS_OK });
  });

  test("a request that the device refuses is a stall, and the next one works", async () => {
    const { front } = await started();
    expect(await front.send({ setup: [0xc0, 1, 0, 0], length: 4 }).done).toMatchObject({ status: STATUS_STALL });
    expect(await front.send({ setup: [0x40, 1, 0, 0], data: counting(4) }).done).toMatchObject({
      status: STATUS_STALL,
    });
    expect(await front.send({ setup: [0x80, 6, 0x0100, 0], length: 18 }).done).toMatchObject({ actual: 18 });
  });

  test("noise on the wire is a transaction error and no stall: the next transfer works", async () => {
    const { front, device } = await started();
    device.push(0x81, "error", counting(3));
    expect(await front.send(bulkIn(512)).done).toMatchObject({ status: STATUS_TRANSACTION_ERROR });
    expect(await front.send(bulkIn(512)).done).toMatchObject({ status: STATUS_OK, actual: 3 });
  });

  test("a halt of one endpoint that is cleared takes nothing from the others", async () => {
    const { front, device } = await started();
    const waiting = [front.send(interruptIn), front.send(interruptIn)];
    device.push(0x81, "stall");
    await front.send(bulkIn(512)).done;
    await front.send({ setup: CLEAR_HALT_IN }).done;
    device.push(0x83, counting(2), counting(3));
    const answers = await Promise.all(waiting.map(({ done }) => done));
    expect(answers).toMatchObject([2, 3].map((actual) => ({ status: STATUS_OK, actual })));
  });

  test("after a port reset nothing is in flight, no halt is left, and the device works again", async () => {
    const bench = await started({ configurations: [[VENDOR_INTERFACE, { number: 1 }]] });
    const { front, device, usbDevice, backend } = bench;
    device.push(0x81, "stall");
    await front.send(bulkIn(512)).done;
    const waiting = front.send(interruptIn);
    await front.settle(2);
    const reset = front.reset();
    expect(await waiting.done).toMatchObject({ status: STATUS_CANCELLED });
    expect(await reset.done).toMatchObject({ status: STATUS_OK });
    expect(usbDevice.pending).toBe(0);
    expect(usbDevice.configuration?.interfaces.map(({ claimed }) => claimed)).toEqual([true, true]);
    await front.send({ setup: SET_CONFIGURATION_1 }).done;
    device.push(0x81, counting(3));
    expect(await front.send(bulkIn(512)).done).toMatchObject({ status: STATUS_OK, actual: 3 });
    expect(await backend.stats()).toMatchObject({ owned: 0, orphans: 0 });
    expect(await told(bench)).toEqual(
      can.canReset ? expect.not.stringMatching("reset") : expect.stringMatching("pulled out and connected again"),
    );
  });

  test("a port reset puts alternates back", async () => {
    const { front, device } = await started({
      configurations: [[{ number: 0 }, { ...VENDOR_INTERFACE, alternate: 1 }]],
    });
    await front.send({ setup: [0x01, 11, 1, 0] }).done;
    await front.reset().done;
    await front.send({ setup: SET_CONFIGURATION_1 }).done;
    expect(await front.send({ setup: [0x81, 10, 0, 0], length: 1 }).done).toMatchObject({ data: Uint8Array.of(0) });
    expect(device.log.filter((line) => line !== "reset")).toEqual([
      "interface 0 alternate 1",
      "interface 0 alternate 0",
    ]);
  });

  test("another configuration: the guest gets it, or keeps the one it has", async () => {
    const bench = await started({ configurations: [[VENDOR_INTERFACE], [VENDOR_INTERFACE, { number: 1 }]] });
    const { front, device, usbDevice } = bench;
    const waiting = front.send(interruptIn);
    await front.settle(2);
    const selected = await front.send({ setup: [0x00, 9, 2, 0] }).done;
    expect(await waiting.done).toMatchObject({ status: STATUS_CANCELLED });
    if (can.canSelectConfiguration) {
      expect(selected).toMatchObject({ status: STATUS_OK });
      expect(usbDevice.configuration?.interfaces.map(({ claimed }) => claimed)).toEqual([true, true]);
    } else {
      expect(selected).toMatchObject({ status: STATUS_STALL });
      expect(await front.send({ setup: SET_CONFIGURATION_1 }).done).toMatchObject({ status: STATUS_OK });
    }
    device.push(0x81, counting(4));
    expect(await front.send(bulkIn(8)).done).toMatchObject({ actual: 4 });
    const words = /cannot change a device's configuration/;
    expect(words.test(await told(bench))).toBe(!can.canSelectConfiguration);
  });

  test("isochronous packets come, or fail and are not asked for any more", async () => {
    const isochronous = { address: 0x84, type: "isochronous", packetSize: 512 } as const;
    const bench = await started({ configurations: [[{ number: 0, endpoints: [isochronous] }]] });
    const { front, device, usbDevice } = bench;
    const asked = vi.spyOn(usbDevice, "isochronousTransferIn");
    for (let packet = 0; packet < 30; packet++) {
      device.push(0x84, counting(8));
      const { status } = await front.send({ endpoint: 0x84, length: 8, type: TYPE_ISOCHRONOUS }).done;
      expect(status).toBe(can.hasIsochronous ? STATUS_OK : STATUS_TRANSACTION_ERROR);
    }
    expect(asked).toHaveBeenCalledTimes(can.hasIsochronous ? 30 : 8);
    expect(/no isochronous transfers/.test(await told(bench))).toBe(!can.hasIsochronous);
  });

  test("pulled out: the guest hears of the port first, and of no transaction error", async () => {
    const { usb, usbDevice, front, backend } = await started();
    const sent = [front.send(bulkIn(512)), front.send(interruptIn), front.send({ setup: [0xc0, 1, 0, 0], length: 4 })];
    await front.settle(2);
    await usb.unplug(usbDevice);
    for (const { done } of sent.slice(0, 2)) expect(await done).toMatchObject({ status: STATUS_NO_DEVICE });
    await front.settle();
    const after = front.history.slice(front.history.indexOf("unplug 1"));
    expect(after.slice(1).every((line) => line.endsWith(` ${STATUS_NO_DEVICE}`))).toBe(true);
    expect(front.history).not.toContain(`81 ${STATUS_TRANSACTION_ERROR}`);
    expect(await backend.stats()).toMatchObject({ devices: 0, owned: 0, orphans: 0 });
  });

  test("put back in, a device whose serial number the browser knew is found without another question", async () => {
    const { usb, usbDevice, backend, front, device } = await started();
    await usb.unplug(usbDevice);
    await front.settle();
    usb.plug(device, { manners, granted: false });
    const plug = backend.plug(1, 1, source("S1"));
    // When the person granted it, Android had not told its number yet.
    if (can.hidesUntilOpened) await expect(plug).rejects.toThrow("choose it again in the page");
    else expect(await plug).toMatchObject({ plug: 2, serialNumber: "S1" });
  });

  test("a driver of the computer holds it: refused in words, or passed on without that interface", async () => {
    const parts = { configurations: [[VENDOR_INTERFACE, { number: 1, interfaceClass: 2 }]] };
    const { report, front } = await plugged(parts, { manners, busy: [1] });
    expect(report.notes[0]).toMatch(/Interface 1 is in use by a driver of this computer/);
    expect(await front.send({ setup: [0x21, 0x22, 3, 1] }).done).toMatchObject({ status: STATUS_STALL });
    await expect(plugged({}, { manners, busy: [0] })).rejects.toMatchObject({ name: "BusyError" });
  });
});

/** Real Chromium does both, as it happens. */
const CUTS = [
  ["NetworkError", transferError],
  ["AbortError", () => new DOMException("The transfer was cancelled.", "AbortError")],
] as const;

describe("transfers fail before the browser says that the device is gone", () => {
  test.each(CUTS)("the transfers wait for that: %s", async (_, error) => {
    const { usb, usbDevice, front, device } = await plugged();
    device.outAnswers.push("nak");
    const sent = [front.send(bulkIn(512)), front.send(bulkIn(512)), front.send(bulkOut(counting(8)))];
    await front.settle(4);
    usbDevice.cut(error);
    await front.settle();
    expect(sent.map(({ answers }) => answers)).toEqual([0, 0, 0]);
    await usb.unplug(usbDevice);
    for (const { done } of sent) expect(await done).toMatchObject({ status: STATUS_NO_DEVICE });
  });

  test("but not for ever: a device that fails and answers nothing is a transaction error", async () => {
    const { usbDevice, front } = await plugged();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const sent = front.send(bulkIn(512));
      await front.settle(4);
      usbDevice.cut(transferError);
      await front.settle();
      expect(sent.answers).toBe(0);
      vi.advanceTimersByTime(100);
      expect(await sent.done).toMatchObject({ status: STATUS_TRANSACTION_ERROR });
    } finally {
      vi.useRealTimers();
    }
  });

  test("many that fail together are one question to the device", async () => {
    const { usbDevice, front, device } = await plugged();
    const asked = vi.spyOn(usbDevice, "controlTransferIn");
    const sent = Array.from({ length: 8 }, () => front.send(bulkIn(512)));
    await front.settle(4);
    device.push(0x81, ...Array.from({ length: 8 }, () => "error" as const));
    for (const { done } of sent) await done;
    expect(asked).toHaveBeenCalledTimes(1);
    expect(front.history.filter((line) => line === `81 ${STATUS_TRANSACTION_ERROR}`).length).toBe(1);
  });
});
