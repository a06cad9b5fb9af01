/** Hubs as their host has them: descriptors, class requests, the status change endpoint (USB 2.0 chapter 11, USB 3.2 chapter 10). */
import { describe, expect, test, vi } from "vitest";
import {
  EVENT_WAKE,
  SPEED_FULL,
  SPEED_HIGH,
  SPEED_LOW,
  SPEED_NONE,
  SPEED_SUPER,
  STATUS_BABBLE,
  STATUS_OK,
  STATUS_STALL,
  TYPE_INTERRUPT,
} from "../../../asm/layout.ts";
import { createHub, type HubOptions } from "../../../worker/device/hub/hub.ts";
import type { Device, HubPort } from "../../../worker/device.ts";
import { Host, hex, now } from "./harness.ts";

// Feature selectors (USB 2.0 table 11-17, USB 3.2 table 10-9), written out here.
const PORT_ENABLE = 1;
const PORT_SUSPEND = 2;
const PORT_RESET = 4;
const PORT_LINK_STATE = 5;
const PORT_POWER = 8;
const C_CONNECTION = 16;
const C_ENABLE = 17;
const C_SUSPEND = 18;
const C_OVER_CURRENT = 19;
const C_RESET = 20;
const U1_TIMEOUT = 23;
const C_LINK_STATE = 25;
const REMOTE_WAKE_MASK = 27;
const BH_RESET = 28;
const C_BH_RESET = 29;

/** A hub and what happens behind its ports, in words. */
class Bench {
  readonly host: Host;
  readonly log: string[] = [];
  /** Ends the resets that were begun; undefined while they end at once. */
  held: (() => void)[] | undefined;
  readonly #ports: readonly HubPort[];

  private constructor(host: Host) {
    this.host = host;
    this.#ports = host.device.hub?.ports ?? [];
    this.#ports.forEach((port, index) => {
      port.connect({
        reset: (done) => {
          this.log.push(`reset ${index + 1}`);
          if (this.held) this.held.push(done);
          else done();
        },
        quiesce: () => void this.log.push(`quiesce ${index + 1}`),
      });
    });
  }

  static async plug(options: HubOptions, half: (device: Device) => Device = (device) => device): Promise<Bench> {
    const wakes: (Device | undefined)[] = [];
    const device = createHub(options, {
      gone: (reason) => expect.fail(reason),
      wake: (half) => wakes.push(half),
      hasOutput: () => undefined,
    });
    const bench = new Bench(await Host.plug(half(device)));
    bench.wakes = wakes;
    return bench;
  }
  wakes: (Device | undefined)[] = [];

  descriptor(type: number, bmRequestType = 0x80): string {
    return hex(this.host.control({ bmRequestType, bRequest: 6, wValue: type << 8, wLength: 255 }).bytes);
  }
  /** wPortStatus and wPortChange as the four bytes have them. */
  status(port: number): string {
    return hex(this.host.control({ bmRequestType: 0xa3, bRequest: 0, wIndex: port, wLength: 4 }).bytes);
  }
  set(feature: number, port: number, selector = 0): number {
    return this.host.control({ bmRequestType: 0x23, bRequest: 3, wValue: feature, wIndex: (selector << 8) | port })
      .status;
  }
  clear(feature: number, port: number): number {
    return this.host.control({ bmRequestType: 0x23, bRequest: 1, wValue: feature, wIndex: port }).status;
  }
  event(port: number, speed: number): void {
    this.#ports[port - 1]?.event(speed, 0);
  }
  forwards(port: number): boolean | undefined {
    return this.#ports[port - 1]?.forwards;
  }
  /** The status change endpoint. */
  poll(length = 2) {
    return this.host.in(0x81, length, TYPE_INTERRUPT);
  }
}

async function usb2(ports = 4): Promise<Bench> {
  const bench = await Bench.plug({ usb: 2, ports });
  bench.host.configure();
  for (let port = 1; port <= ports; port++) bench.set(PORT_POWER, port);
  return bench;
}

async function usb3(): Promise<Bench> {
  const bench = await Bench.plug({ usb: 3 });
  bench.host.configure();
  for (let port = 1; port <= 4; port++) bench.set(PORT_POWER, port);
  return bench;
}

describe("descriptors", () => {
  test("of a USB 2.0 hub with one translator (USB 2.0 §11.23)", async () => {
    const bench = await Bench.plug({ usb: 2 });
    expect([bench.host.device.speed, bench.host.device.companion]).toEqual([SPEED_HIGH, undefined]);
    expect(bench.descriptor(1)).toBe("120100020900014009120900000101020001");
    expect(bench.descriptor(2)).toBe("09021900010100e000" + "090400000109000000" + "0705810301000c");
    expect(bench.descriptor(6)).toBe("0a060002090000400100");
    expect(bench.descriptor(7)).toBe("09071900010100e000" + "090400000109000000" + "070581030100ff");
    expect(bench.descriptor(0x29, 0xa0)).toBe("09290409000000" + "00ff");
  });

  test("of one with a translator for each port have both alternates", async () => {
    const bench = await Bench.plug({ usb: 2, ports: 7, multiTt: true });
    expect(bench.descriptor(1)).toBe("120100020900024009120900000101020001");
    expect(bench.descriptor(2)).toBe(
      "09022900010100e000" + "090400000109000100" + "0705810301000c" + "090400010109000200" + "0705810301000c",
    );
    bench.host.configure();
    expect(bench.host.control({ bmRequestType: 0x01, bRequest: 11, wValue: 1 }).status).toBe(STATUS_OK);
  });

  test("of the largest: bitmaps of two bytes", async () => {
    const bench = await Bench.plug({ usb: 2, ports: 15 });
    expect(bench.descriptor(2).slice(-10)).toBe("8103" + "0200" + "0c");
    expect(bench.descriptor(0x29, 0xa0)).toBe("0b290f09000000" + "0000" + "ffff");
  });

  test("of a USB 3 hub (USB 3.2 §10.15)", async () => {
    const bench = await Bench.plug({ usb: 3 });
    expect(bench.host.device.speed).toBe(SPEED_SUPER);
    expect(bench.descriptor(1)).toBe("12010003090003090912" + "0a00000101020001");
    expect(bench.descriptor(2)).toBe("09021f00010100e000" + "090400000109000000" + "07058113020008" + "063000000200");
    expect(bench.descriptor(15)).toBe("050f160002" + "07100202000000" + "0a1003000e00" + "01000000");
    expect(bench.descriptor(0x2a, 0xa0)).toBe("0c2a04090000" + "000000000000");
    expect(bench.descriptor(0x29, 0xa0)).toBe("");
  });

  test("of its USB 2.0 half, which has a BOS too", async () => {
    const bench = await Bench.plug({ usb: 3 }, (device) => device.companion as Device);
    expect(bench.host.device.speed).toBe(SPEED_HIGH);
    expect(bench.descriptor(1)).toBe("1201100209000140" + "09120a0000010102" + "0001");
    expect(bench.descriptor(15)).toBe("050f160002" + "07100202000000" + "0a1003000e00" + "01000000");
  });

  test.each([0, 16, 1.5])("of a hub with %d ports there are none", async (ports) => {
    await expect(Bench.plug({ ports })).rejects.toMatchObject({ name: "UnsupportedError" });
  });
});

describe("a USB 2.0 port", () => {
  test("SetPortFeature(PORT_POWER), a plug, PORT_RESET: powered, connected, enabled", async () => {
    const bench = await Bench.plug({ usb: 2 });
    expect(bench.set(PORT_POWER, 1)).toBe(STATUS_STALL); // not configured
    bench.host.configure();
    expect(bench.status(1)).toBe("00000000");
    bench.event(1, SPEED_HIGH);
    expect(bench.status(1)).toBe("00000000");
    bench.set(PORT_POWER, 1);
    expect(bench.status(1)).toBe("01010100");
    expect(bench.forwards(1)).toBe(false);
    bench.clear(C_CONNECTION, 1);
    bench.set(PORT_RESET, 1);
    expect(bench.status(1)).toBe("03051000");
    expect(bench.forwards(1)).toBe(true);
    expect(bench.log).toEqual(["reset 1"]);
    bench.clear(C_RESET, 1);
    bench.event(1, SPEED_NONE);
    expect(bench.status(1)).toBe("00010100");
  });

  test.each([
    [SPEED_LOW, "01030100", "03031100"],
    [SPEED_FULL, "01010100", "03011100"],
    [SPEED_HIGH, "01010100", "03051100"],
  ])("shows speed %d: low when it is plugged, high when it was reset", async (speed, plugged, reset) => {
    const bench = await usb2();
    bench.event(3, speed);
    expect(bench.status(3)).toBe(plugged);
    bench.set(PORT_RESET, 3);
    expect(bench.status(3)).toBe(reset);
  });

  test("PORT_RESET takes as long as the device, and comes to nothing when that leaves or power goes", async () => {
    const bench = await usb2();
    bench.held = [];
    bench.event(1, SPEED_FULL);
    bench.set(PORT_RESET, 1);
    bench.set(PORT_RESET, 1);
    expect([bench.status(1), bench.forwards(1), bench.held.length]).toEqual(["11010100", false, 1]);
    bench.event(1, SPEED_NONE);
    bench.held[0]?.();
    expect(bench.status(1)).toBe("00010100");
    bench.event(1, SPEED_FULL);
    bench.set(PORT_RESET, 1);
    bench.clear(PORT_POWER, 1);
    bench.set(PORT_POWER, 1);
    bench.held[1]?.();
    expect(bench.status(1)).toBe("01010100");
    bench.set(PORT_RESET, 1);
    bench.held[2]?.();
    expect(bench.status(1)).toBe("03011100");
  });

  test("PORT_SUSPEND and resume, by the host and by the device", async () => {
    const bench = await usb2();
    bench.set(PORT_SUSPEND, 1);
    expect(bench.status(1)).toBe("00010000");
    bench.event(1, SPEED_FULL);
    bench.set(PORT_RESET, 1);
    bench.clear(C_CONNECTION, 1);
    bench.clear(C_RESET, 1);
    bench.event(1, EVENT_WAKE); // awake already
    expect(bench.status(1)).toBe("03010000");
    bench.set(PORT_SUSPEND, 1);
    expect([bench.status(1), bench.forwards(1)]).toEqual(["07010000", false]);
    bench.clear(PORT_SUSPEND, 1);
    expect([bench.status(1), bench.forwards(1)]).toEqual(["03010400", true]);
    bench.clear(C_SUSPEND, 1);
    bench.set(PORT_SUSPEND, 1);
    bench.event(1, EVENT_WAKE);
    expect(bench.status(1)).toBe("03010400");
  });

  test("ClearPortFeature(PORT_ENABLE), PORT_POWER: transfers end, and the change bits are the host's to clear", async () => {
    const bench = await usb2();
    bench.event(2, SPEED_HIGH);
    bench.set(PORT_RESET, 2);
    bench.log.length = 0;
    bench.clear(PORT_ENABLE, 2);
    expect([bench.status(2), bench.log]).toEqual(["01011100", ["quiesce 2"]]);
    for (const feature of [C_ENABLE, C_OVER_CURRENT, C_CONNECTION, C_RESET]) bench.clear(feature, 2);
    expect(bench.status(2)).toBe("01010000");
    bench.clear(PORT_POWER, 2);
    expect(bench.status(2)).toBe("00000000");
    bench.event(2, SPEED_NONE);
    expect(bench.status(2)).toBe("00000000");
  });
});

describe("a USB 3 port", () => {
  test("trains by itself: a plug enables it", async () => {
    const bench = await usb3();
    expect(bench.status(1)).toBe("a0020000");
    bench.event(1, SPEED_SUPER);
    expect([bench.status(1), bench.forwards(1)]).toEqual(["03020100", true]);
    bench.clear(C_CONNECTION, 1);
    bench.event(1, SPEED_NONE);
    expect([bench.status(1), bench.forwards(1)]).toEqual(["a0020100", false]);
  });

  test("PORT_RESET and BH_PORT_RESET, which reports both", async () => {
    const bench = await usb3();
    bench.event(1, SPEED_SUPER);
    bench.clear(C_CONNECTION, 1);
    bench.held = [];
    bench.set(PORT_RESET, 1);
    expect([bench.status(1), bench.forwards(1)]).toEqual(["31030000", false]);
    bench.held[0]?.();
    expect(bench.status(1)).toBe("03021000");
    bench.clear(C_RESET, 1);
    bench.set(BH_RESET, 1);
    bench.held[1]?.();
    expect(bench.status(1)).toBe("03023000");
    bench.clear(C_RESET, 1);
    bench.clear(C_BH_RESET, 1);
    expect(bench.status(1)).toBe("03020000");
  });

  test("PORT_LINK_STATE: U3 and back, SS.Disabled and Rx.Detect", async () => {
    const bench = await usb3();
    bench.event(1, SPEED_SUPER);
    bench.clear(C_CONNECTION, 1);
    bench.set(PORT_LINK_STATE, 1, 3);
    expect([bench.status(1), bench.forwards(1)]).toEqual(["63020000", false]);
    bench.set(PORT_LINK_STATE, 1, 0);
    expect([bench.status(1), bench.forwards(1)]).toEqual(["03024000", true]);
    bench.clear(C_LINK_STATE, 1);
    bench.set(PORT_LINK_STATE, 1, 3);
    bench.event(1, EVENT_WAKE);
    expect(bench.status(1)).toBe("03024000");
    bench.clear(C_LINK_STATE, 1);
    bench.set(PORT_LINK_STATE, 1, 4);
    expect([bench.status(1), bench.forwards(1), bench.log.at(-1)]).toEqual(["80020000", false, "quiesce 1"]);
    bench.event(1, SPEED_NONE);
    bench.event(1, SPEED_SUPER);
    expect(bench.status(1)).toBe("80020000");
    bench.set(PORT_LINK_STATE, 1, 5);
    expect(bench.status(1)).toBe("03020100");
    expect(bench.set(PORT_LINK_STATE, 1, 6)).toBe(STATUS_STALL);
  });

  test("a reset that SS.Disabled interrupts enables nothing", async () => {
    const bench = await usb3();
    bench.event(1, SPEED_SUPER);
    bench.held = [];
    bench.set(PORT_RESET, 1);
    bench.set(PORT_LINK_STATE, 1, 4);
    bench.held[0]?.();
    expect(bench.forwards(1)).toBe(false);
  });

  test("what only links have is taken: timeouts, depth, error count", async () => {
    const bench = await usb3();
    expect(bench.set(U1_TIMEOUT, 1, 0x7f)).toBe(STATUS_OK);
    const depth = (wValue: number) => bench.host.control({ bmRequestType: 0x20, bRequest: 12, wValue }).status;
    expect([depth(0), depth(4), depth(5)]).toEqual([STATUS_OK, STATUS_OK, STATUS_STALL]);
    expect(hex(bench.host.control({ bmRequestType: 0xa3, bRequest: 13, wIndex: 1, wLength: 2 }).bytes)).toBe("0000");
  });
});

describe("the status change endpoint", () => {
  test("waits for a change, tells which ports have one, and tells it once", async () => {
    const bench = await usb2();
    const waiting = bench.poll();
    expect(waiting.answer).toBeUndefined();
    bench.event(2, SPEED_FULL);
    bench.event(4, SPEED_FULL);
    expect(hex((await bench.host.wait(waiting)).bytes)).toBe("04");
    const next = bench.poll();
    expect(hex(now(next).bytes)).toBe("14");
    // A guest asks again in its interrupt handler, before its hub driver has cleared anything.
    expect(bench.poll().answer).toBeUndefined();
  });

  test("tells again, after its interval, what the host has left as it was", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const bench = await usb2();
      bench.event(1, SPEED_FULL);
      expect(hex(now(bench.poll()).bytes)).toBe("02");
      const again = bench.poll();
      vi.advanceTimersByTime(255);
      expect(again.answer).toBeUndefined();
      vi.advanceTimersByTime(1);
      bench.host.front.poll();
      expect(hex((await bench.host.wait(again)).bytes)).toBe("02");
      const third = bench.poll();
      bench.clear(C_CONNECTION, 1);
      vi.advanceTimersByTime(1000);
      expect(third.answer).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });

  test("of a hub of fifteen ports has two bytes, and one is a babble", async () => {
    const bench = await usb2(15);
    bench.event(15, SPEED_FULL);
    expect(now(bench.poll(1)).status).toBe(STATUS_BABBLE);
    expect(hex(now(bench.poll(2)).bytes)).toBe("0080");
  });

  test("tells of the hub itself when a test has set its change", async () => {
    const bench = await usb2();
    expect(bench.host.control({ bmRequestType: 0x20, bRequest: 3, wValue: 1 }).status).toBe(STATUS_OK);
    expect(hex(now(bench.poll()).bytes)).toBe("01");
    const status = () => hex(bench.host.control({ bmRequestType: 0xa0, bRequest: 0, wLength: 4 }).bytes);
    expect(status()).toBe("00000200");
    bench.host.control({ bmRequestType: 0x20, bRequest: 1, wValue: 1 });
    expect(status()).toBe("00000000");
  });

  test("is empty after a reset of the hub, whose ports have no power then", async () => {
    const bench = await usb2();
    bench.event(1, SPEED_FULL);
    await bench.host.reset();
    bench.host.configure();
    expect([bench.status(1), bench.poll().answer, bench.forwards(1)]).toEqual(["00000000", undefined, false]);
  });
});

describe("remote wake-up", () => {
  const ALLOW_USB2 = { bmRequestType: 0x00, bRequest: 3, wValue: 1 };
  test("of a USB 2.0 hub for any change, once the host allows it", async () => {
    const bench = await usb2();
    bench.event(1, SPEED_FULL);
    expect(bench.wakes).toHaveLength(0);
    expect(bench.host.control(ALLOW_USB2).status).toBe(STATUS_OK);
    bench.event(1, SPEED_NONE);
    expect(bench.wakes).toEqual([undefined]);
    bench.host.control({ ...ALLOW_USB2, bRequest: 1 });
    bench.event(1, SPEED_FULL);
    expect(bench.wakes).toHaveLength(1);
  });

  test("of a USB 3 hub as FUNCTION_SUSPEND and the port's mask say (USB 3.2 §9.4.9, §10.16.2.10)", async () => {
    const bench = await usb3();
    const interfaceStatus = () => hex(bench.host.control({ bmRequestType: 0x81, bRequest: 0, wLength: 2 }).bytes);
    expect(interfaceStatus()).toBe("0100");
    bench.host.control({ bmRequestType: 0x01, bRequest: 3, wValue: 0, wIndex: 0x0300 });
    expect(interfaceStatus()).toBe("0300");
    bench.event(1, SPEED_SUPER);
    expect(bench.wakes).toHaveLength(0);
    bench.set(REMOTE_WAKE_MASK, 1, 2);
    bench.event(1, SPEED_NONE);
    expect(bench.wakes).toHaveLength(1);
    bench.event(1, SPEED_SUPER);
    expect(bench.wakes).toHaveLength(1);
    bench.set(PORT_LINK_STATE, 1, 3);
    bench.event(1, EVENT_WAKE);
    expect(bench.wakes).toHaveLength(2);
    bench.host.control({ bmRequestType: 0x01, bRequest: 1, wValue: 0, wIndex: 0 });
    expect(interfaceStatus()).toBe("0100");
  });

  test("of a USB 2.0 half says which half it is", async () => {
    const bench = await Bench.plug({ usb: 3 }, (device) => device.companion as Device);
    bench.host.configure();
    bench.host.control(ALLOW_USB2);
    bench.set(PORT_POWER, 1);
    bench.event(1, SPEED_FULL);
    expect(bench.wakes).toEqual([bench.host.device]);
  });
});

describe("requests that a hub does not have are stalled", () => {
  test.each<[string, 2 | 3, number, number, number, number, number]>([
    ["port 0", 2, 0xa3, 0, 0, 0, 4],
    ["port 5 of 4", 2, 0xa3, 0, 0, 5, 4],
    ["port 65535", 2, 0x23, 3, PORT_POWER, 0xffff, 0],
    ["PORT_TEST", 2, 0x23, 3, 21, 1, 0],
    ["SetHubDepth of a USB 2.0 hub", 2, 0x20, 12, 0, 0, 0],
    ["PORT_LINK_STATE of a USB 2.0 hub", 2, 0x23, 3, PORT_LINK_STATE, 1, 0],
    ["PORT_SUSPEND of a USB 3 hub", 3, 0x23, 3, PORT_SUSPEND, 1, 0],
    ["ResetTT of a USB 3 hub", 3, 0x23, 9, 0, 1, 0],
    ["C_PORT_SUSPEND of a USB 3 hub", 3, 0x23, 1, C_SUSPEND, 1, 0],
    ["extended port status", 3, 0xa3, 0, 2, 1, 8],
    ["SetHubDescriptor", 2, 0x20, 7, 0x2900, 0, 9],
    ["StopTT", 2, 0x23, 11, 0, 1, 0],
  ])("%s", async (_, usb, bmRequestType, bRequest, wValue, wIndex, wLength) => {
    const bench = usb === 2 ? await usb2() : await usb3();
    const data = wLength > 0 && bmRequestType < 0x80 ? new Uint8Array(wLength) : undefined;
    expect(bench.host.control({ bmRequestType, bRequest, wValue, wIndex, wLength }, data).status).toBe(STATUS_STALL);
  });

  test("but ClearTTBuffer and ResetTT are taken", async () => {
    const bench = await usb2();
    for (const bRequest of [8, 9]) {
      expect(bench.host.control({ bmRequestType: 0x23, bRequest, wIndex: 1 }).status).toBe(STATUS_OK);
    }
  });
});
