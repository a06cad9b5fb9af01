import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { STATUS_CANCELLED, STATUS_OK } from "../../../asm/layout.ts";
import { Bus, type BusClock } from "../../../worker/device/bus.ts";
import { createDevice } from "../../../worker/device/index.ts";
import type { DeviceSource } from "../../../worker/protocol.ts";
import { Host, now, pattern } from "./harness.ts";
import { cbw, cdb, command, IN, OUT, parseCsw, plugDrive, rw10 } from "./storage.ts";

/** Timers of whole milliseconds that come `late` each time. */
class SlowClock implements BusClock {
  time = 1000;
  late = 0;
  #due: { at: number; call: () => void } | undefined;

  now(): number {
    return this.time;
  }

  after(milliseconds: number, call: () => void): () => void {
    this.#due = { at: Math.ceil(this.time + milliseconds) + this.late, call };
    return () => {
      this.#due = undefined;
    };
  }

  /** Until the timer that was set. */
  ring(): void {
    const due = this.#due;
    if (!due) throw new Error("no timer");
    this.#due = undefined;
    this.time = due.at;
    due.call();
  }
}

describe("a bus with a rate", () => {
  test("is busy for as long as its bytes take", () => {
    const clock = new SlowClock();
    const bus = new Bus(1_000_000, clock);
    const freed: number[] = [];
    bus.onFree = () => freed.push(clock.time);
    expect(bus.isFree).toBe(true);
    bus.carry(65_000);
    expect(bus.isFree).toBe(false);
    clock.ring();
    expect(freed).toEqual([1065]);
    expect(bus.isFree).toBe(true);
  });

  for (const late of [0, 0.7, 3]) {
    test(`its average is exact with timers that are ${late} ms late, for any size of transfers`, () => {
      for (const size of [13, 512, 4096, 65_536, 1 << 20]) {
        const clock = new SlowClock();
        clock.late = late;
        const bus = new Bus(33_000_000, clock);
        let sent = 0;
        for (; sent < 33_000_000; sent += size) {
          while (!bus.isFree) clock.ring();
          bus.carry(size);
        }
        while (!bus.isFree) clock.ring();
        expect(Math.abs(clock.time - 1000 - sent / 33_000)).toBeLessThan(2 + late);
      }
    });
  }

  test("one that nobody used earns nothing", () => {
    const clock = new SlowClock();
    const bus = new Bus(1_000_000, clock);
    bus.carry(10_000);
    clock.ring();
    clock.time += 500;
    bus.carry(10_000);
    clock.ring();
    expect(clock.time).toBe(1000 + 10 + 500 + 10);
  });

  test("a machine that stood still has not earned all of it", () => {
    const clock = new SlowClock();
    const bus = new Bus(1_000_000, clock);
    clock.late = 10_000;
    bus.carry(10_000);
    clock.ring();
    clock.late = 0;
    const woke = clock.time;
    bus.carry(100_000);
    clock.ring();
    expect(clock.time - woke).toBe(50);
  });
});

describe("devices with a rate", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  test("a drive's status comes when its data has had its time, and the data is right", async () => {
    const data = pattern(1 << 20);
    const host = await plugDrive({ bytes: data }, { rate: 33_000_000 });
    host.out(OUT, cbw(rw10(0x28, 0, 2048), 1 << 20, true));
    const read = host.in(IN, 1 << 20);
    expect(Buffer.compare(now(read).bytes, data)).toBe(0);
    const status = host.in(IN, 13);
    vi.advanceTimersByTime(31);
    host.front.poll();
    expect(status.answer).toBeUndefined();
    vi.advanceTimersByTime(1);
    await host.settle();
    expect(parseCsw(now(status))).toMatchObject({ status: 0, residue: 0 });
    expect(host.clean).toBe(true);
  });

  test("what waits for the bus is cancelled at once, and the next transfer gets what it would have had", async () => {
    const host = await plugDrive({ size: 1 << 20 }, { rate: 1_000_000 });
    host.out(OUT, cbw(rw10(0x2a, 0, 128), 65_536, false));
    expect(now(host.out(OUT, pattern(65_536))).status).toBe(STATUS_OK);
    const first = host.in(IN, 13);
    host.cancel(first);
    expect(now(first).status).toBe(STATUS_CANCELLED);
    const second = host.in(IN, 13);
    vi.advanceTimersByTime(100);
    await host.settle();
    expect(parseCsw(now(second))).toMatchObject({ status: 0, residue: 0 });
  });

  test("an unplug leaves no timer behind", async () => {
    const host = await plugDrive({ size: 1 << 20 }, { rate: 1_000_000 });
    host.out(OUT, cbw(rw10(0x2a, 0, 128), 65_536, false));
    host.out(OUT, pattern(65_536));
    const status = host.in(IN, 13);
    expect(vi.getTimerCount()).toBe(1);
    host.cancel(status);
    await host.device.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a saved state makes the drive again with its rate", async () => {
    const host = await plugDrive({ size: 512 }, { rate: 33_000_000 });
    expect(host.device.origin).toMatchObject({ rate: 33_000_000 });
    expect(command(host, cdb(0x00, 6), 0).status).toBe(0);
  });

  for (const source of [
    { kind: "flash-drive", image: { size: 512 } },
    { kind: "uas-drive", image: { size: 512 } },
    { kind: "ethernet" },
  ] as const) {
    test(`a ${source.kind} refuses a rate that is none, in words`, async () => {
      for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "33M" as unknown as number]) {
        const making = createDevice({ ...source, rate } as DeviceSource, { gone() {}, wake() {}, hasOutput() {} });
        await expect(making).rejects.toThrow(/A rate is a number of 1 or more/);
      }
    });
  }

  test("an Ethernet adapter with a rate tells the host of it", async () => {
    const source = { kind: "ethernet", class: "ecm", rate: 100_000_000 } as const;
    const device = await createDevice(source, { gone() {}, wake() {}, hasOutput() {} });
    const host = await Host.plug(device);
    host.configure();
    host.control({ bmRequestType: 0x01, bRequest: 11, wValue: 1, wIndex: 1 });
    const notice = now(host.in(0x81, 16, 3));
    expect(new DataView(notice.bytes.buffer).getUint32(8, true)).toBe(100_000_000);
  });
});
