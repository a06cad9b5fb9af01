/** Mouse, tablet and gamepad: what is done to them, and the reports that come of it. */
import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { STATUS_OK, STATUS_STALL } from "../../../asm/layout.ts";
import { createGamepad } from "../../../worker/device/hid/gamepad.ts";
import { createMouse } from "../../../worker/device/hid/mouse.ts";
import { createTablet } from "../../../worker/device/hid/tablet.ts";
import type { DeviceInput } from "../../../worker/protocol.ts";
import { bytes, hex } from "./harness.ts";
import { plugHid } from "./hid.ts";
import { quiet } from "./saved.ts";

describe("a mouse", () => {
  test("says what it is (HID 1.11 §6, appendix E.10)", async () => {
    const mouse = await plugHid(createMouse());
    expect(mouse.descriptor(1)).toBe("120110010000004009121000000101020001");
    expect(mouse.descriptor(2)).toBe("09022200010100a032090400000103010200092111010001223d0007058103050004");
    expect(mouse.descriptor(0x22, 0x81)).toBe(
      hex(
        bytes(
          `0501 0902 a101 0901 a100  0509 1901 2905 1500 2501 7501 9505 8102 7503 9501 8101
           0501 0930 0931 0938 1581 257f 7508 9503 8106  050c 0a3802 9501 8106  c0 c0`,
        ),
      ),
    );
  });

  test("tells moves, buttons and wheels, each press and release in a report of its own", async () => {
    const mouse = await plugHid(createMouse());
    mouse.do({ type: "mouse", x: 5, y: -3 });
    mouse.do({ type: "mouse", buttons: 1 });
    mouse.do({ type: "mouse", buttons: 0 });
    mouse.do({ type: "mouse", wheel: -1, pan: 2 });
    mouse.do({ type: "mouse", buttons: 0x1f });
    mouse.do({ type: "mouse" });
    expect(mouse.drain()).toEqual(["0005fd0000", "0100000000", "0000000000", "000000ff02", "1f00000000"]);
    expect(hex(mouse.report(1, 0).bytes)).toBe("1f00000000");
  });

  test("goes far in several reports, and not farther than sixteen", async () => {
    const mouse = await plugHid(createMouse());
    mouse.do({ type: "mouse", x: 300, y: -128, buttons: 2 });
    expect(mouse.drain()).toEqual(["027f810000", "027fff0000", "022e000000"]);
    mouse.do({ type: "mouse", x: 1e9 });
    expect(mouse.drain()).toEqual(Array(16).fill("027f000000"));
  });

  test("moves that nobody fetches become one, and a press and a release stay where they were", async () => {
    const mouse = await plugHid(createMouse());
    const moves = (count: number) => {
      for (let move = 0; move < count; move++) mouse.do({ type: "mouse", x: 1 });
    };
    moves(10);
    mouse.do({ type: "mouse", buttons: 1 });
    moves(20);
    mouse.do({ type: "mouse", buttons: 0 });
    moves(400);
    expect(mouse.drain()).toEqual([
      ...["0001000000", "0009000000", "0100000000", "0114000000"],
      ...["0000000000", "007f000000", "007f000000", "007f000000", "0013000000"],
    ]);
  });

  test("in the boot protocol is three bytes, and only boot devices have protocols", async () => {
    const mouse = await plugHid(createMouse());
    expect(mouse.host.control({ bmRequestType: 0x21, bRequest: 0x0b }).status).toBe(STATUS_OK);
    mouse.do({ type: "mouse", x: 1, y: 2, wheel: 3, buttons: 4 });
    expect(mouse.drain()).toEqual(["040102"]);
    expect(hex(mouse.report(1, 0).bytes)).toBe("040000");
    const tablet = await plugHid(createTablet());
    expect(tablet.host.control({ bmRequestType: 0x21, bRequest: 0x0b }).status).toBe(STATUS_STALL);
    expect(tablet.host.control({ bmRequestType: 0xa1, bRequest: 0x03, wLength: 1 }).status).toBe(STATUS_STALL);
  });

  test("wakes a host that has let it", async () => {
    const wake = vi.fn();
    const mouse = await plugHid(createMouse({ ...quiet, wake }));
    mouse.host.control({ bmRequestType: 0x00, bRequest: 0x03, wValue: 1 });
    mouse.do({ type: "mouse", x: 1 });
    expect(wake).toHaveBeenCalledTimes(1);
    mouse.drain();
    mouse.poll();
    mouse.do({ type: "mouse", x: 1 });
    expect(wake).toHaveBeenCalledTimes(1);
  });
});

describe("a tablet", () => {
  test("says what it is", async () => {
    const tablet = await plugHid(createTablet());
    expect(tablet.descriptor(1)).toBe("120110010000004009121000000201020001");
    expect(tablet.descriptor(2)).toBe("09022200010100a032090400000103000000092111010001224f0007058103070004");
    expect(tablet.descriptor(0x22, 0x81)).toBe(
      hex(
        bytes(
          `0501 0902 a101 0901 a100  0509 1901 2905 1500 2501 7501 9505 8102 7503 9501 8101
           0501 0930 0931 1500 26ff7f 3500 46ff7f 7510 9502 8102
           0938 1581 257f 3500 4500 7508 9501 8106  050c 0a3802 8106  c0 c0`,
        ),
      ),
    );
  });

  test("tells where it is, what is pressed and how the wheels turn", async () => {
    const tablet = await plugHid(createTablet());
    tablet.do({ type: "tablet", x: 0x1234, y: 0x7fff });
    tablet.do({ type: "tablet", buttons: 1 });
    tablet.do({ type: "tablet", x: -5, y: 1e9, wheel: 1, pan: -1 });
    tablet.do({ type: "tablet", buttons: 0, wheel: 200 });
    tablet.do({ type: "tablet", x: 0 });
    expect(tablet.drain()).toEqual([
      ...["003412ff7f0000", "013412ff7f0000", "010000ff7f01ff", "000000ff7f7f00", "000000ff7f4900"],
    ]);
  });

  test("where nobody asks, is where it was last; a press stays where it was", async () => {
    const tablet = await plugHid(createTablet());
    for (let x = 1; x <= 9; x++) tablet.do({ type: "tablet", x, wheel: 1 });
    tablet.do({ type: "tablet", buttons: 1 });
    for (let x = 10; x <= 20; x++) tablet.do({ type: "tablet", x });
    expect(tablet.drain()).toEqual([...["00010000000100", "00090000000800", "01090000000000", "01140000000000"]]);
  });
});

describe("a gamepad", () => {
  const rest = { type: "gamepad", buttons: 0, hat: 0, axes: [0, 0, 0, 0, 0, 0] } as const;

  test("says what it is", async () => {
    const gamepad = await plugHid(createGamepad());
    expect(gamepad.descriptor(1)).toBe("120110010000004009121000000301020001");
    expect(gamepad.descriptor(0x22, 0x81)).toBe(
      hex(
        bytes(
          `0501 0905 a101  0509 1901 2910 1500 2501 7501 9510 8102
           0501 0939 1501 2508 3500 463b01 6514 7504 9501 8142  6500 8101
           0930 0931 0932 0935 160180 26ff7f 360180 46ff7f 7510 9504 8102
           0933 0934 1500 3500 9502 8102  c0`,
        ),
      ),
    );
  });

  test("tells all of itself, each change of a button in its own report", async () => {
    const gamepad = await plugHid(createGamepad());
    gamepad.do(rest);
    gamepad.do({ ...rest, buttons: 0x8001, hat: 3 });
    gamepad.do({ ...rest, axes: [-32767, 32767, 1, -1, 32767, -9] });
    gamepad.do({ ...rest, axes: [-40000, 32767, 1, -1, 99999, -9] });
    expect(gamepad.drain()).toEqual(["018003000000000000000000000000", "0000000180ff7f0100ffffff7f0000"]);
    for (const at of [1, 2, 3, 4]) gamepad.do({ ...rest, axes: [at, 0, 0, 0, 0, 0] });
    expect(gamepad.drain()).toEqual(["000000010000000000000000000000", "000000040000000000000000000000"]);
  });

  test("is told again, when the host begins anew, only if it is not at rest", async () => {
    const gamepad = await plugHid(createGamepad());
    gamepad.do({ ...rest, hat: 1 });
    gamepad.host.configure();
    expect(gamepad.drain()).toEqual(["000001000000000000000000000000"]);
    gamepad.do(rest);
    gamepad.host.configure();
    expect(gamepad.drain()).toEqual([]);
  });
});

test.each([
  ["mouse", createMouse, 5],
  ["tablet", createTablet, 7],
  ["gamepad", createGamepad, 15],
] as const)("whatever a page says to a %s, reports are reports", async (type, create, length) => {
  const value = fc.oneof(fc.double(), fc.anything());
  const message = fc.record(
    {
      x: value,
      y: value,
      wheel: value,
      pan: value,
      buttons: value,
      hat: value,
      axes: fc.oneof(fc.array(value), value),
    },
    { requiredKeys: [] },
  );
  const device = await plugHid(create());
  fc.assert(
    fc.property(message, (fields) => {
      device.do({ type, ...fields } as unknown as DeviceInput);
      for (const report of device.drain()) expect(report).toHaveLength(2 * length);
    }),
  );
});
