/** The benchmark's section of a WebUSB device: which it takes, and that both ways move its bytes. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { DirectCalls } from "../../../app/bench/webusb/direct-calls.ts";
import { Flow } from "../../../app/bench/webusb/flow.ts";
import { NoStreamError, pipesOf } from "../../../app/bench/webusb/pipes.ts";
import { RingDriver } from "../../../app/bench/webusb/ring-driver.ts";
import { startInside } from "../../../app/start-backend.ts";
import { ScriptedFunction, type ScriptedOptions } from "../../fakes/scripted-function.ts";
import { FakeUsb } from "../../fakes/usb.ts";

function plugged(options?: ScriptedOptions) {
  const usb = new FakeUsb();
  const fn = new ScriptedFunction(options);
  return { usb, fn, device: usb.plug(fn) };
}

describe("what a device streams on", () => {
  it("is its first bulk IN endpoint, whichever alternate setting has it, and nothing is written to a stranger", () => {
    const { device } = plugged({
      configurations: [
        [
          { number: 0, endpoints: [{ address: 0x02, type: "bulk", packetSize: 512 }] },
          { number: 1, alternate: 0 },
          {
            number: 1,
            alternate: 1,
            endpoints: [
              { address: 0x83, type: "interrupt", packetSize: 64 },
              { address: 0x84, type: "bulk", packetSize: 512 },
              { address: 0x04, type: "bulk", packetSize: 512 },
            ],
          },
        ],
      ],
    });
    expect(pipesOf(device)).toEqual({ configuration: 1, interfaceNumber: 1, alternate: 1, in: 4, out: undefined });
  });

  it("is said to be missing in a sentence", () => {
    const { device } = plugged({ configurations: [[{ number: 0 }]] });
    expect(() => pipesOf(device)).toThrow(NoStreamError);
    expect(() => pipesOf(device)).toThrow("scripted device has no bulk IN endpoint. Choose one");
  });
});

describe("the flow", () => {
  afterEach(() => void vi.useRealTimers());

  it("counts from when each transfer came back once, until the time is up, and waits for the rest", () => {
    vi.useFakeTimers();
    const ended = vi.fn();
    const flow = new Flow(2, ended);
    expect([flow.moved(500), flow.moved(500)]).toEqual([true, true]);
    vi.advanceTimersByTime(100);
    expect(flow.moved(150_000)).toBe(true);
    vi.advanceTimersByTime(200);
    expect(flow.moved(150_000)).toBe(false);
    expect(ended).not.toHaveBeenCalled();
    expect(flow.moved(150_000)).toBe(false);
    expect(ended.mock.calls).toEqual([[1]]);
  });

  it("ends without a rate when nothing ever comes", () => {
    vi.useFakeTimers();
    const ended = vi.fn();
    new Flow(4, ended);
    vi.advanceTimersByTime(10_000);
    expect(ended.mock.calls).toEqual([[undefined]]);
  });
});

it("the page and the ring take turns with a device, and both move what it sends", async () => {
  const { usb, fn, device } = plugged();
  const pipes = pipesOf(device);
  const direct = new DirectCalls(device, pipes);
  const ring = await RingDriver.start(device, pipes, startInside(usb));
  vi.spyOn(fn, "in").mockImplementation(() => new Uint8Array(512));
  for (const driver of [direct, ring, direct]) {
    await driver.open();
    expect(await driver.in(4096, 2)).toBeGreaterThan(0);
    await driver.close();
  }
  await ring.stop();
  expect(device.opened).toBe(false);
});
